"""The entity cache: answers as storage would, at any moment, and stays within its bounds."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from themis_server.cache.entities import CoherentEngine, EntityCache
from themis_server.storage import keys
from themis_server.storage.engine import DiskFull, Overlay
from themis_server.storage.memory import MemoryEngine


def key(number: int, collection: int = 1) -> bytes:
    return keys.entity_prefix(1, collection) + number.to_bytes(16)


class Counting(MemoryEngine):
    """An engine that counts the reads that reach it, and can be interrupted in one."""

    def __init__(self) -> None:
        super().__init__()
        self.reads = 0
        self.interrupt: Callable[[], object] | None = None

    def get(self, key: bytes) -> bytes | None:
        self.reads += 1
        value = super().get(key)
        interrupt, self.interrupt = self.interrupt, None
        if interrupt is not None:
            interrupt()
        return value


class Fixture:
    def __init__(self, bytes_max: int = 1 << 20) -> None:
        self.engine = Counting()
        self.cache = EntityCache(self.engine, bytes_max)
        self.writer = CoherentEngine(self.engine, self.cache)

    def put(self, **values: bytes) -> None:
        overlay = Overlay(self.writer)
        for name, value in values.items():
            overlay.put(key(int(name[1:])), value)
        self.writer.write(overlay)


def test_the_second_read_does_not_reach_the_engine() -> None:
    at = Fixture()
    at.put(k1=b"one")

    assert [at.cache.get(key(1)), at.cache.get(key(1))] == [b"one", b"one"]

    assert (at.engine.reads, at.cache.hits, at.cache.misses) == (1, 1, 1)


def test_a_write_is_seen_by_the_next_read() -> None:
    at = Fixture()
    at.put(k1=b"old")
    at.cache.get(key(1))

    at.put(k1=b"new")

    assert at.cache.get(key(1)) == b"new"


def test_what_does_not_exist_is_asked_for_again() -> None:
    at = Fixture()
    assert at.cache.get(key(1)) is None
    at.put(k1=b"now")
    assert at.cache.get(key(1)) == b"now"


def test_a_batch_takes_from_memory_what_is_there_and_the_rest_from_the_engine() -> None:
    at = Fixture()
    at.put(k1=b"one", k2=b"two", k3=b"three")
    at.cache.get(key(2))
    reads = at.engine.reads

    assert at.cache.multi_get([key(3), key(2), key(9), key(1)]) == [b"three", b"two", None, b"one"]

    assert at.engine.reads == reads + 3
    assert at.cache.multi_get([key(1), key(3)]) == [b"one", b"three"]
    assert at.engine.reads == reads + 3


@pytest.mark.parametrize("many", [False, True])
def test_a_value_that_is_replaced_while_it_is_read_is_not_kept(many: bool) -> None:
    at = Fixture()
    at.put(k1=b"old")
    at.engine.interrupt = lambda: at.put(k1=b"new")

    read = at.cache.multi_get([key(1)])[0] if many else at.cache.get(key(1))

    assert read == b"old"  # it was, when the read began
    assert at.cache.get(key(1)) == b"new"


def test_a_value_that_is_read_during_a_write_is_not_kept() -> None:
    at = Fixture()
    at.put(k1=b"old")
    at.cache.begin_write()
    at.cache.get(key(1))
    overlay = Overlay(at.engine)
    overlay.put(key(1), b"new")
    at.engine.write(overlay)
    at.cache.end_write(Overlay(at.engine))  # even one that does not name the key

    assert at.cache.get(key(1)) == b"new"


def test_the_writer_reads_what_is_stored() -> None:
    at = Fixture()
    at.put(k1=b"one")
    at.cache.get(key(1))
    reads = at.engine.reads

    assert at.writer.get(key(1)) == b"one"

    assert at.engine.reads == reads + 1


def test_a_dropped_collection_is_forgotten() -> None:
    at = Fixture()
    at.put(k1=b"one")
    at.cache.get(key(1))
    overlay = Overlay(at.writer)
    overlay.delete_range(*keys.entity_range(1, 1))

    at.writer.write(overlay)

    assert at.cache.get(key(1)) is None


def test_a_range_of_other_keys_leaves_entities_alone() -> None:
    at = Fixture()
    at.put(k1=b"one")
    at.cache.get(key(1))
    overlay = Overlay(at.writer)
    overlay.delete_range(keys.event(1, 0), keys.event(1, 9))

    at.writer.write(overlay)

    assert at.cache.get(key(1)) == b"one"
    assert at.cache.hits == 1


def test_only_entities_are_kept() -> None:
    at = Fixture()
    overlay = Overlay(at.writer)
    overlay.put(keys.count(1, 1), b"12345678")
    at.writer.write(overlay)

    at.cache.get(keys.count(1, 1))

    assert at.cache.size_bytes == 0


def test_a_write_that_fails_is_forgotten_too() -> None:
    at = Fixture()
    at.put(k1=b"one")
    at.cache.get(key(1))
    at.engine.full = True

    with pytest.raises(DiskFull):
        at.put(k1=b"two")

    assert at.cache.size_bytes == 0


def test_the_oldest_go_when_the_memory_is_used_up() -> None:
    at = Fixture(bytes_max=3 * 300)
    at.put(k1=b"x" * 100, k2=b"x" * 100, k3=b"x" * 100, k4=b"x" * 100)

    for number in (1, 2, 3, 4):
        at.cache.get(key(number))

    reads = at.engine.reads
    assert [at.cache.get(key(number)) for number in (2, 3, 4)] == [b"x" * 100] * 3
    assert at.engine.reads == reads
    at.cache.get(key(1))
    assert at.engine.reads == reads + 1
    assert at.cache.size_bytes <= 900


@pytest.mark.parametrize(("bytes_max", "size"), [(0, 10), (1 << 20, 17 << 10)])
def test_what_has_no_room_is_not_kept(bytes_max: int, size: int) -> None:
    at = Fixture(bytes_max)
    at.put(k1=b"x" * size)

    at.cache.get(key(1))

    assert at.cache.size_bytes == 0


def laid_down(at: Fixture, **values: bytes) -> None:
    load = at.writer.bulk_load("load")
    load.add([(key(int(name[1:])), value) for name, value in values.items()])
    load.seal()


def test_a_group_that_is_replaced_under_it_is_forgotten_whole() -> None:
    at = Fixture()
    at.put(k1=b"old", k2=b"old")
    for number in (1, 2):
        at.cache.get(key(number))
    laid_down(at, k1=b"new", k3=b"new")

    for _ in at.writer.replace(keys.group_ranges(1), "load"):
        pass

    assert at.cache.multi_get([key(1), key(2), key(3)]) == [b"new", None, b"new"]


@pytest.mark.parametrize("many", [False, True])
def test_what_is_read_while_a_group_is_replaced_is_not_kept(many: bool) -> None:
    at = Fixture()
    at.put(k1=b"old", k2=b"old")
    laid_down(at, k1=b"new")

    for _ in at.writer.replace(keys.group_ranges(1), "load"):
        if many:
            at.cache.multi_get([key(1), key(2)])
        else:
            at.cache.get(key(1)), at.cache.get(key(2))

    assert (at.cache.get(key(1)), at.cache.get(key(2))) == (b"new", None)


def test_a_value_read_before_a_replacement_and_kept_during_it_would_be_seen() -> None:
    at = Fixture()
    at.put(k1=b"old")
    laid_down(at, k1=b"new")
    slices = at.engine.replace(keys.group_ranges(1), "load")  # planted: past the cache
    at.cache.get(key(1))
    for _ in slices:
        pass

    assert at.cache.get(key(1)) == b"old"


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_a_replacement_that_nobody_ends_leaves_the_cache_in_use_and_right(steps: int) -> None:
    at = Fixture()
    at.put(k1=b"old")
    at.cache.get(key(1))
    laid_down(at, k1=b"new")
    slices = at.writer.replace(keys.group_ranges(1), "load")
    for _ in range(steps):
        next(slices)

    del slices

    assert at.cache.get(key(1)) == at.engine.get(key(1))
    at.put(k2=b"two")
    reads = at.engine.reads
    assert [at.cache.get(key(2)), at.cache.get(key(2))] == [b"two", b"two"]
    assert at.engine.reads == reads + 1


def test_a_replacement_that_fails_is_forgotten_too() -> None:
    at = Fixture()
    at.put(k1=b"old")
    at.cache.get(key(1))
    laid_down(at, k1=b"new")
    slices = at.writer.replace(keys.group_ranges(1), "load")
    next(slices)
    at.engine.full = True

    with pytest.raises(DiskFull):
        list(slices)

    assert at.cache.size_bytes == 0
    assert at.cache.get(key(1)) is None


def test_a_group_that_is_removed_is_forgotten() -> None:
    at = Fixture()
    at.put(k1=b"one")
    at.cache.get(key(1))
    for start, end in keys.group_ranges(1):
        overlay = Overlay(at.writer)
        overlay.delete_range(start, end)
        at.writer.write(overlay)

    assert at.cache.get(key(1)) is None


def test_a_view_is_of_the_engine() -> None:
    at = Fixture()
    at.put(k1=b"old")
    view = at.writer.snapshot()
    at.put(k1=b"new")

    assert (view.get(key(1)), at.cache.get(key(1))) == (b"old", b"new")
    view.release()


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("get"), st.integers(1, 6)),
            st.tuples(st.just("many"), st.lists(st.integers(1, 6), max_size=4)),
            st.tuples(st.just("put"), st.integers(1, 6)),
            st.tuples(st.just("delete"), st.integers(1, 6)),
            st.tuples(st.just("drop"), st.just(1)),
        ),
        max_size=60,
    )
)
def test_it_answers_as_a_dictionary_would(steps: list[tuple[str, object]]) -> None:
    at = Fixture(bytes_max=4 * 210)
    model: dict[bytes, bytes] = {}
    for version, (step, argument) in enumerate(steps):
        overlay = Overlay(at.writer)
        if step == "get":
            assert isinstance(argument, int)
            assert at.cache.get(key(argument)) == model.get(key(argument))
            continue
        if step == "many":
            assert isinstance(argument, list)
            wanted = [key(number) for number in argument]
            assert at.cache.multi_get(wanted) == [model.get(one) for one in wanted]
            continue
        assert isinstance(argument, int)
        if step == "put":
            overlay.put(key(argument), b"v%d" % version)
            model[key(argument)] = b"v%d" % version
        elif step == "delete":
            overlay.delete(key(argument))
            model.pop(key(argument), None)
        else:
            overlay.delete_range(*keys.entity_range(1, 1))
            model.clear()
        at.writer.write(overlay)
        assert at.cache.size_bytes <= 4 * 210


def test_a_reader_beside_a_writer_never_goes_back() -> None:
    at = Fixture()
    at.put(k1=b"0")
    stop = threading.Event()

    def write() -> None:
        for number in range(1, 3000):
            at.put(k1=b"%d" % number)
        stop.set()

    writer = threading.Thread(target=write)
    writer.start()
    seen = 0
    while not stop.is_set():
        value = at.cache.get(key(1))
        assert value is not None
        assert int(value) >= seen
        seen = int(value)
    writer.join()

    assert at.cache.get(key(1)) == b"2999"
