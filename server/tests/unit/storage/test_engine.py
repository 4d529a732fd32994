"""What every engine promises. The fixture `engine` gives each of them in turn."""

from __future__ import annotations

import pytest

from themis_server.storage import keys
from themis_server.storage.engine import Engine, Overlay
from themis_server.storage.memory import MemoryEngine

ALL = (b"\x00", b"\xff" * 32)


def write(engine: Engine, pairs: dict[bytes, bytes]) -> None:
    overlay = Overlay(engine)
    for key, value in pairs.items():
        overlay.put(key, value)
    engine.write(overlay)


def test_what_was_written_is_read_back(engine: Engine) -> None:
    write(engine, {b"a": b"1", b"b": b"", b"\x00\xff": b"\x00"})

    assert (engine.get(b"a"), engine.get(b"b"), engine.get(b"\x00\xff")) == (b"1", b"", b"\x00")
    assert engine.get(b"c") is None


def test_many_keys_are_read_at_once_in_the_order_asked(engine: Engine) -> None:
    write(engine, {b"a": b"1", b"b": b"2"})

    assert engine.multi_get([b"b", b"missing", b"a", b"b"]) == [b"2", None, b"1", b"2"]
    assert engine.multi_get([]) == []


def test_a_scan_is_in_byte_order_and_leaves_its_end_out(engine: Engine) -> None:
    write(engine, {bytes([byte]): b"" for byte in (255, 1, 128, 0, 127)})

    assert [key for key, _ in engine.scan(b"\x01", b"\xff")] == [b"\x01", b"\x7f", b"\x80"]


@pytest.mark.parametrize(("limit", "found"), [(None, 3), (0, 0), (1, 1), (3, 3), (9, 3)])
def test_a_scan_yields_at_most_its_limit(engine: Engine, limit: int | None, found: int) -> None:
    write(engine, {b"a": b"", b"b": b"", b"c": b""})

    assert [key for key, _ in engine.scan(*ALL, limit)] == [b"a", b"b", b"c"][:found]


def test_an_empty_or_reversed_range_holds_nothing(engine: Engine) -> None:
    write(engine, {b"a": b"", b"b": b""})

    assert list(engine.scan(b"a", b"a")) == []
    assert list(engine.scan(b"b", b"a")) == []


def test_a_scan_shows_the_store_as_it_was_at_its_first_pair(engine: Engine) -> None:
    write(engine, {b"a": b"1", b"b": b"1", b"c": b"1"})
    scan = engine.scan(*ALL)
    first = next(scan)

    overlay = Overlay(engine)
    overlay.delete(b"b")
    overlay.put(b"c", b"2")
    overlay.put(b"d", b"2")
    engine.write(overlay)

    assert [first, *scan] == [(b"a", b"1"), (b"b", b"1"), (b"c", b"1")]


def test_a_range_is_deleted_before_the_puts_of_the_same_write(engine: Engine) -> None:
    write(engine, {b"a": b"1", b"b": b"1", b"c": b"1"})

    overlay = Overlay(engine)
    overlay.delete_range(b"a", b"c")
    overlay.put(b"b", b"2")
    engine.write(overlay)

    assert list(engine.scan(*ALL)) == [(b"b", b"2"), (b"c", b"1")]


def test_deleting_what_is_not_there_is_no_error(engine: Engine) -> None:
    overlay = Overlay(engine)
    overlay.delete(b"a")
    overlay.delete_range(b"b", b"c")

    engine.write(overlay)

    assert list(engine.scan(*ALL)) == []


def test_a_scan_across_prefixes_misses_nothing(engine: Engine) -> None:
    # The state's database has a bloom filter on key prefixes; a scan over several collections must not fall for it.
    found = [keys.entity_prefix(1, collection) + bytes([n]) * 16 for collection in range(1, 40) for n in range(3)]
    write(engine, dict.fromkeys(found, b"x"))

    assert [key for key, _ in engine.scan(keys.entity_prefix(1, 0), keys.entity_prefix(2, 0))] == found


def test_compaction_changes_nothing_that_can_be_seen(engine: Engine) -> None:
    write(engine, {b"a": b"1", b"b": b"2"})
    overlay = Overlay(engine)
    overlay.delete(b"a")
    engine.write(overlay)
    engine.sync()

    engine.compact(*ALL)

    assert list(engine.scan(*ALL)) == [(b"b", b"2")]


def test_closing_twice_is_closing_once(engine: Engine) -> None:
    engine.close()
    engine.close()


def test_the_suite_knows_that_an_engine_which_reverses_writes_is_wrong() -> None:
    class PutsFirst(MemoryEngine):
        def write(self, overlay: Overlay) -> None:
            ranges, overlay.ranges = overlay.ranges, []
            super().write(overlay)
            overlay.ranges, overlay.pending = ranges, {}
            super().write(overlay)

    with pytest.raises(AssertionError):
        test_a_range_is_deleted_before_the_puts_of_the_same_write(PutsFirst())
