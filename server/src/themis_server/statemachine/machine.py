"""What the machines of data shards and metadata have in common: their place in the log, and what drives them."""

from __future__ import annotations

from typing import Protocol

import msgspec

from themis_server.statemachine.command import Result
from themis_server.storage import keys
from themis_server.storage.engine import Overlay, Reader


class MachineState(msgspec.Struct, array_like=True):
    """What a group's machine remembers beside its keys.

    Written in the same batch as the effects of the entry it names.
    """

    applied_index: int = 0
    applied_term: int = 0
    last_version: int = 0
    membership: bytes = b""
    """The group's members as of the applied index, as the Raft core encodes them; empty until the first change."""
    records: int = 0
    """How many idempotency records there are."""
    oldest_expiry_ms: int = 0
    """No idempotency record expires before this; saves a look-up for every write. 0: not known."""


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(MachineState)


def load_state(reader: Reader, group: int) -> MachineState:
    """Return the state of a group's machine; a fresh one if it never applied anything."""
    raw = reader.get(keys.machine_state(group))
    return MachineState() if raw is None else _decoder.decode(raw)


def save_state(overlay: Overlay, group: int, state: MachineState) -> None:
    """Put the state of a group's machine into the write that carries what it applied."""
    overlay.put(keys.machine_state(group), _encoder.encode(state))


class Machine(Protocol):
    """A deterministic state machine that is fed committed entries in order."""

    state: MachineState

    def apply(self, index: int, term: int, payload: bytes, overlay: Overlay) -> list[Result]:
        """Apply one entry and answer each of its commands.

        An empty payload is the entry with which a leader opens its term; it does nothing.
        """
        ...
