"""Nodes whose snapshots are the real ones, over a network that is stepped: what the simulator does, in small."""

from __future__ import annotations

from collections.abc import Iterator

import themis_raft
from server.tests.unit.replication.network import Member, Network
from themis_server.clock import ManualClock
from themis_server.replication.driver import Work
from themis_server.replication.log import HardState
from themis_server.replication.ports import Provided, Staged
from themis_server.replication.snapshot.destroy import destroy
from themis_server.replication.snapshot.install import install
from themis_server.replication.snapshot.pins import Pin, Pins
from themis_server.replication.snapshot.receiver import Receiver
from themis_server.replication.snapshot.recover import recover
from themis_server.replication.snapshot.sender import Sender
from themis_server.replication.snapshot.source import Source
from themis_server.replication.snapshot.staging import StagedSnapshot
from themis_server.replication.work import Arrived
from themis_server.storage.engine import ViewLost
from themis_server.storage.memory import MemoryEngine

CHUNK_BYTES = 16_000


class Carried:
    """A node's `Snapshots`. `Carrying` takes its requests to the other nodes."""

    def __init__(self, log: MemoryEngine, state: MemoryEngine) -> None:
        self.log, self.state = log, state
        self.sent: list[tuple[int, int, bytes, bytes]] = []  # for `Network`, which finds nothing in it
        self.pins = Pins(state, ManualClock(), prefix=f"{id(self):x}", pins_max=4)
        self.arrived: list[Arrived] = []
        self.receiver = Receiver(
            state, ManualClock(), lambda *arrived: self.arrived.append(Arrived(*arrived)), incoming_max=4
        )
        self.senders: dict[tuple[int, int], tuple[Sender, Pin]] = {}
        self.installed = 0

    def request(self, group: int, to: int, lowest_index: int, membership: bytes) -> Provided | None:
        return self.pins.request(group, lowest_index, membership)

    def outgoing(self, group: int, to: int, message: bytes, manifest: bytes) -> None:
        pin = self.pins.acquire(group, manifest)
        assert pin is not None
        older = self.senders.pop((group, to), None)
        if older is not None:
            self.pins.done(older[1])
        self.senders[group, to] = Sender(Source(pin.view, pin.manifest, CHUNK_BYTES), message), pin

    def install(
        self, group: int, staged: Staged, snapshot: themis_raft.Snapshot, hard_state: HardState
    ) -> Iterator[None]:
        assert isinstance(staged, StagedSnapshot)
        yield from install(self.log, self.state, group, staged, snapshot, hard_state)
        self.installed += 1

    def destroy(self, group: int, hard_state: HardState) -> Iterator[None]:
        self.pins.forget(group)
        self.receiver.forget(group)
        yield from destroy(self.log, self.state, group, hard_state)

    def discard(self, staged: Staged) -> None:
        assert isinstance(staged, StagedSnapshot)
        self.state.discard_load(staged.load)


class Carrying(Network):
    """A network that carries a request of each snapshot a step, where it gets through."""

    def _carry(self, sender: int, member: Member, works: dict[int, Work]) -> None:
        super()._carry(sender, member, works)
        if sender not in self.alive - self.paused:
            return
        mine = carried(member)
        for (group, to), (leading, pin) in list(mine.senders.items()):
            try:
                verb, payload = leading.request()
            except ViewLost:
                leading.failure = "lost"
            else:
                if self.reaches(sender, to) and not self.lose(sender, to, payload):
                    leading.answered(carried(self[to]).receiver.handle(verb, sender, payload))
                else:
                    leading.lost()
            if leading.ended:
                del mine.senders[group, to]
                mine.pins.done(pin)
                member.driver.snapshot_sent(group, to, leading.succeeded)
        for node_id in sorted(self.alive - self.paused):
            other = carried(self[node_id])
            works[node_id].snapshots += other.arrived
            other.arrived = []

    def restart(self, node_id: int) -> None:
        """Start a killed node again, as a node starts: first what a crash cut off."""
        member = self[node_id]
        recover(member.log, member.state)
        super().restart(node_id)


def carried(member: Member) -> Carried:
    """Return a node's snapshots."""
    assert isinstance(member.snapshots, Carried)
    return member.snapshots
