from __future__ import annotations

import zlib

import pytest

from server.tests.unit.replication.snapshot.states import GROUP, content, fill, pinned
from themis_server.replication.snapshot.manifest import Chunk, Totals, decode_pairs
from themis_server.replication.snapshot.source import Source
from themis_server.storage.engine import Engine, ViewLost
from themis_server.storage.memory import MemoryEngine


@pytest.fixture
def engine() -> MemoryEngine:
    engine = MemoryEngine()
    fill(engine)
    fill(engine, GROUP + 1)
    fill(engine, GROUP - 1)
    return engine


def source_of(engine: Engine, chunk_bytes: int = 500) -> Source:
    pin = pinned(engine)
    return Source(pin.view, pin.manifest, chunk_bytes)


def chunks(source: Source) -> list[Chunk]:
    found: list[Chunk] = []
    while (chunk := source.chunk(len(found))) is not None:
        found.append(chunk)
    return found


def test_the_chunks_hold_the_state_of_the_group_and_nothing_else(engine: MemoryEngine) -> None:
    found = chunks(source_of(engine))

    pairs = [pair for chunk in found for pair in decode_pairs(chunk.pairs)]
    assert dict(pairs) == content(engine, GROUP)
    assert pairs == sorted(pairs)
    assert len(found) > 5


def test_what_is_written_after_the_pin_is_not_sent(engine: MemoryEngine) -> None:
    before = content(engine, GROUP)
    source = source_of(engine)
    first = source.chunk(0)
    fill(engine, entities=100, index=99, mark="later")

    pairs = [pair for chunk in chunks(source) for pair in decode_pairs(chunk.pairs)]

    assert first is not None
    assert dict(pairs) == before


@pytest.mark.parametrize("chunk_bytes", [1, 100, 1 << 20])
def test_chunks_are_as_large_as_asked_and_a_pair_more(engine: MemoryEngine, chunk_bytes: int) -> None:
    found = chunks(source_of(engine, chunk_bytes))

    for chunk in found:
        sizes = [len(key) + len(value) for key, value in decode_pairs(chunk.pairs)]
        assert sum(sizes[:-1]) < chunk_bytes
        assert sum(sizes) >= chunk_bytes or chunk is found[-1]


def test_numbers_and_checksums_say_what_was_read(engine: MemoryEngine) -> None:
    source = source_of(engine)
    found = chunks(source)

    assert [chunk.number for chunk in found] == list(range(len(found)))
    assert [chunk.checksum for chunk in found] == [zlib.crc32(chunk.pairs) for chunk in found]
    everything = b"".join(chunk.pairs for chunk in found)
    assert source.totals == Totals(len(found), len(content(engine, GROUP)), len(everything), zlib.crc32(everything))


@pytest.mark.parametrize("order", [[0, 0, 1, 1], [0, 1, 2, 0], [5, 2, 3], [3, 99, 4], [0, 1, 0, 1, 2]])
def test_any_chunk_can_be_had_again_and_is_the_same(engine: MemoryEngine, order: list[int]) -> None:
    known = chunks(source_of(engine))
    source = source_of(engine)

    for number in order:
        expected = known[number] if number < len(known) else None
        found = source.chunk(number)
        assert (found and found.pairs) == (expected and expected.pairs)
    chunks(source)
    assert source.totals.chunks == len(known)


def test_a_view_that_is_gone_ends_it(engine: MemoryEngine) -> None:
    pin = pinned(engine)
    source = Source(pin.view, pin.manifest, 500)
    source.chunk(0)

    pin.view.release()

    with pytest.raises(ViewLost):
        source.chunk(1)
