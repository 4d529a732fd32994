"""What idempotent writes answered, kept in the replicated state so that a retry gets the same answer from any leader.

Bounded twice: a record goes when its time has passed or when there are more than `records_max`, oldest expiry first.
Each write that adds a record removes up to two, so no entry pays for a whole clean-up.
"""

from __future__ import annotations

import msgspec

from themis_server.statemachine.command import Outcome
from themis_server.statemachine.machine import MachineState
from themis_server.storage import keys
from themis_server.storage.engine import Overlay

_EVICTIONS_PER_WRITE = 2
_EXPIRY_AT = len(keys.idempotency_expiry_range(0)[0])


class Record(msgspec.Struct, array_like=True, frozen=True):
    """One remembered request: what identified it, when it expires (Unix ms), and the outcome of each of its writes."""

    fingerprint: bytes
    expires_ms: int
    outcomes: tuple[tuple[int, int], ...]


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Record)


def recall(overlay: Overlay, shard: int, digest: bytes, now_ms: int) -> Record | None:
    """Return the record of a digest unless it has expired at `now_ms` (the entry's time, not a clock's)."""
    raw = overlay.get(keys.idempotency(shard, digest))
    if raw is None:
        return None
    record = _decoder.decode(raw)
    return record if record.expires_ms > now_ms else None


def remember(
    overlay: Overlay,
    shard: int,
    state: MachineState,
    *,
    digest: bytes,
    fingerprint: bytes,
    expires_ms: int,
    outcomes: tuple[Outcome, ...],
    now_ms: int,
    records_max: int,
) -> None:
    """Keep what a request answered, and let go of a few records that are due."""
    key = keys.idempotency(shard, digest)
    old = overlay.get(key)
    if old is None:
        state.records += 1
    else:
        overlay.delete(keys.idempotency_expiry(shard, _decoder.decode(old).expires_ms, digest))
    overlay.put(key, _encoder.encode(Record(fingerprint, expires_ms, tuple((int(s), v) for s, v in outcomes))))
    overlay.put(keys.idempotency_expiry(shard, expires_ms, digest), b"")
    _evict(overlay, shard, state, now_ms, records_max)


def _evict(overlay: Overlay, shard: int, state: MachineState, now_ms: int, records_max: int) -> None:
    if state.records <= records_max and state.oldest_expiry_ms > now_ms:
        return
    start, end = keys.idempotency_expiry_range(shard)
    due = list(overlay.scan(start, end, _EVICTIONS_PER_WRITE + 1))
    removed = 0
    for key, _ in due[:_EVICTIONS_PER_WRITE]:
        expires_ms = int.from_bytes(key[_EXPIRY_AT : _EXPIRY_AT + 8])
        if expires_ms > now_ms and state.records <= records_max:
            break
        overlay.delete(key)
        overlay.delete(keys.idempotency(shard, key[_EXPIRY_AT + 8 :]))
        state.records -= 1
        removed += 1
    rest = due[removed:]
    state.oldest_expiry_ms = int.from_bytes(rest[0][0][_EXPIRY_AT : _EXPIRY_AT + 8]) if rest else 0
