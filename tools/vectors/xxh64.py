"""XXH64, after the specification of the xxHash fast digest algorithm (xxHash: doc/xxhash_spec.md, "XXH64")."""

from __future__ import annotations

from typing import Final

__all__ = ["xxh64"]

_MASK: Final = (1 << 64) - 1
_PRIME_1: Final = 0x9E3779B185EBCA87
_PRIME_2: Final = 0xC2B2AE3D27D4EB4F
_PRIME_3: Final = 0x165667B19E3779F9
_PRIME_4: Final = 0x85EBCA77C2B2AE63
_PRIME_5: Final = 0x27D4EB2F165667C5
_STRIPE: Final = 32


def xxh64(data: bytes, seed: int = 0) -> int:
    """Return the 64-bit hash of `data`, unsigned."""
    stripes_end = len(data) - len(data) % _STRIPE
    acc = _stripes(data[:stripes_end], seed) if stripes_end else (seed + _PRIME_5) & _MASK
    acc = _remainder(data[stripes_end:], (acc + len(data)) & _MASK)
    return _avalanche(acc)


def _stripes(data: bytes, seed: int) -> int:
    """Steps 1 to 3: four accumulators, each fed every fourth lane of eight bytes, and their convergence."""
    accs = [seed + _PRIME_1 + _PRIME_2, seed + _PRIME_2, seed, seed - _PRIME_1]
    accs = [acc & _MASK for acc in accs]
    for start in range(0, len(data), _STRIPE):
        for lane in range(4):
            accs[lane] = _round(accs[lane], _read(data, start + 8 * lane, 8))
    acc = sum(_rotate(value, bits) for value, bits in zip(accs, (1, 7, 12, 18), strict=True)) & _MASK
    for value in accs:
        acc = ((acc ^ _round(0, value)) * _PRIME_1 + _PRIME_4) & _MASK
    return acc


def _remainder(data: bytes, acc: int) -> int:
    """Step 5: what is left of the input, by eight bytes, then four, then one."""
    at = 0
    while len(data) - at >= 8:
        acc ^= _round(0, _read(data, at, 8))
        acc = (_rotate(acc, 27) * _PRIME_1 + _PRIME_4) & _MASK
        at += 8
    if len(data) - at >= 4:
        acc ^= _read(data, at, 4) * _PRIME_1 & _MASK
        acc = (_rotate(acc, 23) * _PRIME_2 + _PRIME_3) & _MASK
        at += 4
    for byte in data[at:]:
        acc ^= byte * _PRIME_5 & _MASK
        acc = _rotate(acc, 11) * _PRIME_1 & _MASK
    return acc


def _avalanche(acc: int) -> int:
    """Step 6: every bit of the input reaches every bit of the output."""
    acc = (acc ^ acc >> 33) * _PRIME_2 & _MASK
    acc = (acc ^ acc >> 29) * _PRIME_3 & _MASK
    return acc ^ acc >> 32


def _round(acc: int, lane: int) -> int:
    return _rotate((acc + lane * _PRIME_2) & _MASK, 31) * _PRIME_1 & _MASK


def _rotate(value: int, bits: int) -> int:
    return (value << bits | value >> (64 - bits)) & _MASK


def _read(data: bytes, at: int, size: int) -> int:
    return int.from_bytes(data[at : at + size], "little")
