"""Uuids and byte strings that look random and are the same every time."""

from __future__ import annotations

from collections.abc import Iterator

from tools.vectors.xxh64 import xxh64

__all__ = ["sample_bytes", "sample_uuids"]


def sample_bytes(length: int) -> bytes:
    """`length` bytes, the prefix of one fixed sequence."""
    words = (xxh64(f"sample {index}".encode()).to_bytes(8, "little") for index in range(length // 8 + 1))
    return b"".join(words)[:length]


def sample_uuids(count: int) -> Iterator[str]:
    """`count` different uuids of version 4, in lower case."""
    for index in range(count):
        digits = f"{xxh64(f'uuid a {index}'.encode()):016x}{xxh64(f'uuid b {index}'.encode()):016x}"
        digits = f"{digits[:12]}4{digits[13:16]}{'89ab'[int(digits[16], 16) % 4]}{digits[17:]}"
        yield f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
