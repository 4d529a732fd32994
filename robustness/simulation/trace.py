"""What happened in a run, kept as it is and made readable only when somebody asks.

A run notes thousands of events, and nearly always nobody reads them: so an event is a tuple, and only `lines` and
`digest` turn it into text. The digest is what tells whether two runs of one seed were the same run.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import themis_raft
from themis_server.replication import envelope

_US_PER_MS = 1000


class Trace:
    """The events of one run, in order."""

    def __init__(self) -> None:
        self._events: list[tuple[int, int, str, tuple[Any, ...]]] = []

    def note(self, at_us: int, node: int, what: str, *details: Any) -> None:
        """Remember an event.

        Args:
            at_us: simulated time, microseconds.
            node: the number of the node where it happened; 0 for the world outside.
            what: a word or two.
            details: anything with a stable `str`; bytes are shown as the envelope that they are.
        """
        self._events.append((at_us, node, what, details))

    def __len__(self) -> int:
        return len(self._events)

    def lines(self, last: int | None = None) -> Iterator[str]:
        """Yield the events as text, one line each: time in milliseconds, node, what. Only the `last` ones if given."""
        for at_us, node, what, details in self._events if last is None else self._events[-last:]:
            where = f"n{node}" if node else "--"
            text = " ".join(_readable(detail) for detail in details)
            yield f"{at_us / _US_PER_MS:11.3f} {where:>3}  {what:<12} {text}".rstrip()

    def digest(self) -> str:
        """Return a hash over all events (hex): equal for equal runs, in this process or another."""
        digest = hashlib.blake2b(digest_size=12)
        for at_us, node, what, details in self._events:
            digest.update(f"{at_us} {node} {what}".encode())
            for detail in details:
                digest.update(detail if isinstance(detail, bytes) else str(detail).encode())
        return digest.hexdigest()


def _readable(detail: object) -> str:
    if not isinstance(detail, bytes):
        return str(detail)
    try:
        said = envelope.decode(detail)
    except envelope.MalformedEnvelope:
        return f"{len(detail)} bytes"
    parts = [f"g{group}: {themis_raft.describe_message(m)}" for group, messages in said.messages for m in messages]
    notices = {"quiesce": said.quiesce, "led": said.led, "wake": said.wake, "gone": said.gone, "trimmed": said.trimmed}
    parts += [f"{name} {notice}" for name, notice in notices.items() if notice]
    return " | ".join(parts) or "beat"
