"""Versions: a hybrid logical clock in 53 bits, so that every language's numbers hold one exactly.

    version = milliseconds since 2024-01-01T00:00:00Z (41 bits, until 2093) << 12 | counter (12 bits)

The leader proposes with a reading of its clock; the state machine then takes the greater of that and one more than
the last version it gave out. So versions of a shard rise strictly in log order whatever the clocks do, through
failover, deletion and re-creation. A burst of more than 4,096 writes in a millisecond runs into the milliseconds to
come.

Source: Kulkarni et al., "Logical Physical Clocks", 2014.
"""

from __future__ import annotations

EPOCH_UNIX_MS = 1_704_067_200_000
COUNTER_BITS = 12
VERSION_MAX = (1 << 53) - 1


def from_unix_ms(unix_ms: int) -> int:
    """Return the first version of a millisecond; 0 before the epoch of versions, capped at the greatest version."""
    return min(max(unix_ms - EPOCH_UNIX_MS, 0) << COUNTER_BITS, VERSION_MAX)


def to_unix_ms(version: int) -> int:
    """Return the millisecond (Unix time) of `version`; a burst may have borrowed it from the future."""
    return (version >> COUNTER_BITS) + EPOCH_UNIX_MS
