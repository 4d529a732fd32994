"""Vectors for the hash: XXH64 with seed 0, of bytes and of keys."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tools.vectors.samples import sample_bytes, sample_uuids
from tools.vectors.vector import Suite, Vector, expect
from tools.vectors.xxh64 import xxh64

__all__ = ["suite"]

# Around every border of the algorithm: lanes of 1, 4 and 8 bytes, stripes of 32.
_LENGTHS = (*range(50), 55, 56, 59, 60, 63, 64, 65, 71, 72, 95, 96, 97, 100, 127, 128, 129, 255, 256, 257, 1000)
_KEYS = 40


def suite() -> Suite:
    """The vectors of hash.json."""
    return Suite(
        rule="hash",
        description=(
            "XXH64 with seed 0. The hash of a key is that of the 36 ASCII bytes of its uuid in lower case. "
            "Hashes are unsigned; they are written as 16 lower-case hex digits."
        ),
        operations={
            "xxh64": "{hex: bytes as hex digits} -> {hash}",
            "xxh64_text": "{text: hashed as UTF-8} -> {hash}",
            "key_hash": "{uuid: in any case} -> {hash}",
        },
        vectors=tuple(_vectors()),
    )


def _vectors() -> Iterator[Vector]:
    for length in _LENGTHS:
        data = sample_bytes(length)
        yield expect(f"{length} bytes", "xxh64", {"hex": data.hex()}, {"hash": _hash(data)})
    for name, data in (
        ("a zero byte", b"\0"),
        ("a stripe of zeros", b"\0" * 32),
        ("bytes above 127 are not sign-extended", bytes(range(128, 256))),
        ("a stripe of 255", b"\xff" * 32),
    ):
        yield expect(name, "xxh64", {"hex": data.hex()}, {"hash": _hash(data)})
    for text in ("", "a", "abc", "Nobody inspects the spammish repetition", "shard_001#0", "shard_064#149", "überall"):
        yield expect(f"the text {text!r}", "xxh64_text", {"text": text}, {"hash": _hash(text.encode())})
    for uuid in sample_uuids(_KEYS):
        yield expect(f"the key {uuid}", "key_hash", {"uuid": uuid}, {"hash": _hash(uuid.encode())})
    upper = "550E8400-E29B-41D4-A716-446655440000"
    for name, uuid in (("upper", upper), ("lower", upper.lower()), ("mixed", "550e8400-E29b-41d4-A716-446655440000")):
        yield expect(f"a key in {name} case", "key_hash", {"uuid": uuid}, {"hash": _hash(upper.lower().encode())})
    for name, uuid in (
        ("the max uuid", "ffffffff-ffff-ffff-ffff-ffffffffffff"),
        ("version 1", "c232ab00-9414-11ec-b3c8-9f6bdeced846"),
        ("version 5", "2ed6657d-e927-568b-95e1-2665a8aea6a2"),
        ("version 7", "017f22e2-79b0-7cc3-98c4-dc0c0c07398f"),
    ):
        yield expect(f"a key of {name}", "key_hash", {"uuid": uuid}, {"hash": _hash(uuid.encode())})
    yield from _searched_keys()


def _searched_keys() -> Iterator[Vector]:
    """Keys whose hashes are awkward: leading zero digits, and above 2^63, where a signed comparison goes wrong."""
    wanted: dict[str, Callable[[int], bool]] = {
        "a hash with a leading zero digit": lambda value: value < 1 << 60,
        "a hash with two leading zero digits": lambda value: value < 1 << 56,
        "a hash with three leading zero digits": lambda value: value < 1 << 52,
        "a hash above 2^63 (negative if signed)": lambda value: value >> 63 == 1,
        "a hash that begins with ff": lambda value: value >> 56 == 0xFF,
        "a hash whose low half is above 2^31": lambda value: value & 0xFFFFFFFF >= 1 << 31,
    }
    for index in range(1 << 16):
        uuid = f"00000000-0000-4000-8000-{index:012x}"
        value = xxh64(uuid.encode())
        for name in [name for name, is_wanted in wanted.items() if is_wanted(value)]:
            del wanted[name]
            yield expect(name, "key_hash", {"uuid": uuid}, {"hash": f"{value:016x}"})
        if not wanted:
            return
    raise AssertionError(f"no key found for: {', '.join(wanted)}")


def _hash(data: bytes) -> str:
    return f"{xxh64(data):016x}"
