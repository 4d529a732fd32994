"""Which nodes live: registrations with leases, and the view of all of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
from msgspec.structs import replace

from server.tests.unit.metadata.group import LaggingGroup
from server.tests.unit.metadata.world import node
from themis_server.metadata import nodes as nodes_module
from themis_server.metadata import topology as topologies
from themis_server.metadata import transitions
from themis_server.metadata.leases import LeaseSweeper
from themis_server.metadata.nodes import NodesView, Registration
from themis_server.metadata.topology import NODES, NodeReport

LEASE_S = 9.0
TOPOLOGY = transitions.admit(topologies.initial(node(1), 1, 1), node(2))


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.002)


class Watched:
    """A node that registers, and another one that looks."""

    def __init__(self) -> None:
        self.group = LaggingGroup()
        self.clock = self.group.clock
        self.said = NodeReport("n002", "n002", disk_free_bytes=1000, epoch=1)
        self.store = self.group.followers[0].store
        self.registration = Registration(self.store, lambda: self.said, LEASE_S, self.clock)
        self.changes = 0
        self.view = NodesView(self.group.leader.store, self.clock, self._changed)

    def _changed(self) -> None:
        self.changes += 1

    async def end_expired(self) -> None:
        await self.group.leader.store.end_expired_leases(self.clock.unix_ms())
        self.group.send()


@pytest.fixture
async def watched(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Watched]:
    monkeypatch.setattr(nodes_module, "_RETRY_S", 0.01)
    started = Watched()
    task = asyncio.create_task(started.view.follow())
    await until(lambda: started.view.loaded)
    yield started
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_node_is_down_until_it_reports_and_when_it_says_goodbye(watched: Watched) -> None:
    assert watched.view.health("n002") == "down"

    await watched.registration.step()
    await until(lambda: watched.view.health("n002") == "healthy")
    assert watched.view.reports == {"n002": watched.said}

    await watched.registration.end()
    await until(lambda: watched.view.health("n002") == "down")


async def test_a_node_that_complains_is_degraded(watched: Watched) -> None:
    await watched.registration.step()
    watched.said = replace(watched.said, health="degraded", reasons=("the disk is short",))

    await watched.registration.step()

    await until(lambda: watched.view.health("n002") == "degraded")
    assert watched.view.reports["n002"].reasons == ("the disk is short",)


async def test_a_report_is_written_when_it_says_something_new(watched: Watched) -> None:
    await watched.registration.step()
    before = len(watched.group.entries)

    await watched.registration.step()
    watched.said = replace(watched.said, disk_free_bytes=1040)
    await watched.registration.step()
    assert len(watched.group.entries) == before

    watched.said = replace(watched.said, disk_free_bytes=900)
    await watched.registration.step()
    assert len(watched.group.entries) == before + 1
    watched.said = replace(watched.said, led=(1,))
    await watched.registration.step()
    assert len(watched.group.entries) == before + 2


async def test_a_lease_is_renewed_each_third_of_its_length(watched: Watched) -> None:
    for _ in range(10):
        await watched.registration.step()
        watched.clock.advance(LEASE_S / 3)
        await watched.end_expired()

    assert watched.view.health("n002") == "healthy"


async def test_a_node_that_falls_silent_is_down_when_its_lease_has_run_out(watched: Watched) -> None:
    await watched.registration.step()
    await until(lambda: watched.view.health("n002") == "healthy")

    watched.clock.advance(LEASE_S)
    await watched.end_expired()

    await until(lambda: watched.view.health("n002") == "down")


async def test_a_node_whose_lease_was_lost_registers_again(watched: Watched) -> None:
    await watched.registration.step()
    watched.clock.advance(LEASE_S)
    await watched.end_expired()
    await until(lambda: watched.view.health("n002") == "down")

    await watched.registration.step()
    await watched.registration.step()

    await until(lambda: watched.view.health("n002") == "healthy")


async def test_without_the_store_nobody_is_called_down_and_later_all_goes_on(watched: Watched) -> None:
    await watched.registration.step()
    await until(lambda: watched.view.health("n002") == "healthy")
    watched.group.down = True
    watched.clock.advance(LEASE_S)

    await watched.registration.step()
    assert watched.view.health("n002") == "healthy"

    watched.group.down = False
    await watched.registration.step()
    assert await watched.group.leader.store.get(NODES + "n002") is not None


async def test_it_is_known_since_when_nodes_are_away(watched: Watched) -> None:
    began_s = watched.clock.monotonic_s()
    assert watched.view.absent_since_s(TOPOLOGY) == {"n001": began_s, "n002": began_s}
    watched.clock.advance(5)
    await watched.registration.step()
    await until(lambda: watched.view.health("n002") == "healthy")
    assert watched.view.absent_since_s(TOPOLOGY) == {"n001": began_s}

    await watched.registration.end()
    await until(lambda: watched.view.health("n002") == "down")

    assert watched.view.absent_since_s(TOPOLOGY) == {"n001": began_s, "n002": began_s + 5}


async def test_before_the_reports_were_read_nobody_is_away() -> None:
    view = Watched().view

    assert view.absent_since_s(TOPOLOGY) == {}
    assert view.health("n001") == "healthy"


async def test_a_report_that_does_not_decode_is_none(watched: Watched) -> None:
    await watched.store.put(NODES + "n002", b"{")
    await until(lambda: watched.changes > 1)

    assert watched.view.health("n002") == "down"


# Who ends leases


async def test_a_new_leader_gives_everybody_the_length_of_a_lease_to_renew(watched: Watched) -> None:
    leads = False
    sweeper = LeaseSweeper(watched.group.leader.store, watched.clock, lambda: leads, LEASE_S)
    await watched.registration.step()
    watched.clock.advance(LEASE_S)
    await sweeper.sweep()
    leads = True
    await sweeper.sweep()
    watched.clock.advance(LEASE_S - 1)
    await sweeper.sweep()
    assert await watched.group.leader.store.get(NODES + "n002") is not None

    watched.clock.advance(1)
    await sweeper.sweep()
    assert await watched.group.leader.store.get(NODES + "n002") is None


async def test_a_leader_that_lost_the_metadata_meanwhile_sweeps_no_more(watched: Watched) -> None:
    sweeper = LeaseSweeper(watched.group.leader.store, watched.clock, lambda: True, 0)
    await watched.registration.step()
    watched.clock.advance(LEASE_S)
    watched.group.down = True

    await sweeper.sweep()
