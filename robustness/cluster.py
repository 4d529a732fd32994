"""The cluster under test: real processes that can be ended, stopped and started again, with something added if need be.

It stands on the state file of `./themis cluster` (tools.cluster), which is kept right: what this program starts again,
`./themis cluster` finds. What a fault adds for one start (a wrapper, variables, settings) is not written there, and
holds until the node is started without it.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from robustness import processes
from robustness.ask import ask, ask_json
from robustness.network import Network
from robustness.undo import Action, Undo
from themis.placement import TokenTable
from tools.cluster import process
from tools.cluster.state import ClusterState, NodeState

_POLL_S: Final = 0.05
_LOG_TAIL: Final = 1500


class StartFailed(Exception):
    """A node ended before it was ready; the text has the end of its log."""


@dataclass(frozen=True)
class Extra:
    """What a start of a node has beyond its usual command."""

    wrapper: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)

    def and_also(self, other: Extra) -> Extra:
        """Return both together, this one's wrapper outside."""
        return Extra(
            (*self.wrapper, *other.wrapper),
            {**self.environment, **other.environment},
            {**self.settings, **other.settings},
        )


PLAIN: Final = Extra()


class Node:
    """One node of the cluster."""

    def __init__(self, state: NodeState, undo: Undo) -> None:
        self.state = state
        self.always = PLAIN
        """What every start has, e.g. the namespace."""
        self.starts = 0
        self._undo = undo
        self._log_from = 0
        self._life_ticket = 0
        self._pause_ticket = 0

    @property
    def id(self) -> str:
        """Its name."""
        return self.state.id

    @property
    def endpoint(self) -> str:
        """URL of its client port."""
        return self.state.endpoint

    @property
    def host(self) -> str:
        """The address that it listens on."""
        return self.state.client_host

    @property
    def peer_port(self) -> int:
        """The port that other nodes reach it at."""
        return int(self.state.peer.rpartition(":")[2])

    @property
    def pid(self) -> int:
        """Its process; 0 while it does not run."""
        return self.state.pid

    @property
    def data(self) -> Path:
        """Its data directory."""
        return Path(self.state.data)

    @property
    def log(self) -> Path:
        """The file that takes what it says."""
        return Path(self.state.log)

    @property
    def running(self) -> bool:
        """Whether its process lives, stopped or not."""
        return process.alive(self.state)

    def kill(self) -> None:
        """End it as a crash would, and wait until it is gone."""
        self.signal_end(signal.SIGKILL)
        if not process.wait_gone(self.state):
            raise TimeoutError(f"{self.id} does not die")
        self._forget()

    def signal_end(self, number: signal.Signals) -> None:
        """Send a signal that ends it, and do not wait."""
        if self.running:
            process.send(self.state, number)

    def stop(self, timeout_s: float = process.STOP_TIMEOUT_S) -> bool:
        """Ask it to stop and wait until it has; kill it and return False if it does not in time."""
        self.signal_end(signal.SIGTERM)  # A second one changes nothing.
        if process.wait_gone(self.state, timeout_s):
            self._forget()
            return True
        self.kill()
        return False

    def pause(self) -> None:
        """Stop its threads, and wait until they stand; it goes on by `resume`, or when this program ends."""
        self._pause_ticket = self._undo.push(Action.resume(self.pid))
        processes.pause(self.pid)

    def resume(self) -> None:
        """Let it go on."""
        processes.resume(self.pid)
        self._undo.drop(self._pause_ticket)

    def spawn(self, extra: Extra = PLAIN) -> None:
        """Start it, and do not wait for it."""
        added = self.always.and_also(extra)
        usual = (self.state.wrapper, self.state.environment, self.state.settings)
        self._log_from = self.log_size
        try:
            self.state.wrapper = [*added.wrapper, *usual[0]]
            self.state.environment = {**usual[1], **added.environment}
            self.state.settings = {**usual[2], **added.settings}
            process.spawn(self.state)
        finally:
            self.state.wrapper, self.state.environment, self.state.settings = usual
        self.starts += 1
        self._life_ticket = self._undo.push(Action.kill(self.pid))

    def start(self, extra: Extra = PLAIN, timeout_s: float = process.READY_TIMEOUT_S) -> None:
        """Start it and wait until it takes requests; raises `StartFailed`."""
        self.spawn(extra)
        self.wait_ready(timeout_s)

    def wait_ready(self, timeout_s: float = process.READY_TIMEOUT_S) -> None:
        """Wait until it says that it is ready; raises `StartFailed` when it ends or the time is over."""
        deadline_s = time.monotonic() + timeout_s
        while not self.ready():
            if not self.running:
                self._forget()
                raise StartFailed(f"{self.id} ended: {self.said()[-_LOG_TAIL:]}")
            if time.monotonic() > deadline_s:
                raise StartFailed(f"{self.id} is not ready after {timeout_s:g} s: {self.said()[-_LOG_TAIL:]}")
            time.sleep(_POLL_S)

    def ready(self) -> bool:
        """Whether it answers that it is ready."""
        return ask(self.endpoint, "/health/ready")[0] == 200

    @property
    def log_size(self) -> int:
        """How much it has logged so far, in bytes."""
        return self.log.stat().st_size if self.log.exists() else 0

    def said(self, since: int | None = None) -> str:
        """Return what it has logged, from a place in its log on, or since its last start."""
        if not self.log.exists():
            return ""
        with self.log.open("rb") as stream:
            stream.seek(self._log_from if since is None else since)
            return stream.read().decode(errors="replace")

    def let_go(self) -> None:
        """Let it outlive this program."""
        self._undo.drop(self._life_ticket)

    def _forget(self) -> None:
        self._undo.drop(self._life_ticket)


class Cluster:
    """All nodes of a state file.

    Attributes:
        nodes: By node id, in the order of the file.
        disposable: Whether the data may be lost when this program crashes: only what it has set up for itself.
        network: The namespaces that the nodes stand in, if they do.
    """

    def __init__(self, state: ClusterState, undo: Undo, *, disposable: bool = False) -> None:
        """Adopt a cluster. A disposable one is ended with this program."""
        self._state = state
        self.disposable = disposable
        self.network: Network | None = None
        self.nodes = {node.id: Node(node, undo) for node in state.nodes}
        if disposable:
            for node in self.nodes.values():
                if node.running:
                    undo.push(Action.kill(node.pid))

    @property
    def directory(self) -> Path:
        """Where the state file and the data are."""
        return Path(self._state.dir)

    @property
    def endpoints(self) -> list[str]:
        """The URLs of all nodes."""
        return [node.endpoint for node in self.nodes.values()]

    def save(self) -> None:
        """Write the process ids into the state file, so that other programs find the nodes."""
        self._state.save()

    # What it says of itself

    def topology(self) -> dict[str, Any] | None:
        """Return the topology as the first node tells it that answers; None if none does."""
        for node in self.nodes.values():
            if node.running:
                found: dict[str, Any] | None = ask_json(node.endpoint, "/topology")
                if found is not None:
                    return found
        return None

    def table(self) -> TokenTable:
        """Return the token table; raises `TimeoutError` if no node tells it."""
        found: list[dict[str, Any]] = []

        def told() -> bool:
            topology = self.topology()
            if topology is not None:
                found.append(topology)
            return topology is not None

        processes.wait_for(told, "a node to tell the topology", 20)
        return TokenTable.from_wire(found[0]["tokens"])

    def leaders(self, asked: Sequence[str] = ()) -> dict[str, str | None]:
        """Return the leader of each shard, by shard id, as one of the nodes `asked` (default: any) sees it."""
        for node_id in asked or list(self.nodes):
            node = self.nodes[node_id]
            if node.running:
                topology = ask_json(node.endpoint, "/topology")
                if topology is not None:
                    return {shard["shard_id"]: shard.get("leader") for shard in topology["shards"]}
        return {}

    def led_by(self, leaders: Mapping[str, str | None]) -> dict[str, list[str]]:
        """Return the shards that each node leads."""
        led: dict[str, list[str]] = {node_id: [] for node_id in self.nodes}
        for shard, leader in leaders.items():
            if leader in led:
                led[leader].append(shard)
        return led

    def busiest(self) -> Node:
        """Return the node that leads most shards."""
        led = self.led_by(self.leaders())
        return self.nodes[max(led, key=lambda node_id: len(led[node_id]))]

    def wait_settled(self, timeout_s: float = 60.0) -> None:
        """Wait until every node is ready and every shard has a leader that lives; raises `TimeoutError`."""

        def settled() -> bool:
            if not all(node.running and node.ready() for node in self.nodes.values()):
                return False
            leaders = self.leaders()
            return bool(leaders) and all(leader in self.nodes for leader in leaders.values())

        processes.wait_for(settled, "all nodes to be ready and all shards to be led", timeout_s)

    # All at once

    def start_all(self, timeout_s: float = 60.0) -> None:
        """Start whatever does not run, all at once, and wait until all are ready."""
        for node in self.nodes.values():
            if not node.running:
                node.spawn()
        for node in self.nodes.values():
            node.wait_ready(timeout_s)
        self.save()

    def stop_all(self) -> None:
        """Stop all nodes cleanly: all are asked at once, as none can hand over to another."""
        running = [node for node in self.nodes.values() if node.running]
        for node in running:
            node.signal_end(signal.SIGTERM)
        for node in running:
            node.stop()

    def move_into(self, network: Network) -> None:
        """Stop all nodes and start them again, each in its namespace, with the addresses that they have.

        This thread moves to the clients' namespace, from where it reaches them.
        """
        self.stop_all()
        network.enter()
        self.network = network
        for node in self.nodes.values():
            node.always = Extra(wrapper=tuple(network.command(node.id, ())))
        self.start_all()

    def move_out(self) -> None:
        """Undo `move_into`."""
        if self.network is None:
            return
        self.stop_all()
        self.network.close()
        self.network = None
        for node in self.nodes.values():
            node.always = PLAIN
        self.start_all()

    def let_go(self) -> None:
        """Let the nodes outlive this program, on the network that all are on."""
        self.move_out()
        for node in self.nodes.values():
            node.let_go()
        self.save()
