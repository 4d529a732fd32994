"""Drivers without threads: disks that crash, a network that is delivered by hand, time that is given.

Nothing here moves by itself: a test turns the drivers, and each run is the same as the last.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from themis_server.clock import ManualClock
from themis_server.replication.driver import Driver, DriverLimits, Work
from themis_server.replication.group import Completion, Group, Proposal, RaftTiming
from themis_server.replication.log import Log
from themis_server.statemachine.command import Mutate, Mutated, Write, WriteOp, encode_command
from themis_server.statemachine.data import DataMachine
from themis_server.storage import keys, values
from themis_server.storage.engine import Overlay
from themis_server.storage.memory import MemoryEngine

GROUP = 1
ELECTION_TICKS = 10
EVERYTHING = (b"\x00", b"\xff" * 8)


def putting(number: int, document: bytes = b"{}", expect: tuple[int, ...] | None = None) -> bytes:
    """Return the encoded command that puts entity `number`."""
    return encode_command(Mutate((Write(WriteOp.PUT, 1, number.to_bytes(16), document, expect),), 1 << 20))


def stored(state: MemoryEngine, number: int) -> bytes | None:
    """Return the document of entity `number`."""
    raw = state.get(keys.entity_prefix(GROUP, 1) + number.to_bytes(16))
    return None if raw is None else values.document_of(raw)


def content(state: MemoryEngine) -> dict[bytes, bytes]:
    """Return everything that an engine holds."""
    return dict(state.scan(*EVERYTHING))


def by_handle(completions: Iterable[Completion]) -> dict[object, object]:
    """Return what became of each handle; nobody may be answered twice."""
    found: dict[object, object] = {}
    for handle, result in completions:
        assert handle not in found, f"{handle!r} was answered twice"
        found[handle] = result
    return found


def succeeded(result: object) -> bool:
    """Whether a completion acknowledges a write."""
    return isinstance(result, Mutated)


class Notes:
    """An observer that keeps what it is told."""

    def __init__(self) -> None:
        self.log_writes: list[int] = []
        self.applies: list[int] = []
        self.stalls: list[bool] = []

    def logged(self, entries: int, size_bytes: int, sync_s: float) -> None:
        self.log_writes.append(entries)

    def applied(self, entries: int, duration_s: float) -> None:
        self.applies.append(entries)

    def stalled(self, full: bool) -> None:
        self.stalls.append(full)


class Journaled(MemoryEngine):
    """A memory engine that notes in a journal, shared with others, what is done to it and when."""

    def __init__(self, name: str, journal: list[str]) -> None:
        super().__init__()
        self._name = name
        self._journal = journal

    def write(self, overlay: Overlay) -> None:
        super().write(overlay)
        self._journal.append(f"{self._name} write")

    def sync(self) -> None:
        super().sync()
        self._journal.append(f"{self._name} sync")


class Outbox:
    """A transport that keeps envelopes until the test delivers or loses them."""

    def __init__(self) -> None:
        self.envelopes: list[tuple[int, bytes]] = []

    def send(self, to: int, envelope: bytes) -> None:
        self.envelopes.append((to, envelope))


class Turned:
    """One node: two disks that outlive crashes, and a driver that does not."""

    def __init__(
        self,
        node_id: int = 1,
        voters: tuple[int, ...] = (1,),
        *,
        log: MemoryEngine | None = None,
        state: MemoryEngine | None = None,
        limits: DriverLimits | None = None,
        wait_for_space: Callable[[], None] | None = None,
    ) -> None:
        self.node_id = node_id
        self.voters = voters
        self.log = MemoryEngine() if log is None else log
        self.state = MemoryEngine() if state is None else state
        self.clock = ManualClock()
        self.notes = Notes()
        self.completions: list[Completion] = []
        self._limits = DriverLimits() if limits is None else limits
        self._wait_for_space = wait_for_space
        self._handles = 0
        self.start()

    def start(self) -> None:
        """Make the driver from what the disks hold, and start it."""
        log = Log(self.log)
        timing = RaftTiming(ELECTION_TICKS, 2)
        machine = DataMachine(GROUP, self.state)
        self.group = Group(GROUP, self.node_id, self.voters, machine, log.recover(GROUP), timing)
        self.outbox = Outbox()
        self.driver = Driver(
            log,
            self.state,
            [self.group],
            self.clock,
            self.notes,
            self._limits,
            self.outbox,
            self._wait_for_space,
        )
        self.completions += self.driver.start()

    def crash(self) -> None:
        """Lose power: what was not synced is gone. Then start again."""
        self.log.crash()
        self.state.crash()
        self.start()

    def turn(self, work: Work | None = None) -> list[Completion]:
        """Turn once, and keep the completions."""
        done = self.driver.turn(Work() if work is None else work)
        self.completions += done
        return done

    def propose(self, *commands: bytes) -> list[object]:
        """Propose commands in one turn; return the handles, to be looked up in `answers`."""
        handles = [f"{self.node_id}/{self._handles + number}" for number in range(len(commands))]
        self._handles += len(commands)
        self.turn(Work(proposals={GROUP: [Proposal(*pair) for pair in zip(commands, handles, strict=True)]}))
        return list(handles)

    def put(self, number: int, document: bytes = b"{}") -> object:
        """Put entity `number`; return what became of it so far (None: nothing yet)."""
        (handle,) = self.propose(putting(number, document))
        return self.answers.get(handle)

    @property
    def answers(self) -> dict[object, object]:
        """What became of each handle so far."""
        return by_handle(self.completions)


class Cluster:
    """Three nodes of one group, and the network between them."""

    def __init__(self, limits: DriverLimits | None = None) -> None:
        ids = (1, 2, 3)
        self.nodes = {node_id: Turned(node_id, ids, limits=limits) for node_id in ids}
        self.alive = set(ids)
        self.cut: set[int] = set()
        """Nodes that nobody hears and that hear nobody."""

    def step(self, ticks: int = 1) -> None:
        """Deliver what was sent, let time pass, and turn every living node once."""
        works = {node_id: Work(ticks=ticks) for node_id in self.nodes}
        for sender, node in self.nodes.items():
            envelopes, node.outbox.envelopes = node.outbox.envelopes, []
            if sender in self.alive - self.cut:
                for to, envelope in envelopes:
                    if to in self.alive - self.cut:
                        works[to].add_envelope(sender, envelope)
        for node_id in sorted(self.alive):
            self.nodes[node_id].turn(works[node_id])

    def run(self, steps: int) -> None:
        """Let `steps` ticks pass."""
        for _ in range(steps):
            self.step()

    def settle(self) -> None:
        """Let messages come to rest without an election: a few heartbeats."""
        self.run(8)

    def elect(self) -> Turned:
        """Wait until one node leads among those that are heard, and return it."""
        for _ in range(20 * ELECTION_TICKS):
            leaders = [self.nodes[node_id] for node_id in self.alive - self.cut if self.nodes[node_id].group.is_leader]
            if leaders:
                self.settle()
                return max(leaders, key=lambda node: node.group.raft.term)
            self.step()
        raise AssertionError("nobody was elected")

    def kill(self, node_id: int) -> None:
        """End a node at once, with what it had not synced."""
        self.alive.discard(node_id)
        self.nodes[node_id].log.crash()
        self.nodes[node_id].state.crash()

    def restart(self, node_id: int) -> None:
        """Start a killed node again."""
        self.nodes[node_id].start()
        self.alive.add(node_id)
