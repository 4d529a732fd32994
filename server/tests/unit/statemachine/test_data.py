from __future__ import annotations

import msgspec
import pytest

from server.tests.unit.statemachine.feeding import SHARD, Fed, delete, patch, put
from themis_server.statemachine import version
from themis_server.statemachine.command import (
    DropCollection,
    LeaseGrant,
    Mutate,
    Mutated,
    Status,
    UnreadableEntry,
    Write,
    WriteOp,
)
from themis_server.statemachine.data import ChangeEvent, DataMachine
from themis_server.storage import keys, values
from themis_server.storage.engine import Overlay


def stored(fed: Fed, uuid: int, collection: int = 1) -> tuple[int, bytes] | None:
    raw = fed.engine.get(keys.entity_prefix(SHARD, collection) + uuid.to_bytes(16))
    return None if raw is None else (values.version_of(raw), values.document_of(raw))


def count(fed: Fed, collection: int = 1) -> int:
    return int.from_bytes(fed.engine.get(keys.count(SHARD, collection)) or b"")


def events(fed: Fed) -> list[tuple[int, ChangeEvent]]:
    pairs = fed.engine.scan(keys.event(SHARD, 0), keys.event(SHARD, 2**64 - 1))
    return [(int.from_bytes(key[-8:]), msgspec.msgpack.decode(raw, type=ChangeEvent)) for key, raw in pairs]


# Writes


def test_the_first_put_creates_and_the_next_replaces() -> None:
    fed = Fed()

    created, replaced = fed.one(put(1, b'{"a":1}')), fed.one(put(1, b'{"a":2}'))

    assert (created[0], replaced[0]) == (Status.CREATED, Status.REPLACED)
    assert stored(fed, 1) == (replaced[1], b'{"a":2}')


def test_a_document_is_kept_as_it_came() -> None:
    fed = Fed()

    fed.one(put(1, b'{ "b" : 1.0,\n"a":1 }'))

    assert stored(fed, 1) is not None
    assert stored(fed, 1)[1] == b'{ "b" : 1.0,\n"a":1 }'  # type: ignore[index]


def test_a_delete_removes_and_names_a_version_of_its_own() -> None:
    fed = Fed()
    _, created = fed.one(put(1))

    status, deleted = fed.one(delete(1))

    assert (status, stored(fed, 1)) == (Status.DELETED, None)
    assert deleted > created


@pytest.mark.parametrize("write", [delete(1), patch(1, b"{}")])
def test_what_does_not_exist_can_be_neither_patched_nor_deleted(write: Write) -> None:
    fed = Fed()

    assert fed.one(write) == (Status.NOT_FOUND, 0)
    assert events(fed) == []


def test_a_patch_merges_into_what_is_stored() -> None:
    fed = Fed()
    fed.one(put(1, b'{"a":1,"b":{"c":1}}'))

    status, patched = fed.one(patch(1, b'{"a":null,"b":{"d":2}}'))

    assert status == Status.REPLACED
    assert stored(fed, 1) == (patched, b'{"b":{"c":1,"d":2}}')


def test_a_patch_cannot_grow_a_document_beyond_the_limit() -> None:
    fed = Fed()
    _, created = fed.one(put(1, b'{"a":"%b"}' % (b"x" * 80)))

    assert fed.one(patch(1, b'{"b":"%b"}' % (b"x" * 80))) == (Status.DOCUMENT_TOO_LARGE, created)

    assert stored(fed, 1) == (created, b'{"a":"%b"}' % (b"x" * 80))


def test_writes_of_one_command_see_each_other_and_end_each_by_itself() -> None:
    fed = Fed()

    outcomes = fed.mutate(put(1), put(1, expect=(0,)), patch(1, b'{"a":1}'), delete(1), delete(1), put(2)).outcomes

    assert [status for status, _ in outcomes] == [
        Status.CREATED,
        Status.PRECONDITION_FAILED,
        Status.REPLACED,
        Status.DELETED,
        Status.NOT_FOUND,
        Status.CREATED,
    ]
    assert (stored(fed, 1), count(fed)) == (None, 1)


def test_commands_of_one_entry_see_each_other() -> None:
    fed = Fed()

    first, second = fed.entry(Mutate((put(1),), 100), Mutate((put(1),), 100))

    assert isinstance(first, Mutated)
    assert isinstance(second, Mutated)
    assert (first.outcomes[0].status, second.outcomes[0].status) == (Status.CREATED, Status.REPLACED)
    assert count(fed) == 1


# Versions


def test_a_version_is_the_time_of_its_entry() -> None:
    fed = Fed()

    assert fed.one(put(1))[1] == version.from_unix_ms(fed.now_ms)


def test_versions_rise_through_deletion_and_re_creation_while_the_clock_goes_back() -> None:
    fed = Fed()
    seen = []

    for write in (put(1), delete(1), put(1), put(1), delete(1), put(1)):
        seen.append(fed.one(write)[1])
        fed.now_ms -= 3_600_000

    assert seen == sorted(set(seen))


def test_versions_rise_through_a_restart_while_the_clock_goes_back() -> None:
    fed = Fed()
    _, before = fed.one(put(1))
    fed.one(delete(1))

    again = Fed(fed.engine)
    again.now_ms = fed.now_ms - 3_600_000

    assert again.one(put(1))[1] > before


def test_more_writes_than_a_millisecond_has_versions_borrow_from_the_next() -> None:
    fed = Fed()

    outcomes = fed.mutate(*[put(uuid) for uuid in range(5000)]).outcomes

    assert [at for _, at in outcomes] == list(range(outcomes[0].version, outcomes[0].version + 5000))


def test_a_write_that_fails_uses_up_no_version() -> None:
    fed = Fed()
    _, created = fed.one(put(1))

    fed.one(put(1, expect=(0,)))

    assert fed.one(put(2))[1] == created + 1


# Preconditions


@pytest.mark.parametrize(
    ("expect", "on_missing", "on_present"),
    [
        (None, True, True),
        ((0,), True, False),
        ((-1,), False, True),
        ((0, -1), True, True),
        ((1,), False, False),
        ((), False, False),
    ],
)
def test_what_a_precondition_allows(expect: tuple[int, ...] | None, on_missing: bool, on_present: bool) -> None:
    fed = Fed()
    fed.one(put(2))

    missing, present = fed.mutate(put(1, expect=expect), put(2, expect=expect)).outcomes

    assert (missing.status == Status.CREATED) is on_missing
    assert (present.status == Status.REPLACED) is on_present


@pytest.mark.parametrize("op", WriteOp)
def test_every_kind_of_write_goes_through_at_the_version_it_names_and_at_no_other(op: WriteOp) -> None:
    fed = Fed()
    _, first = fed.one(put(1))
    _, second = fed.one(put(1))

    stale = fed.one(Write(op, 1, (1).to_bytes(16), b"{}", (first,)))
    current = fed.one(Write(op, 1, (1).to_bytes(16), b"{}", (first, second)))

    assert stale == (Status.PRECONDITION_FAILED, second)
    assert current[0] in (Status.REPLACED, Status.DELETED)


def test_a_precondition_on_what_is_missing_fails_rather_than_not_finds() -> None:
    fed = Fed()

    assert fed.one(delete(1, expect=(5,))) == (Status.PRECONDITION_FAILED, 0)
    assert fed.one(patch(1, b"{}", expect=(-1,))) == (Status.PRECONDITION_FAILED, 0)


# Counts, events, drops


def test_a_count_follows_what_is_there() -> None:
    fed = Fed()

    fed.mutate(put(1), put(2), put(2), put(3), delete(3), delete(4), put(1, collection=2))
    fed.mutate(delete(1))

    assert (count(fed), count(fed, 2), count(fed, 3)) == (1, 1, 0)


def test_each_write_is_an_event_at_its_version() -> None:
    fed = Fed()

    created, patched, deleted = fed.mutate(put(1), patch(1, b"{}"), delete(1)).outcomes

    assert events(fed) == [
        (created.version, ChangeEvent(WriteOp.PUT, 1, (1).to_bytes(16), 0)),
        (patched.version, ChangeEvent(WriteOp.PATCH, 1, (1).to_bytes(16), created.version)),
        (deleted.version, ChangeEvent(WriteOp.DELETE, 1, (1).to_bytes(16), patched.version)),
    ]


def test_a_collection_without_a_change_feed_has_no_events() -> None:
    fed = Fed()

    fed.one(Write(WriteOp.PUT, 1, (1).to_bytes(16), b"{}", emit_event=False))

    assert events(fed) == []


def test_a_drop_removes_every_entity_of_its_collection_and_no_other() -> None:
    fed = Fed()
    fed.mutate(put(1), put(2), put(1, collection=2))

    fed.entry(DropCollection(1))

    assert (stored(fed, 1), stored(fed, 2), count(fed)) == (None, None, 0)
    assert (stored(fed, 1, collection=2) is not None, count(fed, 2)) == (True, 1)


def test_a_write_after_the_drop_is_refused_also_after_a_restart() -> None:
    fed = Fed()
    fed.one(put(1))
    fed.entry(DropCollection(1))

    for machine in (fed, Fed(fed.engine)):
        assert machine.one(put(1)) == (Status.COLLECTION_DROPPED, 0)
        assert machine.one(delete(1)) == (Status.COLLECTION_DROPPED, 0)
    assert (stored(fed, 1), count(fed)) == (None, 0)


def test_a_drop_hits_what_the_same_entry_wrote_before_it() -> None:
    fed = Fed()

    fed.entry(Mutate((put(1),), 100), DropCollection(1), Mutate((put(2),), 100))

    assert (stored(fed, 1), stored(fed, 2), count(fed)) == (None, None, 0)


def test_a_drop_made_twice_is_made_once() -> None:
    fed = Fed()
    fed.one(put(1))
    fed.entry(DropCollection(1))
    before = fed.content()

    fed.entry(DropCollection(1))

    ignored = keys.machine_state(SHARD)
    assert {**fed.content(), ignored: b""} == {**before, ignored: b""}


# The place in the log


def test_the_applied_index_is_in_the_write_that_carries_the_effects() -> None:
    fed = Fed()
    overlay = Overlay(fed.engine)

    fed.machine.apply(7, 3, b"", overlay)
    assert fed.engine.get(keys.machine_state(SHARD)) is None
    fed.engine.write(overlay)

    state = DataMachine(SHARD, fed.engine).state
    assert (state.applied_index, state.applied_term) == (7, 3)


def test_an_entry_that_is_not_for_data_stops_the_machine() -> None:
    with pytest.raises(UnreadableEntry, match="shard 1 was given a LeaseGrant"):
        Fed().entry(LeaseGrant(0, 1))
