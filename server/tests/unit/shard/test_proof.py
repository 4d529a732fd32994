from __future__ import annotations

import asyncio

import pytest

from themis_server.clock import ManualClock
from themis_server.errors import ErrorCode
from themis_server.replication.group import Completion, NotLeader
from themis_server.shard.pending import Pending
from themis_server.shard.proof import Proofs, settled
from themis_server.shard.refusal import Refused
from themis_server.statemachine.command import Result


class Barriers:
    def __init__(self) -> None:
        self.handles: list[object] = []

    def propose(self, group: int, command: bytes, handle: object) -> None:
        raise AssertionError("nobody writes here")

    def barrier(self, group: int, handle: object) -> None:
        self.handles.append(handle)

    def refresh(self) -> None:
        raise AssertionError("nobody reads what may lag")


class World:
    def __init__(self) -> None:
        self.clock = ManualClock(monotonic_s=10.0)
        self.barriers = Barriers()
        self.pending = Pending(asyncio.get_running_loop(), proposals_max=1, proposal_bytes_max=1, timeout_s=60)
        self.pending.connect(self.barriers)
        self.proofs = Proofs(1, self.pending, self.clock)

    def end(self, result: Result | Exception | None = None) -> None:
        self.pending.settle([Completion(self.barriers.handles.pop(0), result)])


async def turn() -> None:
    for _ in range(3):
        await asyncio.sleep(0)


async def test_reads_that_come_together_share_a_barrier() -> None:
    world = World()
    reads = [asyncio.create_task(world.proofs.prove()) for _ in range(20)]
    await turn()

    assert len(world.barriers.handles) == 1
    world.end()

    assert set(await asyncio.gather(*reads)) == {10.0}


async def test_a_read_is_not_proven_by_a_barrier_that_began_before_it() -> None:
    world = World()
    early = asyncio.create_task(world.proofs.prove())
    await turn()
    late = asyncio.create_task(world.proofs.prove())
    await turn()

    world.end()
    await early
    assert not late.done()
    world.end()
    await late


async def test_what_is_proven_is_the_state_of_when_the_barrier_began() -> None:
    world = World()
    reading = asyncio.create_task(world.proofs.prove())
    await turn()
    world.clock.advance(5)

    world.end()

    assert await reading == world.proofs.proven_s == 10.0


async def test_a_barrier_that_fails_proves_nothing_and_says_who_leads() -> None:
    world = World()
    reads = [asyncio.create_task(world.proofs.prove()) for _ in range(2)]
    await turn()

    world.end(NotLeader(7))

    for read in reads:
        with pytest.raises(Refused) as raised:
            await read
        assert (raised.value.code, raised.value.leader) == (ErrorCode.NO_LEADER, 7)
    assert world.proofs.proven_s < 0


async def test_a_read_that_gives_up_leaves_the_others_their_proof() -> None:
    world = World()
    hasty = asyncio.create_task(world.proofs.prove(0.001))
    patient = asyncio.create_task(world.proofs.prove())
    with pytest.raises(TimeoutError):
        await hasty

    world.end()

    assert await patient == 10.0


class Shards(World):
    """Replicas of several groups on one node."""

    def __init__(self) -> None:
        super().__init__()
        self.shards = [Proofs(group, self.pending, self.clock) for group in range(1, 4)]

    def read(self, shard: int) -> asyncio.Task[float]:
        return asyncio.create_task(self.shards[shard].prove())


async def test_barriers_of_all_groups_begin_together() -> None:
    world = Shards()
    first = world.read(0)
    await turn()
    others = [world.read(1), world.read(2)]
    await turn()
    assert len(world.barriers.handles) == 1, "those of other groups wait for the one under way, too"

    world.end()
    await first
    await turn()
    assert len(world.barriers.handles) == 2
    for _ in range(2):
        world.end()
    await asyncio.gather(*others)


async def test_many_reads_wait_for_those_who_were_just_answered_to_ask_again() -> None:
    world = Shards()
    first = [world.read(number % 3) for number in range(6)]
    await turn()
    for _ in range(3):
        world.end()
    await asyncio.gather(*first)

    second = [world.read(0) for _ in range(5)]
    await turn()
    assert not world.barriers.handles
    second.append(world.read(1))
    await turn()
    assert len(world.barriers.handles) == 2

    for _ in range(2):
        world.end()
    await asyncio.gather(*second)


async def test_who_does_not_ask_again_is_waited_for_a_moment_and_once() -> None:
    world = Shards()
    first = [world.read(0) for _ in range(6)]
    await turn()
    world.end()
    await asyncio.gather(*first)

    for pause_s in (0.05, 0.0):
        read = world.read(0)
        await turn()
        assert bool(world.barriers.handles) == (not pause_s)
        await asyncio.sleep(pause_s)
        world.end()
        await read


async def test_who_comes_when_nobody_is_waited_for_any_more_need_not_wait() -> None:
    world = Shards()
    first = [world.read(0) for _ in range(6)]
    await turn()
    world.end()
    await asyncio.gather(*first)
    await asyncio.sleep(0.05)

    read = world.read(1)
    await turn()

    assert len(world.barriers.handles) == 1
    world.end()
    await read


async def test_a_group_whose_barrier_does_not_end_holds_up_no_other() -> None:
    world = Shards()
    stuck = world.read(0)
    await turn()
    assert len(world.barriers.handles) == 1

    well = world.read(1)
    await asyncio.sleep(0.05)

    assert len(world.barriers.handles) == 2
    world.end()
    world.end()
    await asyncio.gather(stuck, well)


async def test_proofs_of_several_replicas_are_waited_for_whatever_becomes_of_each() -> None:
    world = Shards()
    proofs = [shard.join() for shard in world.shards]
    waiting = asyncio.create_task(settled(proofs, None))
    await turn()

    world.end(NotLeader(7))
    world.end()
    await turn()
    assert not waiting.done()
    world.end()
    await waiting

    assert isinstance(proofs[0].exception(), Refused)
    assert [proof.result() for proof in proofs[1:]] == [10.0, 10.0]
