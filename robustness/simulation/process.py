"""One life of a simulated node: what a server process is made of, without sockets and threads.

It is put together as `themis_server.node` puts it together. The Raft thread is `_turn`: computed at once, though time
passes in it where a disk works; what the driver sends after a sync leaves that much later, and what it completes is
known that much later. The main loop is a `SimulatedLoop`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from robustness.simulation.agent import Agent
from robustness.simulation.disk import PowerLoss
from robustness.simulation.loop import SimulatedLoop
from robustness.simulation.plan import TICK_MS
from robustness.simulation.rpc import Answer, Call, SimulatedCalls
from robustness.simulation.serving import Serving
from robustness.simulation.transfers import make_transfers
from themis_server.peer.hello import VERSION_MAX
from themis_server.peer.identity import Identity
from themis_server.replication.driver import Driver
from themis_server.replication.envelope import BEAT
from themis_server.replication.group import Group, RaftTiming
from themis_server.replication.log import Log
from themis_server.replication.outcome import Busy, Completion, Proposal
from themis_server.replication.snapshot.recover import recover
from themis_server.replication.work import DriverLimits, Work
from themis_server.shard.pending import Pending
from themis_server.shard.reading import Level
from themis_server.shard.replica import Replica
from themis_server.statemachine.command import Result
from themis_server.statemachine.data import DataMachine
from themis_server.statemachine.machine import Machine, MachineState
from themis_server.statemachine.meta import GROUP as METADATA_GROUP
from themis_server.statemachine.meta import Change, MetadataMachine
from themis_server.storage.engine import Overlay

if TYPE_CHECKING:
    from robustness.simulation.node import SimulatedNode
    from robustness.simulation.world import World

_BETWEEN_TURNS_US = 30
"""What the main loop gets of the interpreter between two turns that follow each other."""
_TURN_US = 20
"""What a turn costs beside its syncs."""
_MAINTENANCE_TICKS = 10
_MARK_BYTES = 256
"""In what steps logs are forgotten: a run writes less than what is one step on a real node."""
_PROPOSALS_MAX = 10_000
_PROPOSAL_BYTES_MAX = 64 << 20
_WRITE_TIMEOUT_S = 3.0
_READ_TIMEOUT_S = 2.0
_NOTICED_S = 0.3
"""How long it takes at most until the node lets go of a replica that is none any more."""
_LEVELS = {"strong": Level.STRONG, "bounded": Level.BOUNDED, "eventual": Level.EVENTUAL}


class Watched:
    """A machine whose every step is shown to the checks."""

    def __init__(self, machine: Machine, show: Callable[[int, int, bytes, list[Result]], None]) -> None:
        self.machine = machine
        self._show = show

    @property
    def state(self) -> MachineState:
        """The machine's state."""
        return self.machine.state

    @state.setter
    def state(self, state: MachineState) -> None:
        self.machine.state = state

    def apply(self, index: int, term: int, payload: bytes, overlay: Overlay) -> list[Result]:
        """Apply an entry, and show what came of it."""
        results = self.machine.apply(index, term, payload, overlay)
        self._show(index, term, payload, results)
        return results


class Process:
    """A running server."""

    def __init__(self, world: World, node: SimulatedNode) -> None:
        """Make a process that has done nothing yet; `node.genesis` are the voters of groups that begin here."""
        self.world = world
        self.node = node
        self.id = node.id
        self.dead = False
        self._random = node.random
        self._work = Work()
        self._turn_at: int | None = None
        self._busy_until = 0
        self._has_begun = False
        self._ticks = node.random.randrange(_MAINTENANCE_TICKS)
        self.loop: SimulatedLoop = SimulatedLoop(world, node.clock, self._stepped)  # type: ignore[abstract]
        self.calls: SimulatedCalls = SimulatedCalls(self.loop, self._identity, self._send_call, node.lives)
        self.replicas: dict[int, Replica] = {}
        self._log = Log(node.log)
        self.pending = self.loop.inside(self._make_pending)
        self.transfers = self.loop.inside(lambda: make_transfers(self))
        self.calls.handlers.update(self.transfers.handlers())
        self.driver: Driver
        self.agent: Agent
        self.serving = Serving(self)

    def start(self) -> None:
        """Start from what the disks hold. Raises `PowerLoss`, or what the server raises when it cannot."""
        world, node = self.world, self.node
        recovery = recover(node.log, node.state)
        if recovery.installed or recovery.removed or recovery.discarded:
            world.note(self.id, "recover", recovery)
        for group_id in recovery.installed:
            world.checks.installed(self.id, group_id)
        known = self._log.groups()
        begins = [group for group in node.genesis_groups if group not in known and not node.has_begun]
        groups = [self._group(group, node.genesis if group in begins else []) for group in sorted({*known, *begins})]
        self.driver = Driver(
            self._log,
            node.state,
            groups,
            node.clock,
            Unobserved(),
            DriverLimits(
                compact_entries=world.plan.compact_entries,
                retain_bytes=world.plan.retain_bytes,
                lease_reads=world.plan.lease_reads,
            ),
            self,
            snapshots=self.transfers,
            machine=self._machine,
            on_removed=self._removed,
            incarnation=self._random.getrandbits(48),
        )
        for group in groups:
            self._serve_group(group.id)
        self.agent = Agent(self)
        world.checks.started(node, self.driver)
        self._run(self.driver.start)
        if self.dead:
            return
        node.has_begun = self._has_begun = True
        self.loop.inside(self.agent.start)
        self.loop.inside(self.transfers.start)
        world.after(self._random.randrange(TICK_MS * 1000), self._tick)

    def _make_pending(self) -> Pending:
        pending = Pending(
            self.loop,
            proposals_max=_PROPOSALS_MAX,
            proposal_bytes_max=_PROPOSAL_BYTES_MAX,
            timeout_s=_WRITE_TIMEOUT_S,
            proven_every_s=self.world.plan.proven_every_s,
        )
        pending.connect(self)
        return pending

    # -- groups -------------------------------------------------------------------------------------------------
    def _machine(self, group: int) -> Machine:
        state = self.node.state
        machine: Machine = MetadataMachine(state) if group == METADATA_GROUP else DataMachine(group, state)
        self.world.checks.machine_loaded(self.id, group, machine.state.applied_index)
        if group == METADATA_GROUP and self._has_begun:
            self.loop.call_soon(self.agent.replaced)

        def show(index: int, term: int, payload: bytes, results: list[Result]) -> None:
            self.world.note(self.id, "apply", f"g{group} entry {index} term {term}", results)
            self.world.checks.entry_applied(self.id, group, index, term, payload, results)

        return Watched(machine, show)

    def _group(self, group: int, voters: list[int]) -> Group:
        recovered, tombstone = self._log.recover(group), self._log.tombstone(group)
        timing = RaftTiming(tick_s=TICK_MS / 1000)
        return Group(
            group,
            self.id,
            voters,
            self._machine(group),
            recovered,
            timing,
            hard_state=tombstone,
            mark_bytes=_MARK_BYTES,
        )

    def _serve_group(self, group: int) -> None:
        self.replicas[group] = Replica(
            f"shard_{group:03}",
            group,
            self.node.state,
            self.pending,
            self.driver.views[group],
            self.node.clock,
            self.id,
        )

    def add_group(self, group: int) -> None:
        """Begin to replicate a group: it waits for a snapshot."""
        self.world.note(self.id, "add group", f"g{group}")
        made = self._group(group, [])
        self.world.checks.remembers(self.id, made)
        self.driver.add_group(made)
        self._serve_group(group)
        self.wake()

    def remove_group(self, group: int) -> None:
        """Let go of a group and its data, unless the driver knows better."""
        try:
            self.driver.remove_group(group)
        except Busy as busy:
            self.world.note(self.id, "keeps group", f"g{group}", busy)
            return
        self.world.note(self.id, "remove group", f"g{group}")
        self.replicas.pop(group, None)
        self.world.checks.group_removed(self.id, group)
        self.wake()

    def _removed(self, group: int) -> None:
        self.world.note(self.id, "removed", f"from g{group}")
        self.loop.call_later(self._random.random() * _NOTICED_S, self.agent.look)

    # -- the end ------------------------------------------------------------------------------------------------
    def end(self) -> None:
        """Die. Who waits for an answer sees the connection break."""
        self.dead = True
        self.loop.die()
        self.serving.end()

    def power_lost(self) -> None:
        """The power failed under this process: the node is down, and will be started again."""
        if not self.dead:
            self.node.lose_power()
            self.world.faults.restart_later(self.node)

    def _stepped(self) -> None:
        if self.node.power.lost:
            self.power_lost()
        elif self.loop.errors:
            raise self.loop.errors[0]

    # -- the driver's thread ------------------------------------------------------------------------------------
    def propose(self, group: int, command: bytes, handle: object) -> None:
        """Queue a proposal for the next turn."""
        self._work.proposals.setdefault(group, []).append(Proposal(command, handle))
        self.wake()

    def barrier(self, group: int, handle: object) -> None:
        """Queue a read barrier for the next turn."""
        self._work.barriers.append((group, handle))
        self.wake()

    def refresh(self) -> None:
        """Have every replica proven anew in the next turn."""
        self._work.refresh = True
        self.wake()

    @property
    def work(self) -> Work:
        """What the next turn will take; call `wake` after adding to it."""
        return self._work

    def wake(self, pause_us: int = 0) -> None:
        """See to it that the driver is turned soon, at the earliest `pause_us` after the turn that runs now."""
        if self._turn_at is None and not self.dead and not self.node.paused:
            self._turn_at = max(self.world.now_us, self._busy_until + pause_us)
            self.world.at(self._turn_at, self._turn)

    def _tick(self) -> None:
        if self.dead:
            return
        if not self.node.paused:
            self._work.ticks = 1  # as the thread does: what nobody could use is not made up for
            self._ticks += 1
            self.wake()
            if self._ticks % _MAINTENANCE_TICKS == 0:
                self.maintain(idle=False)
        self.world.after(self.node.clock.interval_us(TICK_MS / 1000), self._tick)

    def _is_busy(self, again: Callable[..., None], *arguments: Any) -> bool:
        """Whether the driver's thread is in the middle of a step; if so, have something called when it has ended."""
        busy = self.world.now_us < self._busy_until
        if busy:
            self.world.at(self._busy_until, again, *arguments)
        return busy

    def _turn(self) -> None:
        if self._is_busy(self._turn):
            return
        self._turn_at = None
        if self.dead or self.node.paused:
            return
        work, self._work = self._work, Work()
        self._run(lambda: self.driver.turn(work))
        if self.driver.has_more:
            self.wake(_BETWEEN_TURNS_US)

    def _run(self, step: Callable[[], list[Completion] | None]) -> None:
        """Do a step of the driver: time passes in it, the power may fail, and then the checks look."""
        clock = self.node.clock
        clock.now_us, clock.inside_us = self.world.now_us, _TURN_US
        try:
            completions = step()
        except PowerLoss:
            self.world.checks.broken_off(self.node, self.driver)
            self.power_lost()
            return
        self.world.checks.turned(self.node, self.driver)
        if self.world.ambush.laid:
            self.world.ambush.turned(self.node, self.driver)
        if completions:
            self.world.after(clock.inside_us, self._deliver, completions)
        changes = self._metadata_changes()
        if changes:
            self.world.after(clock.inside_us, self._publish, changes)
        self._busy_until = self.loop.not_before_us = self.world.now_us + clock.inside_us
        clock.inside_us = 0

    def _deliver(self, completions: list[Completion]) -> None:
        if not self.dead:
            self.loop.call_soon(self.pending.settle, completions)

    def _metadata_changes(self) -> list[Change]:
        group = self.driver.groups.get(METADATA_GROUP)
        if group is None:
            return []
        watched = group.machine
        assert isinstance(watched, Watched)
        assert isinstance(watched.machine, MetadataMachine)
        return watched.machine.collect_changes()

    def _publish(self, changes: list[Change]) -> None:
        if not self.dead:
            self.loop.call_soon(self.agent.publish, changes)

    def maintain(self, *, idle: bool) -> None:
        """Compact logs: the state is synced in another thread, then the driver forgets; a crash may come between."""
        due = self.driver.compaction_due(idle=idle)
        if due:
            try:
                self.node.state.sync()
            except PowerLoss:
                self.power_lost()
                return
            self.world.after(self._random.randrange(1, 20_000), self._compact, due)

    def _compact(self, due: dict[int, int]) -> None:
        if not self.dead and not self.node.paused and not self._is_busy(self._compact, due):
            self.world.note(self.id, "compact", due)
            self._run(lambda: self.driver.compact(due))

    def on_driver(self, call: Callable[[Driver], Any]) -> None:
        """Call something on the driver between two turns (`DriverThread.call`)."""

        def run() -> None:
            if not self._is_busy(run) and not self.dead:
                self._run(lambda: self._nothing(call(self.driver)))
                self.wake()

        self.world.after(0, run)

    @staticmethod
    def _nothing(result: object) -> None:
        """Have no completions."""

    # -- the wires ----------------------------------------------------------------------------------------------
    def send(self, to: int, envelope: bytes) -> None:
        """Send an envelope of the driver to another node."""
        self.node.power.use("send")
        if not self.agent.knows(to):
            return
        self.world.network.send(self.id, to, envelope, self.node.clock.inside_us)

    def _send_call(self, to: int, message: object) -> bool:
        if to not in self.world.nodes or not self.agent.knows(to):
            return False
        self.world.network.send(self.id, to, message)
        return True

    def receive(self, frm: int, payload: object) -> None:
        """A message of another node arrives."""
        sender = self.world.nodes[frm].process
        if not self.agent.admits(frm, 0 if sender is None else sender.agent.epoch):
            return
        if isinstance(payload, bytes):
            if payload != BEAT:
                self.world.note(self.id, "receive", f"from n{frm}", payload)
            self._work.add_envelope(frm, payload)
            self.wake()
        elif isinstance(payload, Call | Answer):
            self.loop.call_soon(self.calls.arrived, payload)

    def stream(self, peer: int, *, up: bool) -> None:
        """A stream to or from a peer stands, or broke."""
        if up:
            self._work.connected.append((peer, VERSION_MAX))
        else:
            self._work.disconnected.append(peer)
        self.wake()

    def _identity(self) -> Identity:
        return Identity("simulated", f"n{self.id}", self.id, self.node.instance, self.agent.epoch, "0")


class Unobserved:
    """An observer of the driver that looks away."""

    def logged(self, entries: int, size_bytes: int, sync_s: float) -> None:
        """Ignore a log write."""

    def applied(self, entries: int, duration_s: float) -> None:
        """Ignore applied entries."""

    def stalled(self, full: bool) -> None:
        """Ignore a full disk."""
