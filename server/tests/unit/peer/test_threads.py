"""As in a node: the port and Raft's streams on the loop of one thread, calls on that of another."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import TypeVar

import pytest
import uvloop

from server.tests.unit.peer.cluster import WAIT_S, Certificates, PeerNode, until
from themis_server.errors import StartRefusedError
from themis_server.peer import KIND_BULK, KIND_CALLS, KIND_RAFT, Identity, PeerListener, Refusal, Route

T = TypeVar("T")


class LoopThread:
    """A loop that runs in a thread of its own."""

    def __init__(self, make_loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
        self.loop = make_loop()
        self._thread = threading.Thread(target=self.loop.run_forever)
        self._thread.start()

    async def run(self, function: Callable[[], T]) -> T:
        """Call a function on that loop."""
        done: Future[T] = Future()

        def call() -> None:
            try:
                done.set_result(function())
            except BaseException as error:
                done.set_exception(error)

        self.loop.call_soon_threadsafe(call)
        return await asyncio.wrap_future(done)

    def stop(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(WAIT_S)
        self.loop.close()


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["raft-asyncio", "raft-uvloop"])
def raft(request: pytest.FixtureRequest) -> Iterator[LoopThread]:
    thread = LoopThread(request.param)
    yield thread
    thread.stop()


async def test_each_kind_of_connection_is_served_on_its_loop(certs: Certificates, raft: LoopThread) -> None:
    node = PeerNode("a", certs.tls("a"))
    main = asyncio.get_running_loop()
    node.calls.start()
    node.service.start()
    served_by: list[str] = []

    async def handler(_: Identity, payload: bytes) -> bytes:
        served_by.append(threading.current_thread().name)
        return payload

    node.handlers["t.echo"] = handler
    node.streams._on_envelope = lambda _frm, _payload: served_by.append(threading.current_thread().name)
    routes = {
        KIND_RAFT: Route(raft.loop, node.streams.accept),
        KIND_CALLS: Route(main, node.service.accept_calls),
        KIND_BULK: Route(main, node.service.accept_bulk),
    }
    node.listener = listener = PeerListener("127.0.0.1", 0, routes, node.limits, node.counters)
    await raft.run(node.streams.start)
    await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(listener.start(), raft.loop))

    async with PeerNode("b", certs.tls("b")) as b:
        assert await b.calls.call(node.address, "t.echo", b"x") == b"x"
        assert await b.calls.call(node.address, "t.echo", b"y", lane="bulk") == b"y"
        b.knows(node)
        await until(lambda: b.streams.connected(node.raft_id))
        b.streams.send(node.raft_id, b"envelope")
        await until(lambda: len(served_by) == 3)
        here = threading.current_thread().name
        assert served_by[:2] == [here, here]
        assert served_by[2] != here
        assert (node.counters.connections, node.call_counters.connections) == (1, 2)
        assert listener.gate.waiting == 0

        await raft.run(listener.stop)
        await raft.run(node.streams.stop)
        node.calls.stop()
        await node.service.stop(0)
        await until(lambda: b.call_counters.connections == b.counters.connections == 0)
    assert not node.roster._present


async def test_a_port_in_use_refuses_the_start(certs: Certificates) -> None:
    async with PeerNode("a", certs.tls("a")) as a:
        with pytest.raises(StartRefusedError, match=r"peer\.host, peer\.port\): the port is in use"):
            await PeerNode("b", certs.tls("b")).start(a.port)


async def test_a_node_that_was_admitted_late_is_admitted(certs: Certificates) -> None:
    """Its streams are refused until the topology has it, and it keeps trying."""
    async with PeerNode("a", certs.tls("a")) as a, PeerNode("b", certs.tls("b")) as b:
        b.refusals["a"] = Refusal("unknown_node", "not yet")
        a.knows(b)
        await until(lambda: a.counters.refused_by_peers.get("unknown_node", 0) >= 2)
        b.refusals.clear()
        await until(lambda: a.streams.connected(b.raft_id))
