"""The nodes of a scripted cluster: ports that are listened at, or not."""

from __future__ import annotations

import asyncio
import socket
import ssl

from themis_conformance.plan import FaultPlan, NodePlan, ServerPlan
from themis_conformance.ring import Ring
from themis_conformance.scripted.exchange import Backend, Exchange
from themis_conformance.scripted.faults import Faults
from themis_conformance.scripted.framing import HEAD_BYTES_MAX
from themis_conformance.scripted.service import Service
from themis_conformance.scripted.shape import Shape
from themis_conformance.scripted.wirelog import WireLog

__all__ = ["ScriptedCluster"]

_HOST = "127.0.0.1"
_BACKLOG = 256


class _Node:
    """A port of our own: bound for as long as the cluster lives, listened at while the node is up."""

    def __init__(self) -> None:
        self.socket = _bound(0)
        self.port: int = self.socket.getsockname()[1]
        self.listening = False


def _bound(port: int) -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind((_HOST, port))
    made.setblocking(False)
    return made


class ScriptedCluster:
    """A cluster, from `start` to `stop`. An async context manager.

    Args:
        plan: What it is at the beginning.
        tls: To serve https with.
    """

    def __init__(self, plan: ServerPlan, tls: ssl.SSLContext | None = None) -> None:
        self.plan = plan
        self._tls = tls
        self._nodes = [_Node() for _ in range(plan.nodes)]
        scheme = "https" if tls is not None else "http"
        self.urls = [f"{scheme}://{_HOST}:{node.port}" for node in self._nodes]
        self.log = WireLog()
        self.defects: list[Exception] = []
        self._backend = self._filled(plan)
        self._tasks: dict[asyncio.Task[None], int] = {}

    async def __aenter__(self) -> ScriptedCluster:
        self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def _filled(self, plan: ServerPlan) -> Backend:
        shape = Shape.of(plan, self.urls)
        return Backend(Service(plan, shape), shape, Faults(plan.faults), self.log)

    # Life

    def fill(self, plan: ServerPlan) -> None:
        """Begin with another plan of the same size: one that could be read only when the ports were known."""
        if (plan.nodes, plan.shards) != (self.plan.nodes, self.plan.shards):
            raise ValueError("a cluster does not change its size")
        self.plan = plan
        self._backend = self._filled(plan)

    def start(self) -> None:
        """Listen at the ports of all nodes that are not down."""
        for number in range(len(self._nodes)):
            if number not in self.plan.down:
                self.start_node(number)

    async def stop(self) -> None:
        """Close everything."""
        for node in self._nodes:
            self._deaf(node)
            node.socket.close()
        await self._end_connections(None)

    def start_node(self, number: int) -> None:
        """Listen, at the port the node always had."""
        node = self._nodes[number]
        if not node.listening:
            node.socket.listen(_BACKLOG)
            node.listening = True
            asyncio.get_running_loop().add_reader(node.socket, self._accept, number)

    async def stop_node(self, number: int) -> None:
        """Close the port and its connections; whoever connects is refused."""
        node = self._nodes[number]
        if node.listening:
            self._deaf(node)
            node.socket.close()
            # Bound again at once: nobody else may get the port while the node is away.
            node.socket = _bound(node.port)
        await self._end_connections(number)

    def _deaf(self, node: _Node) -> None:
        if node.listening:
            asyncio.get_running_loop().remove_reader(node.socket)
            node.listening = False

    async def drop_connections(self) -> None:
        """Close what is open, and go on listening."""
        await self._end_connections(None)

    async def _end_connections(self, number: int | None) -> None:
        tasks = [task for task, node in self._tasks.items() if number in (None, node)]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _accept(self, number: int) -> None:
        while True:
            try:
                connection, _ = self._nodes[number].socket.accept()
            except (BlockingIOError, ConnectionError):
                return
            connection.setblocking(False)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.log.connections += 1
            task = asyncio.get_running_loop().create_task(self._serve(number, self.log.connections, connection))
            self._tasks[task] = number
            task.add_done_callback(self._tasks.pop)

    async def _serve(self, number: int, serial: int, connection: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(HEAD_BYTES_MAX)
        protocol = asyncio.StreamReaderProtocol(reader)
        try:
            transport, _ = await loop.connect_accepted_socket(lambda: protocol, connection, ssl=self._tls)
        except (OSError, ssl.SSLError):
            connection.close()  # the other side hung up, or its certificate is not what is asked for
            return
        writer = asyncio.StreamWriter(transport, protocol, reader, loop)
        exchange = Exchange(self._backend, number, serial, reader, writer)
        try:
            await exchange.serve()
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ssl.SSLError):
            pass  # the other side went away, or does not speak HTTP: its own affair
        except asyncio.CancelledError:
            transport.abort()
            raise
        except Exception as error:
            # A defect of this package. The case must not pass or fail for it as if an SDK were to blame.
            self.defects.append(error)
        finally:
            # What was written is sent first; then both ways are closed.
            writer.close()

    # What a case changes while it runs

    @property
    def ring(self) -> Ring:
        """Who owns which uuid."""
        return self._backend.shape.ring

    @property
    def listening(self) -> list[str]:
        """The URLs of the nodes that are up."""
        return [url for url, node in zip(self.urls, self._nodes, strict=True) if node.listening]

    @property
    def committed(self) -> dict[str, int]:
        """How often a write to each URN (or path of the catalogue) took effect."""
        return self._backend.service.store.committed

    def versions(self) -> dict[str, int]:
        """The version of every entity, by URN."""
        return {
            f"urn:themis:{collection.model}:{namespace.name}:{collection.name}:{uuid}": entity.version
            for namespace in self._backend.service.store.namespaces.values()
            for collection in namespace.collections.values()
            for uuid, entity in collection.entities.items()
        }

    def set_epoch(self, epoch: int) -> None:
        """A new epoch, in the topology and in the headers of answers."""
        self._backend.shape.set_epoch(epoch)

    def set_answer_epoch(self, epoch: int | None) -> None:
        """Another epoch in the headers only; None for the truth."""
        self._backend.shape.answer_epoch = epoch

    def lead(self, shard: str, number: int | None) -> None:
        """A shard gets another leader, in a new term, or none."""
        self._backend.shape.lead(shard, number)

    def claim(self, node: int, shard: str, leader: int | None, term: int) -> None:
        """A node believes, and says in its topology, that another one leads a shard."""
        if shard not in self._backend.shape.leaders:
            raise KeyError(shard)
        self._backend.shape.claims[node, shard] = (leader, term)

    def label(self, node: int, label: NodePlan) -> None:
        """Something else is said of a node."""
        self._backend.shape.nodes[node] = label

    def label_of(self, node: int) -> NodePlan:
        """What is said of a node."""
        return self._backend.shape.nodes[node]

    def hold(self, node: int) -> None:
        """The replicas of a node stand still from now on."""
        self._backend.shape.held[node] = self._backend.service.store.last_version

    def release(self, node: int) -> None:
        """They go on, and have everything."""
        self._backend.shape.held.pop(node, None)

    def term_of(self, shard: str) -> int:
        """The term of a shard's leader."""
        return self._backend.shape.terms[shard]

    def set_tokens(self, tokens: tuple[str, ...] | None) -> None:
        """Other tokens are accepted; None: none is asked for."""
        self._backend.service.tokens = tokens

    def add_fault(self, fault: FaultPlan) -> None:
        """Something more goes wrong."""
        self._backend.faults.add(fault)

    def clear_faults(self) -> None:
        """Nothing goes wrong any more."""
        self._backend.faults.clear()
