"""Snapshots over the wires of nodes: tasks, threads and deadlines. The wires are given, and break on demand."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from typing import Literal

import pytest

from server.tests.unit.replication.snapshot.states import GROUP, INDEX, MEMBERS, content, fill, said
from themis_server.clock import SystemClock
from themis_server.errors import ErrorCode, ThemisServerError
from themis_server.peer.errors import PeerFailed, PeerLost, PeerRefused, PeerUnreachable
from themis_server.peer.identity import Identity, PeerAddress
from themis_server.replication.log import HardState
from themis_server.replication.ports import Provided, Snapshots
from themis_server.replication.snapshot.staging import StagedSnapshot
from themis_server.replication.snapshot.transfer import SnapshotTransfers, TransferLimits
from themis_server.storage.memory import MemoryEngine

FAST = TransferLimits(chunk_bytes=400, bytes_per_s=1 << 30, stall_s=5, linger_s=0.1, idle_s=5)


class Node:
    """A node with its transfers, and what they told its driver."""

    def __init__(self, raft_id: int, wires: Wires, limits: TransferLimits = FAST) -> None:
        self.raft_id = raft_id
        self.log, self.state = MemoryEngine(), MemoryEngine()
        self.sent: list[tuple[int, int, bool]] = []
        self.released: list[tuple[int, bytes]] = []
        self.arrived: list[tuple[int, int, bytes, StagedSnapshot]] = []
        self.transfers = SnapshotTransfers(
            self.log,
            self.state,
            wires,
            wires.address,
            SystemClock(),
            limits,
            name_prefix=f"{raft_id:x}-0",
            sent=lambda *ended: self.sent.append(ended),
            released=lambda *gone: self.released.append(gone),
            deliver=lambda *arrived: self.arrived.append(arrived),
        )
        self.transfers.start()
        wires.made.append(self)

    def provide(self, group: int = GROUP, to: int = 2) -> Provided:
        provided = self.transfers.request(group, to, 1, MEMBERS)
        assert provided is not None
        return provided

    def send(self, group: int = GROUP, to: int = 2) -> Provided:
        """Do what the driver does, on another thread as it does."""
        provided = self.provide(group, to)
        driver = threading.Thread(target=self.transfers.outgoing, args=(group, to, b"message", provided.manifest))
        driver.start()
        driver.join()
        return provided


class Wires:
    """`PeerCalls` between the nodes of a test."""

    def __init__(self) -> None:
        self.nodes: dict[int, Node] = {}
        self.made: list[Node] = []
        self.failing: Callable[[str], PeerFailed | PeerRefused | None] = lambda _: None
        self.calls: list[str] = []
        self.held = asyncio.Event()
        self.held.set()
        self.under_way = self.most = 0

    def address(self, raft_id: int) -> PeerAddress | None:
        return PeerAddress(f"node-{raft_id}", raft_id, "127.0.0.1", 1) if raft_id in self.nodes else None

    async def call(
        self,
        to: PeerAddress,
        method: str,
        payload: bytes,
        *,
        timeout_s: float,
        lane: Literal["calls", "bulk"] = "calls",
    ) -> bytes:
        assert lane == "bulk"
        self.calls.append(method)
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            await self.held.wait()
            failure = self.failing(method)
            if isinstance(failure, PeerUnreachable):
                raise failure
            sender = Identity("themis", "node-1", 1, "0" * 32, 1, "0")
            answer = await self.nodes[to.raft_id].transfers.handlers()[method](sender, payload)
            if failure is not None:
                raise failure
            return answer
        finally:
            self.under_way -= 1


@pytest.fixture
async def wires() -> AsyncIterator[Wires]:
    made = Wires()
    for raft_id in (1, 2):
        made.nodes[raft_id] = Node(raft_id, made)
    fill(made.nodes[1].state)
    yield made
    for node in made.made:
        await node.transfers.close()
        assert node.state.views_held == 0


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.005)


async def test_a_snapshot_goes_from_one_node_to_the_other_and_is_installed(wires: Wires) -> None:
    here, there = wires.nodes[1], wires.nodes[2]
    fill(there.state, mark="old", index=3)

    provided = here.send()
    await until(lambda: here.sent)

    assert here.sent == [(GROUP, 2, True)]
    ((group, sender, message, staged),) = there.arrived
    assert (group, sender, message) == (GROUP, 1, b"message")
    assert (provided.index, provided.conf_state) == (INDEX, MEMBERS)
    for _ in there.transfers.install(GROUP, staged, said(staged.manifest), HardState(2, 1, INDEX)):
        pass
    assert content(there.state) == content(here.state)
    assert there.state.bulk_loads() == {}
    counts = here.transfers.counts, there.transfers.counts
    assert (counts[0].sent, counts[0].failed, counts[1].received, counts[1].installed) == (1, 0, 1, 1)
    assert counts[1].received_bytes == staged.totals.size_bytes


async def test_it_is_what_the_driver_asks_for(wires: Wires) -> None:
    transfers: Snapshots = wires.nodes[1].transfers

    assert transfers.request(99, 2, 1, MEMBERS) is None


@pytest.mark.parametrize("failure", [PeerUnreachable("gone"), PeerLost("lost"), PeerRefused("internal", "?", {})])
async def test_it_goes_on_after_breaks(wires: Wires, failure: PeerFailed | PeerRefused) -> None:
    here, there = wires.nodes[1], wires.nodes[2]
    wires.failing = lambda _: failure if len(wires.calls) in (1, 4, 9) else None

    here.send()
    await until(lambda: here.sent)

    assert here.sent == [(GROUP, 2, True)]
    assert len(there.arrived) == 1


async def test_a_node_that_stays_away_is_given_up(wires: Wires) -> None:
    here = wires.nodes[1] = Node(1, wires, TransferLimits(chunk_bytes=400, stall_s=0.3, linger_s=60))
    fill(here.state)
    wires.failing = lambda _: PeerUnreachable("it is off")

    provided = here.send()
    await until(lambda: here.sent)

    assert here.sent == [(GROUP, 2, False)]
    assert here.released == []  # the state may yet be asked for
    assert here.provide() == provided


async def test_a_node_whose_place_is_not_known_is_given_up_too(wires: Wires) -> None:
    here = wires.nodes[1] = Node(1, wires, TransferLimits(stall_s=0.2))
    fill(here.state)

    here.send(to=77)
    await until(lambda: here.sent)

    assert here.sent == [(GROUP, 77, False)]


async def test_a_state_that_nobody_asks_for_any_more_is_released_and_named(wires: Wires) -> None:
    here = wires.nodes[1]

    provided = here.send()
    await until(lambda: here.released)

    assert here.sent == [(GROUP, 2, True)]
    assert here.released == [(GROUP, provided.manifest)]
    assert here.state.views_held == 0


async def test_a_state_that_was_asked_for_and_never_sent_is_released_too(wires: Wires) -> None:
    here = wires.nodes[1]

    provided = here.provide()
    await until(lambda: here.released)

    assert here.released == [(GROUP, provided.manifest)]
    assert here.state.views_held == 0


async def test_a_message_about_a_state_that_is_gone_is_answered_at_once(wires: Wires) -> None:
    here = wires.nodes[1]

    here.transfers.outgoing(GROUP, 2, b"message", b"an old manifest")

    assert here.sent == [(GROUP, 2, False)]
    assert here.released == [(GROUP, b"an old manifest")]


async def test_a_store_that_is_opened_again_ends_a_transfer(wires: Wires) -> None:
    here = wires.nodes[1]
    wires.held.clear()
    here.send()
    await until(lambda: wires.calls)

    here.state.reopen()
    wires.held.set()
    await until(lambda: here.sent)

    assert here.sent == [(GROUP, 2, False)]


async def test_a_second_message_for_a_replica_takes_the_place_of_the_first(wires: Wires) -> None:
    here, there = wires.nodes[1], wires.nodes[2]
    wires.held.clear()
    here.send()
    await until(lambda: wires.calls)
    here.send()
    here.send()

    wires.held.set()
    await until(lambda: here.sent)
    await until(lambda: here.released)

    assert here.sent == [(GROUP, 2, True)]
    assert len(there.arrived) == 1
    assert here.state.views_held == 0


async def test_no_more_are_sent_at_once_than_may_be(wires: Wires) -> None:
    here = wires.nodes[1] = Node(1, wires, TransferLimits(chunk_bytes=400, snapshots_max=2))
    for group in (1, 2):
        fill(here.state, group)
    wires.nodes[3] = Node(3, wires)
    wires.held.clear()

    for group in (1, 2):
        for to in (2, 3):
            here.send(group, to)
    await until(lambda: len(wires.calls) == 2)
    assert here.transfers.outgoing_count == 4
    wires.held.set()
    await until(lambda: len(here.sent) == 4)

    assert sorted(here.sent) == [(1, 2, True), (1, 3, True), (2, 2, True), (2, 3, True)]
    assert wires.most == 2


async def test_the_rate_is_kept(wires: Wires) -> None:
    here = wires.nodes[1] = Node(1, wires, TransferLimits(chunk_bytes=400, bytes_per_s=20_000))
    fill(here.state)
    clock = SystemClock()
    started_s = clock.monotonic_s()

    here.send()
    await until(lambda: here.sent)

    size_bytes = here.transfers.counts.sent_bytes
    assert size_bytes > 4000
    assert clock.monotonic_s() - started_s >= size_bytes / 20_000 - 0.06


async def test_what_raft_has_no_use_for_is_removed(wires: Wires) -> None:
    here, there = wires.nodes[1], wires.nodes[2]
    here.send()
    await until(lambda: there.arrived)

    there.transfers.discard(there.arrived[0][3])

    await until(lambda: there.state.bulk_loads() == {})


async def test_a_group_that_leaves_takes_its_pins_and_what_comes_for_it(wires: Wires) -> None:
    here = wires.nodes[1]
    provided = here.provide()

    for _ in here.transfers.destroy(GROUP, HardState(2, 1, INDEX)):
        pass

    assert here.released == [(GROUP, provided.manifest)]
    assert content(here.state) == {}
    assert here.state.views_held == 0


async def test_what_does_not_decode_is_the_callers_fault(wires: Wires) -> None:
    handlers = wires.nodes[2].transfers.handlers()
    sender = Identity("themis", "node-1", 1, "0" * 32, 1, "0")

    for method in ("snap.begin", "snap.chunk", "snap.end"):
        with pytest.raises(ThemisServerError) as raised:
            await handlers[method](sender, b"\xc1")
        assert raised.value.code is ErrorCode.INVALID_BODY


async def test_a_node_that_stops_in_the_middle_leaves_nothing_behind(wires: Wires) -> None:
    here, there = wires.nodes[1], wires.nodes[2]
    wires.failing = lambda method: PeerUnreachable("slow") if len(wires.calls) > 4 else None
    here.send()
    await until(lambda: len(wires.calls) > 4)

    await here.transfers.close()
    await there.transfers.close()

    assert here.sent == [(GROUP, 2, False)]
    assert here.state.views_held == 0
    assert there.state.bulk_loads() == {}
    assert here.transfers.request(GROUP, 2, 1, MEMBERS) is None
    here.transfers.outgoing(GROUP, 2, b"late", b"late")
    assert here.sent[1:] == [(GROUP, 2, False)]
