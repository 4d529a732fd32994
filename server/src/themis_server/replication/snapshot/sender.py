"""The sending end of one snapshot: what to say next, whatever was answered or lost. No wires, no clock.

begin --> chunk 0 --> chunk 1 ... --> end --> done
  ^          |            |            |
  +----------+------------+------------+   after a break or a setback: ask how far the receiver is, and go on there
"""

from __future__ import annotations

from typing import Final

from themis_server.replication.snapshot.manifest import Begin, End, Malformed, decode_answer, encode
from themis_server.replication.snapshot.source import Source

_SETBACKS_MAX: Final = 5


class Sender:
    """Leads a content to its end: `request`, then `answered` or `lost`, until `ended`."""

    def __init__(self, source: Source, message: bytes) -> None:
        """Begin.

        Args:
            source: the content.
            message: the Raft message, said last.
        """
        self._source = source
        self._message = message
        self._next: int | None = None
        """The chunk that the receiver needs; None: it must be asked."""
        self._verb = "begin"
        self._setbacks = 0
        self.succeeded = False
        self.failure = ""
        """Why it failed; empty while it did not."""
        self.progress = 0
        """The most chunks that the receiver ever had: what a deadline watches."""

    @property
    def ended(self) -> bool:
        """Whether there is nothing more to say."""
        return self.succeeded or self.failure != ""

    def request(self) -> tuple[str, bytes]:
        """Return what to say now: `begin`, `chunk` or `end`, and its payload. Raises `ViewLost`."""
        if self._next is None:
            self._verb = "begin"
            return "begin", encode(Begin(encode(self._source.manifest)))
        chunk = self._source.chunk(self._next)
        if chunk is not None:
            self._verb = "chunk"
            return "chunk", encode(chunk)
        self._verb = "end"
        return "end", encode(End(self._source.manifest.name, self._source.totals, self._message))

    def lost(self) -> None:
        """No answer came: ask where to go on; an end is said again, as it may have been heard."""
        if self._verb != "end":
            self._next = None

    def answered(self, payload: bytes) -> str:
        """Take the answer to the last request; return why to wait before the next one, empty: no reason."""
        try:
            answer = decode_answer(payload)
        except Malformed as error:
            self.failure = f"the answer does not decode: {error}"
            return ""
        if answer.refusal == "busy":
            self._next = None
            return "the node receives as many snapshots as it may"
        if answer.refusal in ("damaged", "unknown") and self._setbacks < _SETBACKS_MAX:
            self._setbacks += 1
            self._next = None
        elif answer.refusal:
            self.failure = answer.refusal
        elif self._verb == "end":
            self.succeeded = True
        else:
            self._next = answer.received
            self.progress = max(self.progress, answer.received)
        return ""
