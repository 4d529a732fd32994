from __future__ import annotations

import pytest

from themis_server.replication.log import HardState, Log, LogStart
from themis_server.storage import keys
from themis_server.storage.engine import CorruptionError, Overlay
from themis_server.storage.memory import MemoryEngine

GROUP = 1
START = LogStart(2, 1, b"members")


@pytest.fixture
def engine() -> MemoryEngine:
    """Give a log that begins after entry 2, holds 3..6, and knows 5 to be committed."""
    engine = MemoryEngine()
    log = Log(engine)
    write = log.new_write()
    Log.save_start(write, GROUP, START)
    Log.append(write, GROUP, [(index, b"entry %d" % index) for index in range(3, 7)])
    Log.save_hard_state(write, GROUP, HardState(4, 1, 5))
    log.commit(write, sync=True)
    return engine


def change(engine: MemoryEngine, key: bytes, value: bytes | None) -> None:
    overlay = Overlay(engine)
    if value is None:
        overlay.delete(key)
    else:
        overlay.put(key, value)
    engine.write(overlay)


def test_a_group_without_a_trace_is_new(engine: MemoryEngine) -> None:
    assert Log(engine).recover(GROUP + 1) is None


def test_what_was_logged_is_recovered(engine: MemoryEngine) -> None:
    recovered = Log(engine).recover(GROUP)

    assert recovered is not None
    assert (recovered.start, recovered.hard_state) == (START, HardState(4, 1, 5))
    assert recovered.entries == [b"entry 3", b"entry 4", b"entry 5", b"entry 6"]


def test_a_log_that_only_begins_has_no_vote_and_no_entries() -> None:
    engine = MemoryEngine()
    write = Log(engine).new_write()
    Log.save_start(write, GROUP, LogStart(0, 0, b"members"))
    Log(engine).commit(write, sync=True)

    recovered = Log(engine).recover(GROUP)

    assert recovered is not None
    assert (recovered.hard_state, recovered.entries) == (HardState(0, 0, 0), [])


@pytest.mark.parametrize("index", [3, 4, 6])
def test_every_flipped_bit_of_an_entry_is_found(engine: MemoryEngine, index: int) -> None:
    key = keys.log_entry(GROUP, index)
    good = engine.get(key)
    assert good is not None

    for position in range(len(good)):
        for bit in range(8):
            damaged = bytearray(good)
            damaged[position] ^= 1 << bit
            change(engine, key, bytes(damaged))
            with pytest.raises(CorruptionError, match=f"entry {index} of the log of group 1 fails its checksum"):
                Log(engine).recover(GROUP)


@pytest.mark.parametrize("length", [0, 3, 4, 10])
def test_a_cut_entry_is_found(engine: MemoryEngine, length: int) -> None:
    key = keys.log_entry(GROUP, 4)
    change(engine, key, (engine.get(key) or b"")[:length])

    with pytest.raises(CorruptionError, match="entry 4"):
        Log(engine).recover(GROUP)


@pytest.mark.parametrize("missing", [3, 4, 5])
def test_a_gap_is_found(engine: MemoryEngine, missing: int) -> None:
    change(engine, keys.log_entry(GROUP, missing), None)

    with pytest.raises(CorruptionError, match=f"has no entry {missing}, but has entry {missing + 1}"):
        Log(engine).recover(GROUP)


def test_a_tail_that_is_missing_below_the_commit_index_is_found(engine: MemoryEngine) -> None:
    change(engine, keys.log_entry(GROUP, 6), None)
    assert Log(engine).recover(GROUP) is not None  # nobody was acknowledged for it

    change(engine, keys.log_entry(GROUP, 5), None)

    with pytest.raises(CorruptionError, match="ends at entry 4, but entry 5 was committed"):
        Log(engine).recover(GROUP)


def test_groups_do_not_see_each_other(engine: MemoryEngine) -> None:
    log = Log(engine)
    write = log.new_write()
    Log.save_start(write, GROUP + 1, LogStart(0, 0, b""))
    Log.append(write, GROUP + 1, [(1, b"other")])
    Log.truncate_from(write, GROUP + 1, 2)
    log.commit(write, sync=True)

    mine, other = log.recover(GROUP), log.recover(GROUP + 1)

    assert mine is not None
    assert other is not None
    assert (len(mine.entries), other.entries) == (4, [b"other"])


def test_a_new_leader_replaces_the_tail(engine: MemoryEngine) -> None:
    log = Log(engine)
    write = log.new_write()
    Log.truncate_from(write, GROUP, 5)
    Log.append(write, GROUP, [(5, b"another")])
    log.commit(write, sync=True)

    recovered = log.recover(GROUP)

    assert recovered is not None
    assert recovered.entries == [b"entry 3", b"entry 4", b"another"]


def test_a_later_beginning_removes_what_is_before_it(engine: MemoryEngine) -> None:
    log = Log(engine)
    write = log.new_write()
    Log.save_start(write, GROUP, LogStart(5, 4, b"members"))
    log.commit(write, sync=True)

    recovered = log.recover(GROUP)

    assert recovered is not None
    assert (recovered.start.index, recovered.entries) == (5, [b"entry 6"])
    assert len(list(engine.scan(*keys.log_range(GROUP, 0, 100)))) == 1


def test_a_write_is_synced_when_that_is_asked_for() -> None:
    engine = MemoryEngine()
    log = Log(engine)

    for sync, syncs in ((False, 0), (True, 1)):
        write = log.new_write()
        Log.save_hard_state(write, GROUP, HardState(1, 1, 0))
        log.commit(write, sync=sync)
        assert engine.syncs == syncs
    log.sync()
    assert engine.syncs == 2
