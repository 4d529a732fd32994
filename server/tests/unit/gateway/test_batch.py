from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from server.tests.unit.inprocess import InProcess, prefix, refused, urn
from themis_server.errors import ErrorCode, entity_not_found
from themis_server.gateway.batch import ItemResult, ReadResult, WriteItem
from themis_server.gateway.writing import ABSENT
from themis_server.shard.reading import STRONG
from themis_server.statemachine.command import WriteOp
from themis_server.storage import values

NUMBERS = range(1, 41)


@pytest.fixture
async def node() -> AsyncIterator[InProcess]:
    async with InProcess() as started:
        yield started


async def put(node: InProcess, *items: WriteItem, key: str | None = None) -> tuple[list[ItemResult], bool]:
    results, replayed, _ = await node.batches.write(WriteOp.PUT, items, key)
    return results, replayed


async def get(node: InProcess, *urns: str) -> list[ReadResult]:
    return (await node.batches.read(urns, STRONG))[0]


def group_of(node: InProcess, number: int) -> int:
    return node.topology.groups[node.router.shard_of(urn(number)[-36:])]


def items(document: bytes = b"{}") -> list[WriteItem]:
    return [WriteItem(urn(number), document) for number in NUMBERS]


def codes(results: list[ItemResult]) -> list[ErrorCode | None]:
    return [None if result.error is None else result.error.code for result in results]


async def test_items_of_every_shard_are_answered_in_the_order_asked(node: InProcess) -> None:
    results, replayed = await put(node, *items())

    assert [result.urn for result in results] == [urn(number) for number in NUMBERS]
    assert set(codes(results)) == {None}
    assert not replayed
    assert sum(1 for replica in node.replicas.by_shard.values() if replica.count(1)) > 1


async def test_a_batch_reads_what_a_batch_wrote(node: InProcess) -> None:
    written, _ = await put(node, *items(b'{"a":1}'))

    read = await get(node, *[urn(number) for number in NUMBERS])

    for (name, stored, error), was in zip(read, written, strict=True):
        assert (name, error) == (was.urn, None)
        assert stored is not None
        assert (values.version_of(stored), values.document_of(stored)) == (was.version, b'{"a":1}')


async def test_each_item_fails_by_itself(node: InProcess) -> None:
    await put(node, WriteItem(urn(1)))
    refusal = entity_not_found("what the edge refused")

    results, _ = await put(
        node,
        WriteItem(urn(2)),
        WriteItem("urn:themis:nonsense"),
        WriteItem(urn(1), expect=ABSENT),
        WriteItem(urn(3), error=refusal),
        WriteItem(urn(4, model="graph")),
        WriteItem(urn(5)),
    )

    assert codes(results) == [
        None,
        ErrorCode.INVALID_URN,
        ErrorCode.PRECONDITION_FAILED,
        ErrorCode.ENTITY_NOT_FOUND,
        ErrorCode.COLLECTION_MODEL_MISMATCH,
        None,
    ]
    assert results[1].urn == "urn:themis:nonsense"
    assert node.document(urn(3)) is None


async def test_an_entity_may_occur_twice_and_the_later_item_sees_the_earlier(node: InProcess) -> None:
    results, _ = await put(node, WriteItem(urn(1), b'{"n":1}', ABSENT), WriteItem(urn(1), b'{"n":2}', ABSENT))

    assert codes(results) == [None, ErrorCode.PRECONDITION_FAILED]
    assert results[1].error is not None
    assert results[1].error.fields["version"] == results[0].version


async def test_urns_are_answered_normalised(node: InProcess) -> None:
    name = urn(0xABCDEF)

    results, _ = await put(node, WriteItem(name.replace("00abcdef", "00ABCDEF").replace("urn:themis", "URN:Themis")))

    assert results[0].urn == name


async def test_a_batch_of_nothing_is_answered_with_nothing(node: InProcess) -> None:
    assert await put(node) == ([], False)
    assert await get(node) == []


async def test_deletes_create_no_collection(node: InProcess) -> None:
    results, _, _ = await node.batches.write(WriteOp.DELETE, [WriteItem(urn(1))], None)

    assert codes(results) == [ErrorCode.NAMESPACE_NOT_FOUND]
    assert node.catalog.namespaces == {}


async def test_a_read_says_of_each_item_why_there_is_nothing(node: InProcess) -> None:
    await put(node, WriteItem(urn(1)))

    read = await get(node, urn(2), "?", urn(1), urn(1, "orders"), urn(1, namespace="other"))

    assert [error and error.code for _, _, error in read] == [
        ErrorCode.ENTITY_NOT_FOUND,
        ErrorCode.INVALID_URN,
        None,
        ErrorCode.COLLECTION_NOT_FOUND,
        ErrorCode.NAMESPACE_NOT_FOUND,
    ]


async def test_a_large_batch_is_split_into_parts_and_loses_nothing() -> None:
    async with InProcess(part_bytes_max=200) as node:
        results, _ = await put(node, *items(b'{"a":"%b"}' % (b"x" * 50)))

        assert set(codes(results)) == {None}
        counts, _ = await node.listing.count(node.catalog.by_prefix[prefix().text], STRONG)
        assert sum(counts.values()) == len(NUMBERS)


async def test_a_repeated_batch_with_a_key_is_answered_as_the_first() -> None:
    async with InProcess(part_bytes_max=200) as node:
        first, _ = await put(node, *items(), key="k")

        again, replayed = await put(node, *items(), key="k")

        assert (again, replayed) == (first, True)


async def test_another_batch_under_the_key_of_the_first_is_refused(node: InProcess) -> None:
    await put(node, *items(), key="k")

    await refused(put(node, *items(b'{"a":1}'), key="k"), ErrorCode.IDEMPOTENCY_KEY_REUSED)

    stored = node.document(urn(1))
    assert stored is not None
    assert values.document_of(stored) == b"{}"


async def test_what_one_shard_cannot_say_does_not_silence_the_others(node: InProcess) -> None:
    await put(node, WriteItem(urn(99)))
    deaf = group_of(node, 1)
    node.lost = lambda group: group == deaf

    results, replayed = await put(node, *items(), key="k")

    for number, code in zip(NUMBERS, codes(results), strict=True):
        there = group_of(node, number) == deaf
        assert code == (ErrorCode.OUTCOME_UNKNOWN if there else None)
    assert not replayed


async def test_a_retry_of_a_half_known_batch_completes_it(node: InProcess) -> None:
    await put(node, WriteItem(urn(99)))
    deaf = group_of(node, 1)
    node.lost = lambda group: group == deaf
    first, _ = await put(node, *items(), key="k")

    node.lost = lambda group: False
    again, replayed = await put(node, *items(), key="k")

    assert set(codes(again)) == {None}
    assert not replayed
    for was, now in zip(first, again, strict=True):
        assert was.error is not None or now.version == was.version
