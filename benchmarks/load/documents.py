"""The data that is stored and asked for: documents of one size under random keys, the same in every run."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence

DOCUMENT_BYTES = 200
_SEED = 20130101
_PREFIX = "urn:themis:document:bench:people:"


def uuids(count: int) -> list[str]:
    """Make random (version 4) UUIDs, always the same ones in the same order."""
    source = random.Random(_SEED)
    made = []
    for _ in range(count):
        text = f"{source.getrandbits(128):032x}"
        made.append(f"{text[:8]}-{text[8:12]}-4{text[13:16]}-8{text[17:20]}-{text[20:]}")
    return made


def urn(uuid: str) -> str:
    """Name the entity of a key in the benchmarks' collection."""
    return _PREFIX + uuid


def document(index: int) -> bytes:
    """Make the JSON of document number `index`, exactly `DOCUMENT_BYTES` long."""
    fields = {
        "name": f"Person {index}",
        "email": f"person.{index}@example.org",
        "age": 18 + index % 70,
        "score": index % 1000 / 8,
        "active": index % 3 == 0,
        "tags": ["alpha", "beta"],
        "about": "",
    }
    bare = json.dumps(fields, separators=(",", ":"))
    fields["about"] = "x" * (DOCUMENT_BYTES - len(bare))
    return json.dumps(fields, separators=(",", ":")).encode()


def batch_put_bodies(keys: Sequence[str], items: int) -> Iterator[bytes]:
    """Make the bodies of batch_put requests that together store every key once, `items` in each."""
    for start in range(0, len(keys), items):
        parts = (
            b'{"urn":"%b","doc":%b}' % (urn(key).encode(), document(start + offset))
            for offset, key in enumerate(keys[start : start + items])
        )
        yield b'{"items":[' + b",".join(parts) + b"]}"


def batch_get_bodies(
    keys: Sequence[str], items: int, count: int, source: random.Random | None = None
) -> Iterator[bytes]:
    """Make `count` bodies of batch_get requests, each for `items` keys drawn at random."""
    source = source or random.Random(_SEED + 1)
    for _ in range(count):
        yield json.dumps({"urns": [urn(key) for key in source.sample(keys, items)]}, separators=(",", ":")).encode()
