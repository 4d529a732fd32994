"""What a peer may ask of a node: carried out, refused by name, or thrown out before it does harm."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.tests.unit.inprocess import InProcess, prefix, urn
from themis.urn import split_urn
from themis_server.errors import ErrorCode, ThemisServerError
from themis_server.peer.identity import Identity
from themis_server.shard.refusal import Reason, Refused
from themis_server.shard.wire import (
    Answers,
    Ask,
    ChangePart,
    CountPart,
    DropPart,
    Dropped,
    Failure,
    MutatePart,
    PagePart,
    Read,
    ReadPart,
    Wrote,
    encode,
)
from themis_server.statemachine.command import (
    DropCollection,
    MetadataTransaction,
    Mutate,
    Status,
    Write,
    WriteOp,
    encode_command,
)
from themis_server.storage import values

PEER = Identity("themis", "node-2", 2, "0" * 32, 1, "test")
UUID = (7).to_bytes(16)
METHODS = ("shard.read", "shard.page", "shard.count", "shard.mutate", "shard.drop", "meta.change")


@pytest.fixture
async def node() -> AsyncIterator[InProcess]:
    async with InProcess() as started:
        await started.catalog.ensure(prefix(), 5)
        yield started


async def ask(node: InProcess, method: str, *parts: Any, epoch: int = 1, level: int = 0, **of: Any) -> list[Any]:
    answer = await node.handlers[method](PEER, encode(Ask(epoch, 1000, parts, level, **of)))
    return msgspec.msgpack.decode(answer, type=Answers[Read | Wrote | Dropped | Failure]).parts


def put(document: bytes = b'{"a":1}', *, op: int = WriteOp.PUT, collection: int = 1, uuid: bytes = UUID) -> bytes:
    return encode_command(Mutate((Write(op, collection, uuid, document),), 1000))


async def test_a_peer_writes_and_reads(node: InProcess) -> None:
    (wrote,) = await ask(node, "shard.mutate", MutatePart(1, put()))
    (read,) = await ask(node, "shard.read", ReadPart(1, 0, (1).to_bytes(4) + UUID + (1).to_bytes(4) + b"n" * 16))

    version = wrote.outcomes[0][1]
    assert wrote.outcomes == [(Status.CREATED, version)]
    assert (read.role, read.lag_ms, read.version) == ("leader", 0, version)
    assert read.values == [values.pack(version, b'{"a":1}'), None]


async def test_each_part_fails_by_itself(node: InProcess) -> None:
    first, second = await ask(node, "shard.mutate", MutatePart(99, put()), MutatePart(1, put()))

    error = first.error()
    assert isinstance(error, Refused)
    assert (error.reason, error.code) == (Reason.NOT_HOSTED, ErrorCode.WRONG_SHARD)
    assert second.outcomes


async def test_a_large_read_is_cut_and_has_at_least_one_entity(node: InProcess) -> None:
    await ask(node, "shard.mutate", MutatePart(1, put(b'{"a":"%b"}' % (b"x" * 500))))
    place = (1).to_bytes(4) + UUID

    (read,) = await ask(node, "shard.read", ReadPart(1, 0, place * 5), bytes_max=1100)

    assert len(read.values) == 3
    (read,) = await ask(node, "shard.read", ReadPart(1, 0, place * 5), bytes_max=1)
    assert len(read.values) == 1


async def test_a_collection_that_was_dropped_is_named(node: InProcess) -> None:
    await ask(node, "shard.drop", DropPart(1, (3,)))

    (read,) = await ask(
        node, "shard.read", ReadPart(1, 0, (3).to_bytes(4) + UUID + (1).to_bytes(4) + UUID), epoch=1, level=2
    )

    assert (read.values, read.dropped) == ([None, None], (3,))


async def test_keys_that_an_older_token_table_has_placed_are_refused(node: InProcess) -> None:
    topology = node.topology.current
    swapped = tuple((token, "shard_001") for token, _ in topology.tokens)
    node.topology.update(msgspec.structs.replace(topology, epoch=8))
    (before,) = await ask(node, "shard.mutate", MutatePart(1, put()), epoch=1)
    node.topology.update(msgspec.structs.replace(topology, epoch=9, tokens=swapped))

    (after,) = await ask(node, "shard.mutate", MutatePart(1, put()), epoch=8)
    (now,) = await ask(node, "shard.mutate", MutatePart(1, put()), epoch=9)

    assert isinstance(before, Wrote), "replicas moved, but no key"
    assert after.reason == Reason.STALE_EPOCH
    assert isinstance(now, Wrote)


@pytest.mark.parametrize(
    "command",
    [
        b"",
        b"\xc1",
        encode_command(DropCollection(1)),
        encode_command(MetadataTransaction((), ())),
        put(uuid=b"short"),
        put(op=9),
        put(collection=1 << 32),
        put(collection=-1),
        put(op=WriteOp.PATCH, document=b"{"),
        encode_command(Mutate((), 1000, b"digest")),
        encode_command(Mutate((), 1000, b"d" * 16, b"", 1 << 63)),
        put(b'{"a":"%b"}' % (b"x" * (1 << 20))),
    ],
)
async def test_what_no_replica_could_apply_is_never_proposed(node: InProcess, command: bytes) -> None:
    proposed = node.pending.count
    applied = node.driver.views[1].applied

    (answer,) = await ask(node, "shard.mutate", MutatePart(1, command))

    assert isinstance(answer, Failure)
    assert not answer.reason, "another node would be no better"
    assert (node.pending.count, node.driver.views[1].applied) == (proposed, applied)


async def test_the_metadata_takes_no_writes_of_entities_and_a_shard_no_metadata(node: InProcess) -> None:
    for method, part in (
        ("shard.mutate", MutatePart(0, put())),
        ("shard.drop", DropPart(0, (1,))),
        ("meta.change", ChangePart(1, encode_command(MetadataTransaction((), ())))),
    ):
        with pytest.raises(ThemisServerError) as raised:
            await node.handlers[method](PEER, encode(Ask(1, 1000, (part,))))
        assert raised.value.code == ErrorCode.INVALID_BODY


@pytest.mark.parametrize(
    ("method", "part"),
    [
        ("shard.read", ReadPart(1, 0, b"x" * 20 * 100_001)),
        ("shard.read", ReadPart(1, 0, b"")),
        ("shard.read", ReadPart(1, -1, b"x" * 20)),
        ("shard.page", PagePart(1, 0, 1, b"short", 10, 10)),
        ("shard.page", PagePart(1, 0, 1, None, 0, 10)),
        ("shard.page", PagePart(1, 0, 1, None, 10, 1 << 31)),
        ("shard.count", CountPart(1, 0, (1 << 32,))),
        ("shard.count", CountPart(70_000, 0, ())),
    ],
)
async def test_what_is_out_of_bounds_is_refused(node: InProcess, method: str, part: Any) -> None:
    with pytest.raises(ThemisServerError) as raised:
        await node.handlers[method](PEER, encode(Ask(1, 1000, (part,))))

    assert raised.value.code == ErrorCode.INVALID_BODY


async def test_half_an_entity_is_refused(node: InProcess) -> None:
    whole = encode(Ask(1, 1000, (ReadPart(1, 0, b"x" * 20),)))
    half = whole.replace(b"\xc4\x14" + b"x" * 20, b"\xc4\x13" + b"x" * 19)
    assert half != whole

    with pytest.raises(ThemisServerError) as raised:
        await node.handlers["shard.read"](PEER, half)

    assert raised.value.code == ErrorCode.INVALID_BODY


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(METHODS), st.binary(max_size=60))
def test_noise_is_refused_and_harms_nobody(method: str, noise: bytes) -> None:
    import asyncio

    async def check() -> None:
        async with InProcess() as node:
            with pytest.raises(ThemisServerError) as raised:
                await node.handlers[method](PEER, noise)
            assert raised.value.code == ErrorCode.INVALID_BODY
            await node.entities.write(WriteOp.PUT, *split_urn(urn(1)), b"{}", None, None)

    asyncio.run(check())


def test_a_failure_is_the_same_error_at_the_other_end() -> None:
    refusal = Refused(Reason.TOO_OLD, "too old", 7, lag_ms=40)
    error = ThemisServerError(ErrorCode.DISK_FULL, "full", limit=5)

    again = [
        msgspec.msgpack.decode(msgspec.msgpack.encode(Failure.of(one)), type=Failure).error()
        for one in (refusal, error)
    ]

    assert isinstance(again[0], Refused)
    assert (again[0].reason, again[0].leader, again[0].fields, again[0].code) == (
        Reason.TOO_OLD,
        7,
        {"lag_ms": 40},
        ErrorCode.LAG_EXCEEDED,
    )
    assert type(again[1]) is ThemisServerError
    assert (again[1].code, again[1].detail, again[1].fields) == (ErrorCode.DISK_FULL, "full", {"limit": 5})


def test_an_error_of_a_later_release_is_an_error_all_the_same() -> None:
    assert Failure("from_the_future", "what").error().code == ErrorCode.INTERNAL
    assert isinstance(Failure("x", "what", {}, "from_the_future").error(), Refused)
