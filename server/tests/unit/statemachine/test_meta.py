from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.tests.unit.statemachine.feeding import Fed
from themis_server.statemachine import meta
from themis_server.statemachine.command import (
    Command,
    Compare,
    DropCollection,
    LeaseEnd,
    LeaseGrant,
    MetadataOp,
    MetadataTransaction,
    Transacted,
    UnreadableEntry,
)
from themis_server.storage.engine import Engine
from themis_server.storage.memory import MemoryEngine


class Metadata(Fed):
    """A metadata machine fed by hand."""

    def __init__(self, engine: Engine | None = None) -> None:
        engine = MemoryEngine() if engine is None else engine
        self.metadata = meta.MetadataMachine(engine)
        super().__init__(engine, self.metadata)

    def change(self, command: Command) -> Transacted:
        (result,) = self.entry(command)
        assert isinstance(result, Transacted)
        return result

    def put(self, key: str, value: bytes | None, lease: int = 0, **compares: int) -> Transacted:
        conditions = tuple(Compare(f"/{name}", revision) for name, revision in compares.items())
        return self.change(MetadataTransaction(conditions, (MetadataOp(key, value, lease),)))

    def get(self, key: str) -> tuple[bytes, int] | None:
        stored = meta.read(self.engine, key)
        return None if stored is None else (stored.value, stored.revision)


def test_each_change_raises_the_revision_by_one_and_marks_its_key() -> None:
    metadata = Metadata()

    assert metadata.put("/a", b"1") == Transacted(True, 1)
    assert metadata.put("/b", b"2") == Transacted(True, 2)

    assert (metadata.get("/a"), metadata.get("/b")) == ((b"1", 1), (b"2", 2))
    assert meta.read_revision(metadata.engine) == 2


def test_the_changes_of_a_transaction_have_one_revision() -> None:
    metadata = Metadata()

    metadata.change(MetadataTransaction((), (MetadataOp("/a", b"1"), MetadataOp("/b", b"2"), MetadataOp("/a", None))))

    assert (metadata.get("/a"), metadata.get("/b")) == (None, (b"2", 1))


@pytest.mark.parametrize(("revision", "succeeds"), [(0, False), (1, False), (2, True), (3, False)])
def test_a_condition_holds_at_the_revision_that_last_changed_the_key(revision: int, succeeds: bool) -> None:
    metadata = Metadata()
    metadata.put("/a", b"1")
    metadata.put("/a", b"2")

    assert metadata.put("/b", b"", a=revision).succeeded is succeeds

    assert (metadata.get("/b") is not None) is succeeds


def test_zero_stands_for_a_key_that_does_not_exist_also_after_it_was_removed() -> None:
    metadata = Metadata()

    assert metadata.put("/a", b"1", a=0).succeeded
    assert not metadata.put("/a", b"2", a=0).succeeded
    metadata.put("/a", None)
    assert metadata.put("/a", b"3", a=0).succeeded


def test_if_one_condition_fails_nothing_happens() -> None:
    metadata = Metadata()
    metadata.put("/a", b"1")
    metadata.metadata.collect_changes()

    assert metadata.put("/c", b"", a=1, b=7) == Transacted(False, 1)

    assert (metadata.get("/c"), metadata.metadata.collect_changes()) == (None, [])


def test_changes_are_collected_once_and_in_order() -> None:
    metadata = Metadata()
    metadata.put("/a", b"1")
    metadata.put("/a", None)

    assert metadata.metadata.collect_changes() == [meta.Change("/a", b"1", 1), meta.Change("/a", None, 2)]
    assert metadata.metadata.collect_changes() == []


def test_what_is_under_a_prefix_is_read_in_key_order() -> None:
    metadata = Metadata()
    for key in ("/b/2", "/a", "/b/1", "/b", "/c"):
        metadata.put(key, b"")

    assert list(meta.read_prefix(metadata.engine, "/b")) == ["/b", "/b/1", "/b/2"]


def test_a_lease_takes_its_keys_with_it_when_it_ends() -> None:
    metadata = Metadata()
    lease = metadata.change(LeaseGrant(0, 100)).lease
    metadata.put("/node", b"up", lease)
    metadata.put("/other", b"up")
    metadata.metadata.collect_changes()

    assert metadata.change(LeaseEnd(lease)).succeeded

    assert (metadata.get("/node"), metadata.get("/other")) == (None, (b"up", 3))
    assert metadata.metadata.collect_changes()[0] == meta.Change("/node", None, 4)


def test_a_key_that_is_written_without_the_lease_no_longer_hangs_on_it() -> None:
    metadata = Metadata()
    lease = metadata.change(LeaseGrant(0, 100)).lease
    metadata.put("/node", b"up", lease)
    metadata.put("/node", b"kept")

    metadata.change(LeaseEnd(lease))

    assert metadata.get("/node") == (b"kept", 3)


def test_a_key_cannot_hang_on_a_lease_that_has_ended() -> None:
    metadata = Metadata()
    lease = metadata.change(LeaseGrant(0, 100)).lease
    metadata.change(LeaseEnd(lease))

    assert not metadata.put("/node", b"up", lease).succeeded
    assert metadata.get("/node") is None


def test_a_lease_ends_by_the_time_of_the_entry_and_only_then() -> None:
    metadata = Metadata()
    lease = metadata.change(LeaseGrant(0, 100)).lease

    metadata.now_ms += 99
    assert meta.expired_leases(metadata.engine, metadata.now_ms) == []
    assert not metadata.change(LeaseEnd(lease, only_if_expired=True)).succeeded
    metadata.now_ms += 1
    assert meta.expired_leases(metadata.engine, metadata.now_ms) == [lease]
    assert metadata.change(LeaseEnd(lease, only_if_expired=True)).succeeded

    assert meta.expired_leases(metadata.engine, metadata.now_ms) == []


def test_a_lease_that_is_kept_alive_lives_on() -> None:
    metadata = Metadata()
    lease = metadata.change(LeaseGrant(0, 100)).lease
    metadata.now_ms += 90

    assert metadata.change(LeaseGrant(lease, 100)) == Transacted(True, 2, lease)

    metadata.now_ms += 90
    assert not metadata.change(LeaseEnd(lease, only_if_expired=True)).succeeded


def test_a_lease_that_has_ended_can_be_neither_kept_nor_ended() -> None:
    metadata = Metadata()
    lease = metadata.change(LeaseGrant(0, 100)).lease
    metadata.change(LeaseEnd(lease))

    assert not metadata.change(LeaseGrant(lease, 100)).succeeded
    assert not metadata.change(LeaseEnd(lease)).succeeded


def test_no_lease_has_the_number_of_an_earlier_one() -> None:
    metadata = Metadata()
    seen = set()

    for _ in range(5):
        lease = metadata.change(LeaseGrant(0, 100)).lease
        metadata.change(LeaseEnd(lease))
        seen.add(lease)

    assert len(seen) == 5


def test_a_restart_keeps_revision_and_leases() -> None:
    metadata = Metadata()
    lease = metadata.change(LeaseGrant(0, 100)).lease
    metadata.put("/node", b"up", lease)

    again = Metadata(metadata.engine)

    assert again.put("/x", b"") == Transacted(True, 3)
    assert again.change(LeaseEnd(lease)).succeeded


def test_an_entry_that_is_not_for_metadata_stops_the_machine() -> None:
    with pytest.raises(UnreadableEntry, match="was given a DropCollection"):
        Metadata().entry(DropCollection(1))


names = st.sampled_from(["a", "b", "c"])
transactions = st.tuples(
    st.dictionaries(names, st.booleans(), max_size=2),  # key -> whether the condition is a true one
    st.lists(st.tuples(names, st.none() | st.binary(max_size=2)), min_size=1, max_size=3),
)


@given(st.lists(transactions, max_size=15))
def test_transactions_behave_as_on_a_dictionary_and_the_changes_tell_all_of_it(
    history: list[tuple[dict[str, bool], list[tuple[str, bytes | None]]]],
) -> None:
    metadata = Metadata()
    model: dict[str, tuple[bytes, int]] = {}
    revision = 0

    for conditions, ops in history:
        compares = tuple(
            Compare(name, model.get(name, (b"", 0))[1] + (0 if true else 1)) for name, true in conditions.items()
        )
        result = metadata.change(MetadataTransaction(compares, tuple(MetadataOp(*op) for op in ops)))
        assert result.succeeded == all(conditions.values())
        if result.succeeded:
            revision += 1
            for name, value in ops:
                if value is None:
                    model.pop(name, None)
                else:
                    model[name] = (value, revision)
        assert result.revision == revision

    found = {key: (stored.value, stored.revision) for key, stored in meta.read_prefix(metadata.engine, "").items()}
    assert found == model
    watched: dict[str, tuple[bytes, int]] = {}
    for change in metadata.metadata.collect_changes():
        if change.value is None:
            watched.pop(change.key, None)
        else:
            watched[change.key] = (change.value, change.revision)
    assert watched == model
