"""Nodes of many groups on memory disks, and a network between them that delays, loses and cuts as a test says.

Nothing moves by itself and nothing is drawn at random: a step delivers what was sent in the last one and lets ticks
pass. Snapshots travel whole, beside the envelopes, as copies of a group's keys.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import msgspec

import themis_raft
from server.tests.unit.replication.turning import Notes, by_handle, content
from themis_server.clock import ManualClock
from themis_server.peer.hello import VERSION_MAX
from themis_server.replication.driver import Driver, DriverLimits, Work
from themis_server.replication.elections import RaftTiming
from themis_server.replication.group import Completion, Group, Proposal
from themis_server.replication.log import HardState, Log, LogStart
from themis_server.replication.ports import Provided, Staged
from themis_server.replication.work import Arrived
from themis_server.statemachine.command import Mutate, Write, WriteOp, encode_command
from themis_server.statemachine.data import DataMachine
from themis_server.statemachine.machine import Machine
from themis_server.storage import keys, values
from themis_server.storage.engine import Overlay
from themis_server.storage.memory import MemoryEngine

TIMING = RaftTiming(election_ticks=10, heartbeat_ticks=2, tick_s=0.05)
_pairs = msgspec.msgpack.Decoder(list[tuple[bytes, bytes]])


def putting(number: int, document: bytes = b"{}") -> bytes:
    """Return the encoded command that puts entity `number`."""
    return encode_command(Mutate((Write(WriteOp.PUT, 1, number.to_bytes(16), document, None),), 1 << 20))


def keys_of(group: int) -> list[tuple[bytes, bytes]]:
    """Return the key ranges of a group's state."""
    machine = keys.machine_state(group)
    return [
        (keys.entity_prefix(group, 0), keys.entity_prefix(group + 1, 0)),
        (keys.count(group, 0), keys.count(group + 1, 0)),
        (keys.event(group, 0), keys.event(group + 1, 0)),
        (machine, machine + b"\x00"),
    ]


@dataclass
class Copy(Staged):
    """The whole content of a snapshot."""

    pairs: list[tuple[bytes, bytes]]


class Copies:
    """Snapshots as copies of a group's keys. It stands for the real ones, whose tests are their own."""

    def __init__(self, log: MemoryEngine, state: MemoryEngine) -> None:
        self.log, self.state = log, state
        self.sent: list[tuple[int, int, bytes, bytes]] = []
        self.requests = 0
        self._kept: dict[int, Provided] = {}
        self.installed = 0
        self.discarded = 0
        self.slices = 0
        """How many more slices an installation takes than it needs."""

    def request(self, group: int, to: int, lowest_index: int, membership: bytes) -> Provided | None:
        self.requests += 1
        kept = self._kept.get(group)
        if kept is not None and kept.index >= lowest_index:
            return kept
        state = DataMachine(group, self.state).state
        pairs = [pair for start, end in keys_of(group) for pair in self.state.scan(start, end)]
        members = state.membership or membership
        manifest = msgspec.msgpack.encode(pairs)
        self._kept[group] = Provided(state.applied_index, state.applied_term, members, manifest)
        return self._kept[group]

    def outgoing(self, group: int, to: int, message: bytes, manifest: bytes) -> None:
        self.sent.append((group, to, message, manifest))

    def install(
        self, group: int, staged: Staged, snapshot: themis_raft.Snapshot, hard_state: HardState
    ) -> Iterator[None]:
        assert isinstance(staged, Copy)
        for _ in range(self.slices):
            yield
        for _ in keys_of(group):
            yield
        write = Overlay(self.state)
        for start, end in keys_of(group):
            write.delete_range(start, end)
        for key, value in staged.pairs:
            write.put(key, value)
        self.state.write(write)
        self.state.sync()
        write = Overlay(self.log)
        write.delete_range(*keys.log_range(group, 0, (1 << 64) - 2))
        Log.save_start(write, group, LogStart(snapshot.index, snapshot.term, snapshot.conf_state))
        Log.save_hard_state(write, group, hard_state)
        self.log.write(write)
        self.log.sync()
        self.installed += 1

    def destroy(self, group: int, hard_state: HardState) -> Iterator[None]:
        yield
        write = Overlay(self.log)
        write.delete_range(*keys.log_range(group, 0, (1 << 64) - 2))
        write.delete(keys.log_start(group))
        Log.save_hard_state(write, group, hard_state)
        self.log.write(write)
        self.log.sync()
        write = Overlay(self.state)
        for start, end in keys_of(group):
            write.delete_range(start, end)
        self.state.write(write)
        self.state.sync()

    def discard(self, staged: Staged) -> None:
        self.discarded += 1


class Outbox:
    """A transport that keeps envelopes until the network takes them."""

    def __init__(self) -> None:
        self.envelopes: list[tuple[int, bytes]] = []

    def send(self, to: int, envelope: bytes) -> None:
        self.envelopes.append((to, envelope))


class Member:
    """A node: disks that outlive crashes, and a driver that does not."""

    def __init__(self, network: Network, node_id: int, genesis: dict[int, tuple[int, ...]]) -> None:
        self.network = network
        self.node_id = node_id
        self.log, self.state = MemoryEngine(), MemoryEngine()
        self.clock = network.clock
        self.notes = Notes()
        self.completions: list[Completion] = []
        self.removed: list[int] = []
        self._handles = 0
        self._runs = 0
        self.start(genesis)

    def start(self, genesis: dict[int, tuple[int, ...]] | None = None) -> None:
        """Make the driver from what the disks hold (and groups that begin here), and start it."""
        self._runs += 1
        log = Log(self.log)
        groups = [self.replica(group) for group in log.groups()]
        groups += [self.replica(group, voters) for group, voters in (genesis or {}).items()]
        self.outbox = Outbox()
        self.snapshots = Copies(self.log, self.state)
        self.driver = Driver(
            log,
            self.state,
            groups,
            self.clock,
            self.notes,
            self.network.limits,
            self.outbox,
            snapshots=self.snapshots,
            machine=self.machine,
            on_removed=self.removed.append,
            incarnation=self._runs,
            timing=TIMING,
        )
        self.completions += self.driver.start()

    def machine(self, group: int) -> Machine:
        return DataMachine(group, self.state)

    def replica(self, group: int, voters: tuple[int, ...] = ()) -> Group:
        """Make a replica from what the disks hold; without a log and without voters it waits for a snapshot."""
        log = Log(self.log)
        promised = log.tombstone(group)
        return Group(group, self.node_id, voters, self.machine(group), log.recover(group), TIMING, hard_state=promised)

    def turn(self, work: Work) -> list[Completion]:
        done = self.driver.turn(work)
        self.completions += done
        return done

    def propose(self, group: int, *commands: bytes) -> list[object]:
        handles: list[object] = [f"{self.node_id}/{self._handles + number}" for number in range(len(commands))]
        self._handles += len(commands)
        self.turn(Work(proposals={group: [Proposal(*pair) for pair in zip(commands, handles, strict=True)]}))
        return handles

    def barrier(self, group: int) -> object:
        self._handles += 1
        handle = f"{self.node_id}/read{self._handles}"
        self.turn(Work(barriers=[(group, handle)]))
        return handle

    @property
    def answers(self) -> dict[object, object]:
        """What became of each handle so far."""
        return by_handle(self.completions)

    def document(self, group: int, number: int) -> bytes | None:
        raw = self.state.get(keys.entity_prefix(group, 1) + number.to_bytes(16))
        return None if raw is None else values.document_of(raw)

    def content(self, group: int) -> dict[bytes, bytes]:
        """Return the state of a group."""
        everything = content(self.state)
        return {
            key: everything[key] for start, end in keys_of(group) for key in sorted(everything) if start <= key < end
        }


class Network:
    """The nodes and what is between them."""

    def __init__(
        self, nodes: Iterable[int], groups: dict[int, tuple[int, ...]], limits: DriverLimits | None = None
    ) -> None:
        self.limits = limits or DriverLimits()
        self.clock = ManualClock(monotonic_s=1000)
        self.alive: set[int] = set(nodes)
        self.paused: set[int] = set()
        self.cut: set[tuple[int, int]] = set()
        """(from, to) that nothing gets through."""
        self.lose: Callable[[int, int, bytes], bool] = lambda sender, to, envelope: False
        self.envelopes = 0
        self.members: dict[int, Member] = {}
        for node_id in sorted(self.alive):
            mine = {group: voters for group, voters in groups.items() if node_id in voters}
            self.members[node_id] = Member(self, node_id, mine)

    def __getitem__(self, node_id: int) -> Member:
        return self.members[node_id]

    def isolate(self, node_id: int) -> None:
        """Cut a node off from all others."""
        for other in self.members:
            self.cut |= {(node_id, other), (other, node_id)}

    def heal(self) -> None:
        self.cut = set()

    def step(self, ticks: int = 1, *, turns: int = 1) -> None:
        """Let `ticks` pass, after which what was sent is delivered; then deliver `turns` - 1 times more."""
        for turn in range(turns):
            works = {node_id: Work(ticks=0 if turn else ticks) for node_id in self.members}
            for sender, member in self.members.items():
                self._carry(sender, member, works)
            if not turn:
                self.clock.advance(ticks * TIMING.tick_s)
            for node_id in sorted(self.alive - self.paused):
                self.members[node_id].turn(works[node_id])

    def _carry(self, sender: int, member: Member, works: dict[int, Work]) -> None:
        envelopes, member.outbox.envelopes = member.outbox.envelopes, []
        snapshots, member.snapshots.sent = member.snapshots.sent, []
        if sender not in self.alive:
            return
        for to, envelope in envelopes:
            self.envelopes += 1
            if self.reaches(sender, to) and not self.lose(sender, to, envelope):
                works[to].add_envelope(sender, envelope)
        for group, to, message, manifest in snapshots:
            ok = self.reaches(sender, to)
            if ok:
                works[to].snapshots.append(Arrived(group, sender, message, Copy(_pairs.decode(manifest))))
            member.driver.snapshot_sent(group, to, ok)

    def reaches(self, sender: int, to: int) -> bool:
        return to in self.alive - self.paused and (sender, to) not in self.cut

    def run(self, steps: int) -> None:
        for _ in range(steps):
            self.step()

    def until(self, reached: Callable[[], bool], steps: int = 400) -> int:
        """Step until something is so; return after how many ticks."""
        for count in range(steps):
            if reached():
                return count
            self.step()
        raise AssertionError("it did not come to pass")

    def leader(self, group: int) -> Member:
        """Return who leads a group in the highest term, of those that run; wait for one."""
        found: list[Member] = []

        def leads() -> bool:
            nonlocal found
            found = [
                member
                for node_id, member in self.members.items()
                if node_id in self.alive - self.paused
                and group in member.driver.groups
                and member.driver.views[group].is_leader
            ]
            return bool(found)

        self.until(leads)
        return max(found, key=lambda member: member.driver.views[group].term)

    def kill(self, node_id: int) -> None:
        """End a node at once, with what it had not synced."""
        self.alive.discard(node_id)
        self.members[node_id].log.crash()
        self.members[node_id].state.crash()

    def restart(self, node_id: int) -> None:
        self.alive.add(node_id)
        self.members[node_id].start()
        for other in self.alive - {node_id}:
            self.members[node_id].turn(Work(connected=[(other, VERSION_MAX)]))
            self.members[other].turn(Work(connected=[(node_id, VERSION_MAX)]))
