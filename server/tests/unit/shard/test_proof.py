from __future__ import annotations

import asyncio

import pytest

from themis_server.clock import ManualClock
from themis_server.errors import ErrorCode
from themis_server.replication.group import Completion, NotLeader
from themis_server.shard.pending import Pending
from themis_server.shard.proof import Proofs
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
