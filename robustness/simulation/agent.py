"""What a node does for the topology: follows it, takes in and lets go of replicas, and says how its groups are.

The rules are the server's: the store on group 0, the keeper and its fence, the duties. Here is only what
`themis_server.node` does to connect them: a change goes to the leader of group 0, wherever that is.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from themis_server.errors import ErrorCode, ThemisServerError
from themis_server.metadata import duties
from themis_server.metadata import topology as topologies
from themis_server.metadata.embedded import EmbeddedStore
from themis_server.metadata.fencing import Fence
from themis_server.metadata.keeper import TopologyKeeper
from themis_server.metadata.store import Put
from themis_server.metadata.telling import METHOD as TELL
from themis_server.metadata.telling import Telling
from themis_server.metadata.topology import KEY, NODES, Node, NodeReport, Topology, TopologyView
from themis_server.peer.errors import PeerFailed, PeerLost, PeerRefused, PeerUnreachable
from themis_server.peer.identity import Identity, PeerAddress
from themis_server.replication.membership import Members
from themis_server.shard.refusal import Reason, Refused
from themis_server.statemachine import meta
from themis_server.statemachine.command import Result, Transacted
from themis_server.statemachine.meta import GROUP as METADATA_GROUP
from themis_server.statemachine.meta import Change
from themis_server.storage import keys
from themis_server.storage.engine import Engine, Overlay

if TYPE_CHECKING:
    from robustness.simulation.process import Process

_CHANGE = "meta.change"
_CALL_TIMEOUT_S = 1.0
_TRIES = 6
_TRY_AGAIN_S = 0.1
_REPORT_S = 0.5


class _OnDisk:
    """What a node has seen of the metadata, kept in its state (`metadata.lastknown.LastKnown`)."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def load(self, name: str) -> bytes | None:
        """Return what was saved under a name."""
        return self._engine.get(keys.TOPOLOGY_KEY + name.encode())

    def save(self, name: str, data: bytes) -> None:
        """Keep a value over restarts."""
        write = Overlay(self._engine)
        write.put(keys.TOPOLOGY_KEY + name.encode(), data)
        self._engine.write(write)
        self._engine.sync()


class Agent:
    """The part of a process that has to do with the cluster. Belongs to its main loop."""

    def __init__(self, process: Process) -> None:
        self._process = process
        node = process.node
        self._fence = Fence(_OnDisk(node.state))
        if self._fence.seen is None:
            self._fence.admit(topologies.encode(node.first_topology))
        first = self._fence.seen
        assert first is not None
        self.view = process.loop.inside(lambda: TopologyView(first))
        self._store = process.loop.inside(
            lambda: EmbeddedStore(node.state, self._change, self._linearize, catch_up_s=2.0)
        )
        self.keeper = TopologyKeeper(self._store, self.view, self._fence, self.me)
        self._told: Topology | None = None
        self._known_of: Topology | None = None
        self._known: frozenset[int] = frozenset()
        self._acted_on: Topology | None = None
        self._reported: NodeReport | None = None
        self._telling = Telling(self.view, self._leads_metadata, self._unheard, self._tell, self._dial)
        process.calls.handlers[_CHANGE] = self._serve_change
        process.calls.handlers[TELL] = self._telling.handle
        process.calls.identify = self._identity

    @property
    def epoch(self) -> int:
        """The epoch of the topology that this node knows."""
        return self.view.epoch

    def me(self) -> Node:
        """Return this node's entry as it should be."""
        return self._process.node.entry

    def start(self) -> None:
        """Begin to follow the topology. On the loop."""
        self._process.loop.create_task(self.keeper.follow())
        self._process.loop.create_task(self._report())
        self._process.loop.create_task(self._found())
        self._process.loop.create_task(self._telling.run())
        self.look()

    def publish(self, changes: list[Change]) -> None:
        """Take what group 0 applied."""
        self._store.publish(changes)

    def replaced(self) -> None:
        """Take note that a snapshot took the place of the metadata."""
        self._store.replaced()

    def knows(self, raft_id: int) -> bool:
        """Whether a node is one of the cluster, as far as this one knows: else it has no address to send to."""
        topology = self.view.current
        if self._told is not None and self._told.epoch > topology.epoch:
            topology = self._told
        if topology is not self._known_of:
            self._known_of, self._known = topology, frozenset(node.raft_id for node in topology.nodes)
        return raft_id in self._known

    def admits(self, raft_id: int, epoch: int) -> bool:
        """Whether to take what a node sends that knows the topology of `epoch`: a newer one may have it."""
        return self.knows(raft_id) or epoch > self.epoch

    def _identity(self, raft_id: int) -> Identity | None:
        """Return who a node says that it is; whether it is spoken to was asked when its message came (`admits`)."""
        return Identity("simulated", f"n{raft_id}", raft_id, f"{raft_id:032x}", 0, "0")

    # -- replicas -----------------------------------------------------------------------------------------------
    def look(self) -> None:
        """Compare what this node has with what it shall have, and do what is to be done."""
        process, topology = self._process, self.view.current
        driver = process.driver
        if topology is not self._acted_on:
            self._acted_on = topology
            process.world.note(process.id, "topology", f"epoch {topology.epoch}")
            driver.set_peers(frozenset(node.raft_id for node in topology.nodes) - {process.id})
        for group in list(driver.groups):
            if driver.views[group].released:
                process.remove_group(group)  # also if it shall come back: then with a replica of its own
        mine = duties.memberships_of(topology, self.me().node_id)
        for group in mine:
            if group not in driver.groups and not driver.is_removing(group):
                process.add_group(group)
        for group, wanted in duties.memberships(topology).items():
            if group in driver.groups:
                driver.set_members(group, Members(wanted.voters, wanted.learners), wanted.epoch)
        for group in duties.retired(topology, self.reports(), self.me().node_id, list(driver.groups)):
            process.remove_group(group)
        process.wake()

    def reports(self) -> dict[str, NodeReport]:
        """Return what the nodes last said of themselves, as far as this one knows."""
        found = meta.read_prefix(self._process.node.state, NODES)
        return {key[len(NODES) :]: topologies.decode_report(stored.value) for key, stored in found.items()}

    async def _found(self) -> None:
        """Put the first topology into the store: whoever leads the metadata of a new cluster does."""
        first = topologies.encode(self._process.node.first_topology)
        while self._process.node.genesis and meta.read(self._process.node.state, KEY) is None:
            view = self._process.driver.views.get(METADATA_GROUP)
            if view is not None and view.is_leader:
                with suppress(ThemisServerError):
                    await self._store.transaction({KEY: 0}, [Put(KEY, first)])
            await asyncio.sleep(_TRY_AGAIN_S)

    async def _report(self) -> None:
        """Look again, and say how the groups are that this node leads, now and then."""
        while True:
            self.look()
            views = self._process.driver.views
            led = tuple(sorted(group for group, view in views.items() if view.is_leader))
            report = NodeReport(
                self.me().node_id,
                self.me().instance,
                led=led,
                unsettled=tuple(group for group in led if not views[group].settled),
                epoch=self._acted_on.epoch if self._acted_on else 0,
            )
            if report != self._reported:
                try:
                    await self._store.put(NODES + report.node_id, topologies.encode_report(report))
                    self._reported = report
                except ThemisServerError:
                    self._reported = None
            await asyncio.sleep(_REPORT_S)

    # -- nodes that are away ------------------------------------------------------------------------------------
    def _leads_metadata(self) -> bool:
        view = self._process.driver.views.get(METADATA_GROUP)
        return view is not None and view.is_leader

    def _unheard(self, topology: Topology) -> list[str]:
        """Return who does not answer this node, the leader of the metadata: reports here have no lease that ends."""
        progress = self._process.driver.groups[METADATA_GROUP].raft.status().progress
        return [
            node.node_id
            for node in topology.nodes
            if node.raft_id in progress and not progress[node.raft_id].recent_active
        ]

    async def _tell(self, node: Node, method: str, payload: bytes) -> bytes:
        address = PeerAddress(node.node_id, node.raft_id, "simulated", 1)
        try:
            return await self._process.calls.call(address, method, payload, timeout_s=_CALL_TIMEOUT_S)
        except (PeerFailed, PeerRefused) as error:
            raise ThemisServerError(ErrorCode.NODE_UNREACHABLE, str(error)) from None

    def _dial(self, topology: Topology) -> None:
        self._process.world.note(self._process.id, "told", f"epoch {topology.epoch}")
        self._told = topology

    # -- group 0 ------------------------------------------------------------------------------------------------
    async def _linearize(self) -> None:
        replica = self._process.replicas.get(METADATA_GROUP)
        if replica is None:
            raise ThemisServerError(ErrorCode.NO_LEADER, "no replica of the metadata here")
        try:
            await replica.prove(_CALL_TIMEOUT_S)
        except TimeoutError:
            raise ThemisServerError(ErrorCode.NO_LEADER, "no proof in time") from None

    async def _change(self, command: bytes) -> Result:
        """Put a command through group 0, by way of its leader."""
        refused: ThemisServerError = ThemisServerError(ErrorCode.NO_LEADER, "nobody leads the metadata")
        for _ in range(_TRIES):
            view = self._process.driver.views.get(METADATA_GROUP)
            leader = view.leader if view is not None else self._process.driver.known_leaders().get(0, (0, 0))[1]
            try:
                if leader == self._process.id:
                    return await self._process.replicas[METADATA_GROUP].change(command)
                if leader:
                    return await self._ask(leader, command)
            except Refused as error:
                refused = error
            await asyncio.sleep(_TRY_AGAIN_S)
        raise ThemisServerError(ErrorCode.NO_LEADER, str(refused))

    async def _ask(self, leader: int, command: bytes) -> Result:
        address = PeerAddress(f"n{leader}", leader, "simulated", 1)
        try:
            answer = await self._process.calls.call(address, _CHANGE, command, timeout_s=_CALL_TIMEOUT_S)
        except PeerUnreachable as error:
            raise Refused(Reason.UNREACHABLE, str(error)) from None
        except PeerLost:
            raise ThemisServerError(ErrorCode.OUTCOME_UNKNOWN, "the leader did not answer") from None
        except PeerRefused as error:
            if error.code == ErrorCode.OUTCOME_UNKNOWN:
                raise ThemisServerError(ErrorCode.OUTCOME_UNKNOWN, error.detail) from None
            raise Refused(Reason.NOT_LEADER, error.detail) from None
        succeeded, revision, lease = (int(part) for part in answer.split())
        return Transacted(bool(succeeded), revision, lease)

    async def _serve_change(self, peer: Identity, command: bytes) -> bytes:
        replica = self._process.replicas.get(METADATA_GROUP)
        if replica is None:
            raise ThemisServerError(ErrorCode.NO_LEADER, "no replica of the metadata here")
        done = await replica.change(command)
        return b"%d %d %d" % done
