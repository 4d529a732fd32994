from __future__ import annotations

from server.tests.unit.inprocess import InProcess
from themis_server.shard.replica import Replica
from themis_server.statemachine.command import Mutate, Mutated, Status, Write, WriteOp
from themis_server.storage import values

COLLECTION = 7


def put(*numbers: int, document: bytes = b"{}") -> Mutate:
    return Mutate(tuple(Write(WriteOp.PUT, COLLECTION, n.to_bytes(16), document) for n in numbers), 1000)


def replica(node: InProcess) -> Replica:
    return node.replicas.by_shard["shard_001"]


async def test_what_is_written_is_read_where_it_was_written() -> None:
    async with InProcess() as node:
        mutated = await replica(node).mutate(put(1, document=b'{"a":1}'))

        assert isinstance(mutated, Mutated)
        stored = replica(node).get(COLLECTION, (1).to_bytes(16))
        assert stored is not None
        assert (values.version_of(stored), values.document_of(stored)) == (mutated.outcomes[0].version, b'{"a":1}')
        assert node.replicas.by_shard["shard_002"].get(COLLECTION, (1).to_bytes(16)) is None


async def test_a_count_is_that_of_the_shard() -> None:
    async with InProcess() as node:
        await replica(node).mutate(put(1, 2, 3))

        assert (replica(node).count(COLLECTION), node.replicas.by_shard["shard_002"].count(COLLECTION)) == (3, 0)


async def test_a_page_begins_after_an_entity_and_says_whether_there_may_be_more() -> None:
    async with InProcess() as node:
        await replica(node).mutate(put(5, 1, 3, 2, 4))

        def page(after: int | None, limit: int) -> tuple[list[int], bool]:
            start = None if after is None else after.to_bytes(16)
            pairs, more = replica(node).page(COLLECTION, start, limit, 1000)
            return [int.from_bytes(uuid) for uuid, _ in pairs], more

        assert page(None, 3) == ([1, 2, 3], True)
        assert page(3, 3) == ([4, 5], False)
        assert page(5, 3) == ([], False)


async def test_a_page_stops_at_its_bytes_after_at_least_one_entity() -> None:
    async with InProcess() as node:
        await replica(node).mutate(put(1, 2, 3, document=b'{"a":"%b"}' % (b"x" * 100)))

        pairs, more = replica(node).page(COLLECTION, None, 10, 1)

        assert (len(pairs), more) == (1, True)


async def test_a_dropped_collection_is_empty_and_takes_no_more() -> None:
    async with InProcess() as node:
        await replica(node).mutate(put(1, 2))

        await replica(node).drop_collection(COLLECTION)
        late = await replica(node).mutate(put(3))

        assert isinstance(late, Mutated)
        assert late.outcomes[0].status == Status.COLLECTION_DROPPED
        assert replica(node).count(COLLECTION) == 0
        assert replica(node).page(COLLECTION, None, 10, 1000) == ([], False)
