"""Clusters under measurement: formed as `./themis cluster up` forms them, asked by clients that know who leads."""

from __future__ import annotations

import contextlib
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import process, rounds, servers
from benchmarks.load import requests, wrk
from themis.placement import TokenTable
from tools.cluster import forming
from tools.cluster import process as nodes
from tools.cluster.state import ClusterError, ClusterState, NodeState

_POLL_S = 0.05
_BALANCED_S = 2.0
_BALANCED_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class Leaders:
    """Who leads what, as a client reads it from the topology."""

    table: TokenTable
    of_shard: Mapping[str, str]
    """Node ids; a shard that has no leader just now is not in it."""

    def shard_of(self, uuid: str) -> str:
        """Return the shard that holds a key."""
        return self.table.shard_for_uuid(uuid)

    def led_by(self, node_id: str) -> list[str]:
        """Return the shards that a node leads."""
        return sorted(shard for shard, leader in self.of_shard.items() if leader == node_id)

    def by_node(self, keys: Sequence[str]) -> dict[str, list[int]]:
        """Group keys by the node that leads them: for each node their places in `keys`."""
        groups: dict[str, list[int]] = {}
        for index, key in enumerate(keys):
            leader = self.of_shard.get(self.shard_of(key))
            if leader is not None:
                groups.setdefault(leader, []).append(index)
        return groups

    def key_of_each_shard(self, keys: Sequence[str]) -> dict[str, str]:
        """Pick one key of every shard; raises `ServerError` if there are too few keys for that."""
        picked: dict[str, str] = {}
        for key in keys:
            picked.setdefault(self.shard_of(key), key)
        if missing := set(self.table.shard_ids()) - set(picked):
            raise servers.ServerError(f"no key falls into {', '.join(sorted(missing))}")
        return picked


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster that runs."""

    state: ClusterState
    formed_s: float
    """How long it took from the first process to the last replica."""

    @property
    def nodes(self) -> list[NodeState]:
        """Its nodes."""
        return self.state.nodes

    @property
    def pids(self) -> list[int]:
        """The processes of its nodes that run."""
        return [node.pid for node in self.nodes if nodes.alive(node)]

    @property
    def port(self) -> int:
        """The client port of the first node, for a client that asks any."""
        return self.nodes[0].client_port

    def leaders(self) -> Leaders:
        """Read who leads, from the first node that answers; raises `ServerError` if none does."""
        for node in self.nodes:
            if nodes.alive(node) and (topology := nodes.ask_json(node, "/topology")) is not None:
                led = {shard["shard_id"]: shard["leader"] for shard in topology["shards"] if shard["leader"]}
                return Leaders(TokenTable.from_wire(topology["tokens"]), led)
        raise servers.ServerError("no node tells the topology")

    def wait_balanced(self) -> None:
        """Wait until leaders are spread evenly and have stayed where they are for a while; then go on anyway."""
        deadline_s = time.monotonic() + _BALANCED_TIMEOUT_S
        before: Mapping[str, str] = {}
        since_s = time.monotonic()
        while time.monotonic() < deadline_s:
            led = self.leaders().of_shard
            now_s = time.monotonic()
            counts = [sum(leader == node.id for leader in led.values()) for node in self.nodes]
            if led != before or max(counts) - min(counts) > 1:
                before, since_s = led, now_s
            elif now_s - since_s >= _BALANCED_S:
                return
            time.sleep(_POLL_S)

    def spread(self, folder: Path, name: str, keys: Sequence[str], made: Mapping[int, bytes] | None = None) -> Spread:
        """Write requests for keys into a file for each node: those of the keys it leads.

        Args:
            folder: Where the files go.
            name: What they are called.
            keys: The keys.
            made: The request of the key at each place; a GET of the entity where it is None.
        """
        addresses = {node.id: node for node in self.nodes}
        targets = []
        for node_id, indexes in sorted(self.leaders().by_node(keys).items()):
            asked = (requests.get(requests.entity_path(keys[i])) if made is None else made[i] for i in indexes)
            file = requests.write_file(folder / f"{name}-{node_id}.requests", asked)
            node = addresses[node_id]
            targets.append(wrk.Target(node.client_host, node.client_port, file))
        return Spread(targets)

    def contender(self, spread: Spread, connections: int) -> rounds.Contender:
        """Make the contender that asks every node for what it leads, over so many connections in all."""
        return lambda duration_s, number: rounds.take(
            self.pids, lambda: wrk.run_spread(spread.targets, connections, duration_s, number), number
        )

    def cpu_s(self) -> float:
        """Sum the CPU seconds of all nodes."""
        return process.cpu_s_of(self.pids)


@dataclass(frozen=True, slots=True)
class Spread:
    """Requests for each node of a cluster."""

    targets: list[wrk.Target] = field(default_factory=list)


@contextlib.contextmanager
def running(
    directory: Path, count: int = 3, *, shards: int = 8, replicas: int = 3, **settings: str
) -> Iterator[Cluster]:
    """Form a cluster, wait until its leaders are spread, and end it at once afterwards.

    Args:
        directory: Of its data; new.
        count: Nodes.
        shards: Shards.
        replicas: Of each shard, as far as there are nodes.
        settings: What differs from the defaults on all nodes, `section__key="value"`.

    Raises:
        ServerError: It does not come about.
    """
    plan = forming.Plan(
        directory=directory,
        nodes=count,
        base_port=forming.free_base_port(count),
        shards=shards,
        replicas=replicas,
        settings={name.replace("__", "."): value for name, value in settings.items()},
    )
    begun_s = time.monotonic()
    try:
        state = forming.form(plan, lambda _said: None)
    except ClusterError as error:
        raise servers.ServerError(str(error)) from error
    cluster = Cluster(state, time.monotonic() - begun_s)
    try:
        cluster.wait_balanced()
        yield cluster
    except ClusterError as error:
        raise servers.ServerError(str(error)) from error
    finally:
        for node in state.nodes:
            kill(node)


def kill(node: NodeState) -> None:
    """End a node at once, as a power cut would (SIGKILL)."""
    with contextlib.suppress(ClusterError):  # it has ended already
        nodes.send(node, signal.SIGKILL)
    nodes.wait_gone(node)
