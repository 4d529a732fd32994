"""The parts of the simulated world, each by itself."""

from __future__ import annotations

import asyncio
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest

from robustness.simulation.clocks import NodeClock
from robustness.simulation.disk import Power, PowerLoss, SimulatedDisk, StateDisk
from robustness.simulation.invariants import Checks, Violation
from robustness.simulation.loop import SimulatedLoop
from robustness.simulation.model import ShardModel
from robustness.simulation.plan import draw
from robustness.simulation.trace import Trace
from robustness.simulation.world import World
from themis_server.replication.envelope import BEAT
from themis_server.replication.log import HardState
from themis_server.statemachine.command import Entry, Mutate, Mutated, Outcome, Status, Write, WriteOp
from themis_server.statemachine.data import DataMachine
from themis_server.storage import keys
from themis_server.storage.engine import Overlay
from themis_server.storage.memory import MemoryEngine

UUID = bytes(16)


def put(disk: SimulatedDisk, key: bytes, value: bytes) -> None:
    write = Overlay(disk)
    write.put(key, value)
    disk.write(write)


def disk() -> tuple[Power, SimulatedDisk]:
    power = Power()
    return power, SimulatedDisk("disk", power, lambda: None, lambda: None)


def test_a_disk_keeps_what_was_synced_and_a_prefix_of_what_was_not() -> None:
    seen = set()
    for luck in range(50):
        _, held = disk()
        put(held, b"a", b"1")
        held.sync()
        put(held, b"b", b"2")
        put(held, b"c", b"3")
        held.lose_power(Random(luck))
        seen.add(tuple(key for key, _ in held.scan(b"", b"z")))

    assert seen == {(b"a",), (b"a", b"b"), (b"a", b"b", b"c")}


def test_the_end_of_a_process_loses_no_write() -> None:
    _, held = disk()
    put(held, b"a", b"1")

    held.end_process()

    assert held.get(b"a") == b"1"


def test_the_power_fails_at_the_operation_that_was_named_and_stays_away() -> None:
    power, held = disk()
    power.fail_after(1)
    put(held, b"a", b"1")

    with pytest.raises(PowerLoss, match="disk sync"):
        held.sync()
    with pytest.raises(PowerLoss):
        put(held, b"b", b"2")
    power.restore()
    held.sync()

    assert held.get(b"b") is None


def test_a_digest_tells_states_apart_and_survives_a_crash() -> None:
    one, other = (StateDisk("state", Power(), lambda: None, lambda: None) for _ in range(2))
    key = keys.entity_prefix(1, 1) + UUID
    put(one, key, b"1")
    put(other, key, b"2")
    assert one.digest(1) != other.digest(1)

    put(other, key, b"1")
    assert one.digest(1) == other.digest(1)
    put(other, key, b"3")
    other.crash(2)
    assert one.digest(1) == other.digest(1)


def test_a_clock_drifts_by_its_rate_and_jumps_on_the_wall_alone() -> None:
    clock = NodeClock(0.01, 0)
    clock.now_us = 100_000_000
    wall_ms = clock.unix_ms()

    clock.set_wall(-5_000_000)

    assert clock.monotonic_s() == pytest.approx(101.0)
    assert clock.unix_ms() == wall_ms - 5_000
    assert clock.true_us(101.0) == pytest.approx(100_000_000)
    assert clock.interval_us(1.01) == 1_000_000


def test_the_model_and_the_machine_agree() -> None:
    random = Random(7)
    engine = MemoryEngine()
    machine, model = DataMachine(1, engine), ShardModel()
    proposed = 0
    for index in range(2, 400):
        proposed += random.choice((-5, 0, 1, 1 << 12))
        writes = tuple(
            Write(
                random.choice(list(WriteOp)),
                1,
                random.randrange(3).to_bytes(16),
                b'{"n":%d}' % index,
                random.choice((None, (0,), (-1,), (model.last_version,))),
            )
            for _ in range(2)
        )
        digest = random.choice((b"", random.randrange(40).to_bytes(16)))
        command = Mutate(writes, 1 << 20, digest, digest, expires_ms=1 << 60)
        entry = Entry(max(proposed, 0), (command,))
        overlay = Overlay(engine)

        results = machine.apply(index, 1, encoded(entry), overlay)
        engine.write(overlay)

        assert results == model.apply(index, entry)


def encoded(entry: Entry) -> bytes:
    from themis_server.statemachine.command import encode_command, encode_entry

    return encode_entry(entry.proposed, [encode_command(command) for command in entry.commands])


def checks_with_one_entry() -> tuple[Checks, bytes]:
    checks = Checks([0, 1], 0)
    entry = Entry(5, (Mutate((Write(WriteOp.PUT, 1, UUID, b"{}"),), 1 << 20, fingerprint=b"op"),))
    payload = encoded(entry)
    checks.entry_applied(1, 1, 2, 1, payload, [Mutated((Outcome(Status.CREATED, 5),))])
    return checks, payload


def test_an_entry_that_another_replica_applies_differently_is_noticed() -> None:
    checks, payload = checks_with_one_entry()

    with pytest.raises(Violation, match="what is committed stays committed"):
        checks.entry_applied(2, 1, 2, 2, payload, [Mutated((Outcome(Status.CREATED, 5),))])
    checks, payload = checks_with_one_entry()
    with pytest.raises(Violation, match="the same entries give the same results"):
        checks.entry_applied(2, 1, 2, 1, payload, [Mutated((Outcome(Status.CREATED, 6),))])


def test_an_entry_that_is_left_out_or_repeated_is_noticed() -> None:
    checks, payload = checks_with_one_entry()

    for index in (2, 4):
        with pytest.raises(Violation, match="applied in order"):
            checks.entry_applied(1, 1, index, 1, payload, [])


def test_a_log_that_forgets_is_noticed_unless_the_turn_that_lost_power_had_cut_it() -> None:
    node: Any = SimpleNamespace(id=1)

    def replica(last_logged: int) -> Any:
        machine = SimpleNamespace(state=SimpleNamespace(applied_index=0))
        return SimpleNamespace(
            id=1,
            raft=SimpleNamespace(role="follower"),
            hard_state=HardState(3, 0, 0),
            last_logged=last_logged,
            machine=machine,
        )

    def driver(last_logged: int) -> Any:
        return SimpleNamespace(groups={1: replica(last_logged)})

    checks = Checks([0, 1], 0)
    checks.turned(node, driver(9))
    with pytest.raises(Violation, match="a logged entry is remembered"):
        checks.started(node, driver(7))
    checks.broken_off(node, driver(10))  # not synced yet: nobody counts on the tenth
    checks.started(node, driver(9))
    checks.broken_off(node, driver(7))
    checks.started(node, driver(7))
    with pytest.raises(Violation, match="a logged entry is remembered"):
        checks.started(node, driver(6))


def test_promises_are_found_by_time() -> None:
    chronicle = Checks([0, 1], 0).chronicles[1]
    chronicle.promise(100, 5)
    chronicle.promise(200, 4)
    chronicle.promise(300, 9)

    assert [chronicle.floor_at(at_us) for at_us in (99, 100, 250, 300)] == [1, 5, 5, 9]
    assert chronicle.floor == 9


def test_the_loop_runs_asyncio_in_simulated_time_and_dies_with_its_process() -> None:
    world = World(draw(1))
    loop = SimulatedLoop(world, NodeClock(0.0, 0), lambda: None)  # type: ignore[abstract]
    done: list[float] = []

    async def work() -> None:
        try:
            await asyncio.sleep(1.5)
            done.append(loop.time())
            async with asyncio.timeout(0.5):
                await loop.create_future()
        except TimeoutError:
            done.append(loop.time())
        await asyncio.sleep(1)
        done.append(-1)

    loop.inside(lambda: loop.create_task(work()))
    world._run_until(2_500_000)
    loop.die()
    world._run_until(9_000_000)

    assert done == pytest.approx([1.5, 2.0])


def test_a_trace_reads_line_by_line() -> None:
    trace = Trace()
    trace.note(1_234_567, 3, "receive", "from n1", BEAT)
    trace.note(1_234_568, 0, "fault", "n3 is cut off")

    assert list(trace.lines()) == [
        "   1234.567  n3  receive      from n1 beat",
        "   1234.568  --  fault        n3 is cut off",
    ]
    assert list(trace.lines(1)) == ["   1234.568  --  fault        n3 is cut off"]
