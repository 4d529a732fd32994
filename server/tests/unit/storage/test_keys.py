from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from themis_server.storage import keys

shards = st.integers(0, 2**16 - 1)
collections = st.integers(0, 2**32 - 1)
numbers = st.integers(0, 2**64 - 1)
indexes = st.integers(0, 2**64 - 3)
uuids = st.binary(min_size=16, max_size=16)
digests = st.binary(min_size=16, max_size=16)


@given(st.tuples(shards, collections, uuids), st.tuples(shards, collections, uuids))
def test_entities_are_in_the_order_of_shard_collection_and_uuid(
    one: tuple[int, int, bytes], other: tuple[int, int, bytes]
) -> None:
    def key(place: tuple[int, int, bytes]) -> bytes:
        return keys.entity_prefix(place[0], place[1]) + place[2]

    assert (key(one) < key(other)) == (one < other)


@given(shards, collections, st.tuples(shards, collections, uuids))
def test_the_range_of_a_collection_holds_its_entities_and_no_others(
    shard: int, collection: int, entity: tuple[int, int, bytes]
) -> None:
    start, end = keys.entity_range(shard, collection)

    for place in (entity, (shard, collection, entity[2])):
        inside = start <= keys.entity_prefix(place[0], place[1]) + place[2] < end
        assert inside == (place[:2] == (shard, collection))


@given(st.tuples(shards, numbers), st.tuples(shards, numbers))
def test_events_and_log_entries_are_in_numeric_order(one: tuple[int, int], other: tuple[int, int]) -> None:
    assert (keys.event(*one) < keys.event(*other)) == (one < other)
    assert (keys.log_entry(*one) < keys.log_entry(*other)) == (one < other)


@given(shards, indexes, indexes, numbers)
def test_a_log_range_includes_both_of_its_ends(group: int, one: int, other: int, index: int) -> None:
    first, last = sorted((one, other))
    start, end = keys.log_range(group, first, last)

    assert (start <= keys.log_entry(group, index) < end) == (first <= index <= last)


@given(shards, numbers, digests, st.tuples(shards, numbers, digests))
def test_idempotency_records_are_found_by_expiry_within_their_shard(
    shard: int, expires_ms: int, digest: bytes, other: tuple[int, int, bytes]
) -> None:
    start, end = keys.idempotency_expiry_range(shard)

    assert start <= keys.idempotency_expiry(shard, expires_ms, digest) < end
    assert (start <= keys.idempotency_expiry(*other) < end) == (other[0] == shard)
    if other[1] > expires_ms:
        assert keys.idempotency_expiry(shard, expires_ms, digest) < keys.idempotency_expiry(shard, *other[1:])


@given(shards, collections, shards)
def test_the_marks_of_dropped_collections_are_one_range_a_shard(shard: int, collection: int, other: int) -> None:
    start, end = keys.dropped_range(shard)

    assert start <= keys.dropped(shard, collection) < end
    assert (start <= keys.dropped(other, collection) < end) == (other == shard)


@given(shards, collections, numbers, digests)
def test_no_two_kinds_of_key_are_equal(shard: int, collection: int, number: int, digest: bytes) -> None:
    made = [
        keys.entity_prefix(shard, collection) + digest,
        keys.count(shard, collection),
        keys.dropped(shard, collection),
        keys.event(shard, number),
        keys.idempotency(shard, digest),
        keys.idempotency_expiry(shard, number, digest),
        keys.machine_state(shard),
        keys.metadata("/k"),
        keys.METADATA_REVISION_KEY,
        keys.log_entry(shard, number),
        keys.hard_state(shard),
        keys.log_start(shard),
    ]

    assert len({key[:1] for key in made}) == len(made)


def test_the_layout_never_changes() -> None:
    # Written into data directories: a change of these bytes would orphan them.
    assert keys.entity_prefix(1, 2) == b"E\x00\x01\x00\x00\x00\x02"
    assert keys.count(1, 2) == b"C\x00\x01\x00\x00\x00\x02"
    assert keys.event(258, 3) == b"F\x01\x02" + (3).to_bytes(8)
    assert keys.idempotency_expiry(1, 4, b"d" * 16) == b"J\x00\x01" + (4).to_bytes(8) + b"d" * 16
    assert keys.machine_state(7) == b"M\x00\x07"
    assert keys.metadata("/topology") == b"K/topology"
    assert keys.log_entry(1, 5) == b"L\x00\x01" + (5).to_bytes(8)
    assert (keys.hard_state(1), keys.log_start(1)) == (b"H\x00\x01", b"S\x00\x01")
    assert len(keys.entity_prefix(1, 2)) == keys.ENTITY_PREFIX_BYTES


@given(st.binary(min_size=1, max_size=4).filter(lambda prefix: prefix.strip(b"\xff")), st.binary(max_size=6))
def test_nothing_with_a_prefix_is_above_it_and_nothing_without_is_below(prefix: bytes, key: bytes) -> None:
    above = keys.after_prefix(prefix)

    assert (prefix <= key < above) == key.startswith(prefix)


@pytest.mark.parametrize("prefix", [b"", b"\xff", b"\xff\xff"])
def test_above_the_last_prefix_there_is_no_key(prefix: bytes) -> None:
    with pytest.raises(ValueError, match="no key is above"):
        keys.after_prefix(prefix)


@given(shards.filter(bool), collections, numbers, digests, shards)
def test_the_ranges_of_a_group_hold_its_state_and_no_other_groups(
    shard: int, collection: int, number: int, digest: bytes, other: int
) -> None:
    def state_of(group: int) -> list[bytes]:
        return [
            keys.entity_prefix(group, collection) + digest,
            keys.count(group, collection),
            keys.dropped(group, collection),
            keys.event(group, number),
            keys.idempotency(group, digest),
            keys.idempotency_expiry(group, number, digest),
            keys.machine_state(group),
        ]

    def held(key: bytes) -> bool:
        return any(start <= key < end for start, end in keys.group_ranges(shard))

    assert all(map(held, state_of(shard)))
    assert [held(key) for key in state_of(other)] == [other == shard] * 7
    strangers = [keys.metadata("k"), keys.METADATA_REVISION_KEY, keys.TOPOLOGY_KEY, keys.TOPOLOGY_KEY + b"topology"]
    assert not any(map(held, strangers))


@given(st.text(), shards.filter(bool), digests)
def test_the_ranges_of_group_0_hold_the_metadata_and_no_shards(name: str, shard: int, digest: bytes) -> None:
    def held(key: bytes) -> bool:
        return any(start <= key < end for start, end in keys.group_ranges(0))

    assert all(map(held, [keys.metadata(name), keys.METADATA_REVISION_KEY, keys.machine_state(0)]))
    strangers = [keys.entity_prefix(shard, 1) + digest, keys.machine_state(shard), keys.TOPOLOGY_KEY]
    assert not any(map(held, strangers))


@given(shards)
def test_the_ranges_of_a_group_are_in_order_and_apart(group: int) -> None:
    ranges = keys.group_ranges(group)

    edges = [edge for start, end in ranges for edge in (start, end)]
    assert all(one < other for one, other in ranges)
    assert edges == sorted(edges)


@given(shards)
def test_notes_about_groups_are_found_by_kind(group: int) -> None:
    for key, (start, end), other in (
        (keys.pending_install(group), keys.pending_installs(), keys.pending_removals()),
        (keys.pending_removal(group), keys.pending_removals(), keys.pending_installs()),
    ):
        assert start <= key < end
        assert not other[0] <= key < other[1]
        assert int.from_bytes(key[1:]) == group
