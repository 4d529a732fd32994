"""Vectors for versions: the hybrid logical clock in 53 bits, and what is a version at all."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tools.vectors.vector import Suite, Vector, expect, refuse

__all__ = ["EPOCH_UNIX_MS", "VERSION_MAX", "following", "from_unix_ms", "pack", "suite"]

EPOCH_UNIX_MS: Final = 1_704_067_200_000
"""2024-01-01T00:00:00Z."""
VERSION_MAX: Final = 2**53 - 1
_COUNTER_BITS: Final = 12
_MS_BITS: Final = 41


def pack(unix_ms: int, counter: int) -> int | None:
    """The reference: the version of a millisecond and a counter; None if either does not fit."""
    ms = unix_ms - EPOCH_UNIX_MS
    if not (0 <= ms < 1 << _MS_BITS and 0 <= counter < 1 << _COUNTER_BITS):
        return None
    return ms << _COUNTER_BITS | counter


def from_unix_ms(unix_ms: int) -> int:
    """The reference: the first version of a millisecond, 0 before the epoch, the greatest one after the last."""
    return min(max(unix_ms - EPOCH_UNIX_MS, 0) << _COUNTER_BITS, VERSION_MAX)


def following(previous: int, unix_ms: int) -> int | None:
    """The reference: the version after `previous` when the clock says `unix_ms`; None when there is none left."""
    version = max(previous + 1, from_unix_ms(unix_ms))
    return version if version <= VERSION_MAX else None


def suite() -> Suite:
    """The vectors of version.json."""
    return Suite(
        rule="version",
        description=(
            "A version is an integer from 1 to 2^53-1: 41 bits of milliseconds since 2024-01-01T00:00:00Z, 12 "
            "bits of a counter below them. The next version is the greater of the one before plus 1 and the "
            "first of the present millisecond, so versions rise even if the clock goes back. 0 is no version; "
            "as if_match of a batch item it means 'must not exist'. All integers are decimal texts here, "
            "because JSON parsers round those above 2^53."
        ),
        operations={
            "version": "{value: a JSON number's text} -> {version}, or refused {}",
            "if_match": "{value} -> {must_exist, version: null for 0}, or refused {}",
            "pack": "{unix_ms, counter} -> {version}, or refused {}",
            "unpack": "{version} -> {unix_ms, counter}",
            "next": "{previous: 0 if there was none, unix_ms} -> {version}, or refused {}",
        },
        vectors=tuple(_vectors()),
    )


def _vectors() -> Iterator[Vector]:
    for number in (1, 2, 4095, 4096, 2**31, 2**32, 2**52, VERSION_MAX - 1, VERSION_MAX):
        yield expect(f"{number} is a version", "version", {"value": str(number)}, {"version": str(number)})
        result = {"must_exist": True, "version": str(number)}
        yield expect(f"if_match {number}", "if_match", {"value": str(number)}, result)
    yield refuse("0 is no version", "version", {"value": "0"}, {})
    yield expect("if_match 0", "if_match", {"value": "0"}, {"must_exist": False, "version": None})
    for text in ("-1", str(2**53), str(2**53 + 1), str(2**63), str(2**64), "1.5", "true", "null", '"1"', "-0.5"):
        yield refuse(f"{text} is no version", "version", {"value": text}, {})
        yield refuse(f"if_match {text}", "if_match", {"value": text}, {})
    yield from _packed()
    yield from _followed()


def _packed() -> Iterator[Vector]:
    last_ms = EPOCH_UNIX_MS + (1 << _MS_BITS) - 1
    for name, unix_ms, counter in (
        ("the second of all", EPOCH_UNIX_MS, 1),
        ("the first millisecond's last", EPOCH_UNIX_MS, 4095),
        ("the second millisecond's first", EPOCH_UNIX_MS + 1, 0),
        ("a day in 2026", 1_795_421_730_125, 0),
        ("a day in 2026, counted", 1_795_421_730_125, 77),
        ("half of the range", EPOCH_UNIX_MS + (1 << 40), 0),
        ("the last millisecond's first", last_ms, 0),
        ("the last of all", last_ms, 4095),
    ):
        version = pack(unix_ms, counter)
        if version is None:
            raise AssertionError(name)
        given = {"unix_ms": str(unix_ms), "counter": str(counter)}
        yield expect(f"pack {name}", "pack", given, {"version": str(version)})
        yield expect(f"unpack {name}", "unpack", {"version": str(version)}, given)
    for name, unix_ms, counter in (
        ("before the epoch", EPOCH_UNIX_MS - 1, 0),
        ("at the Unix epoch", 0, 0),
        ("after the last millisecond", last_ms + 1, 0),
        ("a counter of 4096", EPOCH_UNIX_MS, 4096),
        ("a counter of -1", EPOCH_UNIX_MS + 1, -1),
    ):
        yield refuse(f"pack {name}", "pack", {"unix_ms": str(unix_ms), "counter": str(counter)}, {})


def _followed() -> Iterator[Vector]:
    now = 1_795_421_730_125
    first = from_unix_ms(now)
    for name, previous, unix_ms in (
        ("the first one", 0, now),
        ("in the same millisecond", first, now),
        ("in the next millisecond", first, now + 1),
        ("a counter that runs over", first + 4095, now),
        ("a counter that ran over, a millisecond later", first + 4096, now + 1),
        ("a clock that goes back an hour", first, now - 3_600_000),
        ("a clock that goes back before the epoch", first, 0),
        ("a clock that never came to the epoch", 0, EPOCH_UNIX_MS - 1),
        ("a clock at the epoch", 0, EPOCH_UNIX_MS),
        ("a clock an hour ahead", first, now + 3_600_000),
        ("the last but one", VERSION_MAX - 1, now),
        ("none is left", VERSION_MAX, now),
        ("a clock beyond the range", first, EPOCH_UNIX_MS + (1 << _MS_BITS)),
    ):
        given = {"previous": str(previous), "unix_ms": str(unix_ms)}
        version = following(previous, unix_ms)
        if version is None:
            yield refuse(f"next: {name}", "next", given, {})
        else:
            yield expect(f"next: {name}", "next", given, {"version": str(version)})
