"""Filling a server with the benchmarks' documents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from benchmarks.load.documents import batch_get_bodies, batch_put_bodies
from benchmarks.servers import ServerError, ask

BATCH = 1000


class _Item(msgspec.Struct):
    urn: str
    version: int | None = None
    doc: dict[str, Any] | None = None
    error: dict[str, Any] | None = None


class _Answer(msgspec.Struct):
    items: list[_Item]


_decode = msgspec.json.Decoder(_Answer).decode


def fill(port: int, keys: Sequence[str]) -> None:
    """Store a document under every key.

    Raises:
        ServerError: An entity was not stored.
    """
    for body in batch_put_bodies(keys, BATCH):
        check_batch(*ask(port, "POST", "/batch/put", body))


def check_reads(port: int, keys: Sequence[str], items: int) -> None:
    """Make sure that batch_get answers documents and not errors, before its speed is taken for an achievement."""
    for body in batch_get_bodies(keys, items, 3):
        answer = check_batch(*ask(port, "POST", "/batch/get", body))
        if any(item.doc is None for item in answer.items):
            raise ServerError("batch_get answered an item without a document")


def check_batch(status: int, body: bytes) -> _Answer:
    """Read a batch's answer; raises `ServerError` if any item of it failed."""
    if status != 200:
        raise ServerError(f"a batch was answered {status}: {body[:300]!r}")
    answer = _decode(body)
    failed = [item for item in answer.items if item.version is None]
    if failed:
        raise ServerError(f"{len(failed)} of {len(answer.items)} items failed, the first with {failed[0]}")
    return answer
