"""What is staged is what was sent, or it is refused."""

from __future__ import annotations

import zlib
from collections.abc import Callable

import msgspec
import pytest

from server.tests.unit.replication.snapshot.states import GROUP, INDEX, content, fill, pinned
from themis_server.replication.snapshot.manifest import Chunk, Totals, decode_pairs, encode
from themis_server.replication.snapshot.pins import Pin
from themis_server.replication.snapshot.source import Source
from themis_server.replication.snapshot.staging import Damaged, Staging
from themis_server.storage import keys
from themis_server.storage.memory import MemoryEngine


class Fixture:
    def __init__(self) -> None:
        self.sending = MemoryEngine()
        fill(self.sending)
        self.pin: Pin = pinned(self.sending)
        self.source = Source(self.pin.view, self.pin.manifest, 500)
        self.engine = MemoryEngine()
        self.staging = Staging(self.engine, self.pin.manifest)

    def chunk(self, number: int) -> Chunk:
        chunk = self.source.chunk(number)
        assert chunk is not None
        return chunk

    def add_all(self, change: Callable[[Chunk], Chunk | None] = lambda chunk: chunk) -> None:
        number = 0
        while (chunk := self.source.chunk(number)) is not None:
            changed = change(chunk)
            if changed is not None:
                self.staging.add(changed)
            number += 1


def sealed(chunk: Chunk, pairs: list[tuple[bytes, bytes]]) -> Chunk:
    """A chunk with other pairs and a checksum that fits: what only a liar sends."""
    encoded = encode(pairs)
    return Chunk(chunk.name, chunk.number, zlib.crc32(encoded), encoded)


def test_what_is_staged_is_what_was_pinned_and_shows_nowhere() -> None:
    at = Fixture()

    at.add_all()
    staged = at.staging.end(at.source.totals)

    assert content(at.engine) == {}
    assert at.engine.bulk_loads() == {staged.load: True}
    for _ in at.engine.replace(keys.group_ranges(GROUP), staged.load):
        pass
    assert content(at.engine) == content(at.sending, GROUP)


def test_a_chunk_that_comes_twice_counts_once() -> None:
    at = Fixture()
    at.staging.add(at.chunk(0))
    at.staging.add(at.chunk(1))

    at.staging.add(at.chunk(0))
    at.staging.add(at.chunk(1))

    assert at.staging.totals.chunks == 2
    at.add_all()
    at.staging.end(at.source.totals)


def test_a_chunk_out_of_turn_is_refused() -> None:
    at = Fixture()
    at.staging.add(at.chunk(0))

    with pytest.raises(Damaged, match="chunk 2 came where chunk 1 is needed"):
        at.staging.add(at.chunk(2))


@pytest.mark.parametrize("position", [0, 1, 200, -1])
def test_a_flipped_bit_is_noticed_and_the_chunk_can_be_sent_again(position: int) -> None:
    at = Fixture()
    at.staging.add(at.chunk(0))
    chunk = at.chunk(1)
    damaged = bytearray(chunk.pairs)
    damaged[position] ^= 1

    with pytest.raises(Damaged, match="checksum"):
        at.staging.add(msgspec.structs.replace(chunk, pairs=bytes(damaged)))

    at.add_all()
    at.staging.end(at.source.totals)


def test_without_the_checksum_of_a_chunk_that_of_the_whole_still_notices() -> None:
    # The first checker broken on purpose: a letter in a document is another, and the checksum fits it.
    at = Fixture()

    def flipped(chunk: Chunk) -> Chunk:
        pairs = chunk.pairs.replace(b'"mark":"new"', b'"mark":"nev"')
        return Chunk(chunk.name, chunk.number, zlib.crc32(pairs), pairs)

    at.add_all(flipped)

    with pytest.raises(Damaged):
        at.staging.end(at.source.totals)


@pytest.mark.parametrize("field", ["chunks", "pairs", "size_bytes", "checksum"])
def test_totals_that_differ_are_refused(field: str) -> None:
    at = Fixture()
    at.add_all()
    totals = at.source.totals

    with pytest.raises(Damaged):
        at.staging.end(msgspec.structs.replace(totals, **{field: getattr(totals, field) + 1}))

    assert at.engine.bulk_loads() == {at.staging._name: False}


def test_the_last_chunk_is_missed() -> None:
    at = Fixture()
    last = -1
    while at.source.chunk(last + 1) is not None:
        last += 1

    at.add_all(lambda chunk: chunk if chunk.number < last else None)

    with pytest.raises(Damaged):
        at.staging.end(at.source.totals)


def test_keys_of_another_group_are_refused_whoever_sends_them() -> None:
    for group in (GROUP - 1, GROUP + 1, 0):
        for key in (keys.entity_prefix(group, 1) + bytes(16), keys.machine_state(group), keys.event(group, 1)):
            at = Fixture()
            with pytest.raises(Damaged, match="none of group"):
                at.staging.add(sealed(at.chunk(0), [(key, b"")]))
    at = Fixture()
    for key in (keys.TOPOLOGY_KEY, keys.metadata("topology"), b"", b"\xff\xff"):
        with pytest.raises(Damaged):
            at.staging.add(sealed(at.chunk(0), [(key, b"")]))


def test_keys_out_of_order_are_refused_within_a_chunk_and_across() -> None:
    at = Fixture()
    pairs = decode_pairs(at.chunk(0).pairs)
    with pytest.raises(Damaged, match="order"):
        at.staging.add(sealed(at.chunk(0), pairs[::-1]))
    at.staging.add(at.chunk(0))

    with pytest.raises(Damaged, match="order"):
        at.staging.add(sealed(at.chunk(1), pairs[-1:]))


@pytest.mark.parametrize("pairs", [b"", b"\xc1", b"\x91\x01", b"\x91\x92\xc4\x01a\x01", b"\xdd\xff\xff\xff\xff"])
def test_pairs_that_do_not_decode_are_refused(pairs: bytes) -> None:
    at = Fixture()

    with pytest.raises(Damaged):
        at.staging.add(Chunk(at.pin.manifest.name, 0, zlib.crc32(pairs), pairs))


def test_an_empty_chunk_is_refused() -> None:
    at = Fixture()

    with pytest.raises(Damaged, match="empty"):
        at.staging.add(sealed(at.chunk(0), []))


def test_a_state_of_another_entry_than_announced_is_refused() -> None:
    at = Fixture()
    fill(at.sending, index=INDEX - 1)  # as a snapshot would be that lacks its last entry
    older = pinned(at.sending)
    at.source = Source(older.view, at.pin.manifest, 500)

    with pytest.raises(Damaged, match="the state is that of entry 39 in term 2, announced as that of entry 40"):
        at.add_all()


def test_a_state_without_its_machine_is_refused() -> None:
    at = Fixture()
    totals: list[Totals] = []

    def without(chunk: Chunk) -> Chunk | None:
        pairs = [pair for pair in decode_pairs(chunk.pairs) if pair[0] != keys.machine_state(GROUP)]
        return sealed(chunk, pairs) if pairs else None

    at.add_all(without)
    totals.append(at.staging.totals)

    with pytest.raises(Damaged, match="machine is missing"):
        at.staging.end(totals[0])


def test_what_is_discarded_leaves_nothing() -> None:
    at = Fixture()
    at.add_all()

    at.staging.discard()

    assert at.engine.bulk_loads() == {}
