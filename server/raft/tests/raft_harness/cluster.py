"""Replicas of one group with their disks, and the network between them, all in memory.

A disk changes only when a Ready is persisted, so `crash` and `restart` lose exactly what a real machine would lose.
The state machine is the list of the texts applied; its durable form is the snapshot made at compaction.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from themis_raft import NORMAL, Advanced, ConfState, Group, Ready, describe_entry, describe_message

Committed = list[tuple[int, int, int, bytes]]


@dataclass(frozen=True, slots=True)
class Settings:
    """What all replicas of a scenario have in common."""

    pre_vote: bool = True
    check_quorum: bool = True
    eager_commit: bool = True
    max_inflight: int = 256
    max_size_per_message: int = 1 << 20
    max_uncommitted_bytes: int = 1 << 26


@dataclass(slots=True)
class Disk:
    """What survives a crash."""

    conf_state: bytes
    hard_state: tuple[int, int, int] = (0, 0, 0)
    snapshot_index: int = 0
    snapshot_term: int = 0
    texts: tuple[str, ...] = ()
    entries: list[bytes] = field(default_factory=list)

    def append(self, entries: Iterable[tuple[int, bytes]]) -> None:
        """Write entries; what was there from the first index on is replaced."""
        for index, data in entries:
            del self.entries[index - self.snapshot_index - 1 :]
            self.entries.append(data)


class Node:
    """One replica with its disk and state machine."""

    def __init__(self, node_id: int, disk: Disk, settings: Settings) -> None:
        """Start from a disk, which may be empty."""
        self.node_id = node_id
        self.disk = disk
        self.settings = settings
        self.group: Group
        self.texts: list[str]
        self.outbox: list[tuple[int, bytes]] = []
        self.held: Ready | None = None
        self.start()

    def start(self) -> None:
        """(Re)start from the disk."""
        disk = self.disk
        self.texts = list(disk.texts)
        self.outbox = []
        self.held = None
        self.group = Group(
            node_id=self.node_id,
            conf_state=disk.conf_state,
            election_ticks=10,
            heartbeat_ticks=2,
            hard_state=disk.hard_state,
            snapshot_index=disk.snapshot_index,
            snapshot_term=disk.snapshot_term,
            applied=disk.snapshot_index,
            entries=disk.entries,
            pre_vote=self.settings.pre_vote,
            check_quorum=self.settings.check_quorum,
            eager_commit=self.settings.eager_commit,
            max_inflight=self.settings.max_inflight,
            max_size_per_message=self.settings.max_size_per_message,
            max_uncommitted_bytes=self.settings.max_uncommitted_bytes,
            # Distinct and known: the lowest node id waits shortest.
            election_timeout_ticks=10 + self.node_id % 10,
        )

    def take_ready(self) -> list[str]:
        """Take a Ready and send what may go at once. Nothing is on disk before `persist`."""
        ready = self.group.ready()
        self.held = ready
        lines = [f"ready {self.node_id}: {ready.role}, term {ready.term}, leader {ready.leader or 'none'}"]
        if ready.hard_state:
            lines.append("  hard state: term {} vote {} commit {}".format(*ready.hard_state))
        if ready.snapshot:
            membership = ConfState.decode(ready.snapshot.conf_state)
            lines.append(f"  snapshot: {ready.snapshot.term}/{ready.snapshot.index} {membership!r}")
        lines += [f"  entry: {describe_entry(data)}" for _, data in ready.entries]
        lines += [f"  send: {describe_message(data)}" for _, data in ready.messages]
        lines += [f"  send when persisted: {describe_message(data)}" for _, data in ready.persisted_messages]
        lines += [f'  read: "{context.decode()}" at {index}' for index, context in ready.read_states]
        self.outbox += ready.messages
        return lines + self._apply(ready.committed)

    def persist(self) -> list[str]:
        """Put the Ready that is held on disk, and go on."""
        ready = self.held
        if ready is None:
            raise ValueError(f"node {self.node_id} holds no Ready")
        self.held = None
        if ready.snapshot:
            snapshot = ready.snapshot
            self.texts = snapshot.data.decode().split()
            self.disk = Disk(
                snapshot.conf_state, self.disk.hard_state, snapshot.index, snapshot.term, tuple(self.texts)
            )
        self.disk.append(ready.entries)
        if ready.hard_state:
            self.disk.hard_state = ready.hard_state
        advanced: Advanced = self.group.advance()
        self.outbox += ready.persisted_messages
        self.outbox += advanced.messages
        lines = [f"  commit: {advanced.commit}"] if advanced.commit is not None else []
        lines += [f"  send: {describe_message(data)}" for _, data in advanced.messages]
        lines += self._apply(advanced.committed)
        return [f"persisted {self.node_id}:", *lines] if lines else []

    def answer_snapshot_requests(self) -> list[str]:
        """Give the replicas that wait for a snapshot the state as applied."""
        lines = []
        for to, lowest in self.group.snapshot_requests():
            index = self.group.applied
            data = " ".join(self.texts).encode()
            self.group.provide_snapshot(index, self.group.term_at(index), self.group.conf_state().encode(), data)
            lines.append(f"snapshot {self.node_id}: {to} needs one from {lowest} on, gets {index}")
        return lines

    def compact(self, index: int) -> tuple[int, int]:
        """Make the state at `index` durable (it must be the applied one) and drop the log up to it."""
        start, term = self.group.compact(index)
        keep = self.disk.entries[start - self.disk.snapshot_index :]
        conf_state = self.group.conf_state().encode()
        self.disk = Disk(conf_state, self.disk.hard_state, start, term, tuple(self.texts), keep)
        return start, term

    def log(self) -> list[str]:
        """The log on disk, as lines."""
        start = f"after {self.disk.snapshot_term}/{self.disk.snapshot_index}"
        return [f"{start}: {len(self.disk.entries)} entries", *(f"  {describe_entry(e)}" for e in self.disk.entries)]

    def _apply(self, committed: Committed) -> list[str]:
        lines = []
        for index, term, kind, data in committed:
            if kind == NORMAL:
                lines.append(f'  apply: {term}/{index} "{data.decode()}"')
                self.texts += [data.decode()] if data else []
            else:
                self.group.apply_conf_change(kind, data)
                lines.append(f"  apply: {term}/{index} membership {self.group.conf_state()!r}")
            self.group.applied_to(index)
        return lines


class Cluster:
    """Nodes and the messages between them, delivered in the order sent."""

    def __init__(self) -> None:
        """An empty cluster."""
        self.nodes: dict[int, Node] = {}
        self.down: set[int] = set()
        self.sides: list[frozenset[int]] = []
        self.network: list[tuple[int, int, bytes]] = []

    def connected(self, one: int, other: int) -> bool:
        """Whether no partition is between two nodes."""
        return not self.sides or any(one in side and other in side for side in self.sides)

    def collect(self, node: Node) -> None:
        """Put what a node sends on the network."""
        self.network += [(node.node_id, to, data) for to, data in node.outbox]
        node.outbox = []

    def process(self, node: Node) -> list[str]:
        """Handle everything a node has to do, persisting at once."""
        lines = node.answer_snapshot_requests()
        while node.group.has_ready():
            lines += node.take_ready()
            lines += node.persist()
        self.collect(node)
        return lines

    def deliver(self, only: set[int] | None = None) -> list[str]:
        """Deliver what is on the network to the nodes named (all by default); a partition or a dead node eats it."""
        lines, waiting, self.network = [], self.network, []
        for sender, to, data in waiting:
            if only is not None and to not in only:
                self.network.append((sender, to, data))
            elif to not in self.nodes or to in self.down or not self.connected(sender, to):
                lines.append(f"lost: {describe_message(data)}")
            else:
                lines.append(f"deliver: {describe_message(data)}")
                lines += [f"  refused: {error}" for error in self.nodes[to].group.step([data]) if error]
        return lines

    def stabilize(self, node_ids: Iterable[int]) -> list[str]:
        """Process and deliver among nodes until nothing moves."""
        lines: list[str] = []
        alive = [self.nodes[node_id] for node_id in node_ids if node_id not in self.down]
        only = {node.node_id for node in alive}
        while True:
            step = [line for node in alive for line in self.process(node)]
            step += self.deliver(only)
            if not step:
                return lines
            lines += step
