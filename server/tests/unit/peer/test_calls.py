from __future__ import annotations

import asyncio
import socket
import time

import pytest

from server.tests.unit.peer.cluster import Certificates, PeerNode, instance_of, until
from themis_server._generated.errors import ErrorCode
from themis_server.errors import ThemisServerError, precondition_failed
from themis_server.peer import (
    Identity,
    PeerBusy,
    PeerLimits,
    PeerLost,
    PeerRefused,
    PeerUnreachable,
    Refusal,
)


async def echo(_: Identity, payload: bytes) -> bytes:
    return payload


async def forever(_: Identity, payload: bytes) -> bytes:
    await asyncio.Event().wait()
    return payload


@pytest.fixture(params=["tls", "plain"])
def secured(request: pytest.FixtureRequest) -> bool:
    return bool(request.param == "tls")


async def test_a_call_returns_what_the_handler_returns(certs: Certificates, secured: bool) -> None:
    async with (
        PeerNode("a", certs.tls("a") if secured else None) as a,
        PeerNode("b", certs.tls("b") if secured else None) as b,
    ):
        callers = []

        async def who(identity: Identity, payload: bytes) -> bytes:
            callers.append(identity)
            return identity.node_id.encode() + payload

        b.handlers["t.who"] = who
        assert await a.calls.call(b.address, "t.who", b"!") == b"a!"
        assert await a.calls.call(b.address, "t.who", bytes(3 << 20), lane="bulk") == b"a" + bytes(3 << 20)
        assert callers == [a.identity(), a.identity()]
        assert b.call_counters.connections == 2, "each lane has its own"
        assert (a.call_counters.calls, b.call_counters.calls_served) == (2, 2)


async def test_many_calls_share_a_connection_and_do_not_wait_for_each_other(certs: Certificates) -> None:
    async with PeerNode("a", certs.tls("a")) as a, PeerNode("b", certs.tls("b")) as b:
        gate = asyncio.Event()

        async def wait(_: Identity, payload: bytes) -> bytes:
            await gate.wait()
            return payload

        b.handlers.update({"t.wait": wait, "t.echo": echo})
        waiting = [asyncio.create_task(a.calls.call(b.address, "t.wait", bytes([n]))) for n in range(100)]
        assert await a.calls.call(b.address, "t.echo", b"through") == b"through"
        gate.set()

        assert await asyncio.gather(*waiting) == [bytes([n]) for n in range(100)]
        assert b.call_counters.connected == 1


async def test_an_error_of_the_handler_crosses_the_wire(certs: Certificates) -> None:
    async with PeerNode("a", certs.tls("a")) as a, PeerNode("b", certs.tls("b")) as b:

        async def refuse(_: Identity, payload: bytes) -> bytes:
            raise precondition_failed(41)

        b.handlers["t.refuse"] = refuse
        with pytest.raises(PeerRefused) as caught:
            await a.calls.call(b.address, "t.refuse", b"")
        error = caught.value.as_error()
        assert isinstance(error, ThemisServerError)
        assert (error.code, error.fields) == (ErrorCode.PRECONDITION_FAILED, {"version": 41})

        with pytest.raises(PeerRefused, match=r"unknown_method: this node has no method t\.none"):
            await a.calls.call(b.address, "t.none", b"")


async def test_after_a_crash_of_the_handler_nobody_knows(certs: Certificates) -> None:
    async with PeerNode("a", certs.tls("a")) as a, PeerNode("b", certs.tls("b")) as b:

        async def crash(_: Identity, payload: bytes) -> bytes:
            raise RuntimeError("a bug")

        b.handlers.update({"t.crash": crash, "t.echo": echo})
        with pytest.raises(PeerLost, match="the handler failed"):
            await a.calls.call(b.address, "t.crash", b"")
        assert b.call_counters.handlers_crashed == 1
        assert await a.calls.call(b.address, "t.echo", b"still there") == b"still there"


async def test_an_answer_that_does_not_come_is_lost_and_the_handler_is_told(certs: Certificates) -> None:
    async with PeerNode("a", certs.tls("a")) as a, PeerNode("b", certs.tls("b")) as b:
        cancelled = asyncio.Event()

        async def slow(_: Identity, payload: bytes) -> bytes:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                cancelled.set()
                raise
            return payload

        b.handlers.update({"t.slow": slow, "t.echo": echo})
        with pytest.raises(PeerLost, match=r"in time|too long"):
            await a.calls.call(b.address, "t.slow", b"", timeout_s=0.1)
        await asyncio.wait_for(cancelled.wait(), 5)

        cancelled.clear()
        task = asyncio.create_task(a.calls.call(b.address, "t.slow", b"", timeout_s=30))
        await a.calls.call(b.address, "t.echo", b"")
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(cancelled.wait(), 5)
        assert await a.calls.call(b.address, "t.echo", b"on") == b"on"


async def test_nobody_there_is_surely_not_delivered(certs: Certificates) -> None:
    async with PeerNode("a", certs.tls("a")) as a:
        b = await PeerNode("b", certs.tls("b")).start()
        where = b.address
        await b.stop()
        for _ in range(3):
            with pytest.raises(PeerUnreachable, match="cannot be reached"):
                await a.calls.call(where, "t.echo", b"")
        assert a.call_counters.calls_unreachable == 3
        b = PeerNode("b", certs.tls("b"))
        b.handlers["t.echo"] = echo
        await b.start(where.port)
        for _ in range(1000):
            try:
                assert await a.calls.call(where, "t.echo", b"x") == b"x"
                break
            except PeerUnreachable:
                await asyncio.sleep(0.01)
        else:
            pytest.fail("b was not found again")
        await b.stop()


async def test_a_host_that_never_answers_is_unreachable_in_the_time_of_the_call(certs: Certificates) -> None:
    mute = socket.create_server(("127.0.0.1", 0))
    async with PeerNode("a", certs.tls("a"), PeerLimits(connect_timeout_s=0.5)) as a:
        where = a.address._replace(node_id="b", port=mute.getsockname()[1])
        began_s = time.monotonic()
        with pytest.raises(PeerUnreachable, match="in time"):
            await a.calls.call(where, "t.echo", b"", timeout_s=0.1)
        assert time.monotonic() - began_s < 0.4
        with pytest.raises(PeerUnreachable, match="no greeting in"):
            await a.calls.call(where, "t.echo", b"", timeout_s=5)
    mute.close()


async def test_a_connection_that_breaks_loses_what_was_sent(certs: Certificates) -> None:
    async with PeerNode("a", certs.tls("a")) as a, PeerNode("b", certs.tls("b")) as b:
        b.handlers.update({"t.slow": forever, "t.echo": echo})
        await a.calls.call(b.address, "t.echo", b"")
        under_way = asyncio.create_task(a.calls.call(b.address, "t.slow", b""))
        await until(lambda: any(served.tasks for served in b.service._served.values()))
        await b.stop()
        with pytest.raises(PeerLost, match="before it answered"):
            await under_way
        assert a.call_counters.calls_lost == 1


async def test_a_handler_whose_caller_is_gone_is_cancelled(certs: Certificates) -> None:
    async with PeerNode("b", certs.tls("b")) as b:
        begun, cancelled = asyncio.Event(), asyncio.Event()

        async def slow(_: Identity, payload: bytes) -> bytes:
            begun.set()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                cancelled.set()
                raise
            return payload

        b.handlers["t.slow"] = slow
        async with PeerNode("a", certs.tls("a")) as a:
            call = asyncio.create_task(a.calls.call(b.address, "t.slow", b"", timeout_s=600))
            await begun.wait()
        await asyncio.wait_for(cancelled.wait(), 5)
        with pytest.raises(PeerLost):
            await call


async def test_what_was_never_handed_to_the_socket_is_not_lost(certs: Certificates) -> None:
    async with PeerNode("a", certs.tls("a")) as a, PeerNode("b", certs.tls("b")) as b:
        b.handlers.update({"t.slow": forever, "t.echo": echo})
        await a.calls.call(b.address, "t.echo", b"")
        (lane,) = a.calls._lanes.values()
        link = lane._link
        assert link is not None

        tasks = [asyncio.create_task(a.calls.call(b.address, "t.slow", bytes(4 << 20))) for _ in range(12)]
        await asyncio.sleep(0)  # all frames are queued, and nothing was written
        assert link.outbox.enqueued_bytes > 48 << 20
        assert link.outbox.attempted_bytes < 1 << 20
        link._flush()  # the socket takes some and is full, as b does not read
        assert 0 < link.outbox.queued_bytes < 48 << 20
        link.close("as if the cable were cut")
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)

        kinds = [type(outcome) for outcome in outcomes]
        unsent = kinds.count(PeerUnreachable)
        assert unsent > 1
        assert kinds == [PeerLost] * (12 - unsent) + [PeerUnreachable] * unsent


async def test_no_more_calls_at_once_than_may_be(certs: Certificates) -> None:
    limits = PeerLimits(calls_in_flight_max=3)
    async with PeerNode("a", certs.tls("a"), limits) as a, PeerNode("b", certs.tls("b")) as b:
        b.handlers.update({"t.slow": forever, "t.echo": echo})
        under_way = [asyncio.create_task(a.calls.call(b.address, "t.slow", b"")) for _ in range(3)]
        await asyncio.sleep(0)
        with pytest.raises(PeerBusy):
            await a.calls.call(b.address, "t.echo", b"")
        assert a.call_counters.calls_busy == 1
        assert await a.calls.call(b.address, "t.echo", b"", lane="bulk") == b""
        for task in under_way:
            task.cancel()
        await asyncio.wait(under_way)
        assert await a.calls.call(b.address, "t.echo", b"again") == b"again"


async def test_the_other_side_may_take_fewer(certs: Certificates) -> None:
    async with (
        PeerNode("a", certs.tls("a")) as a,
        PeerNode("b", certs.tls("b"), PeerLimits(calls_in_flight_max=2)) as b,
    ):
        b.handlers["t.slow"] = forever
        tasks = [asyncio.create_task(a.calls.call(b.address, "t.slow", b"", timeout_s=0.5)) for _ in range(3)]
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)

        assert sorted(type(outcome).__name__ for outcome in outcomes) == ["PeerBusy", "PeerLost", "PeerLost"]


async def test_what_waits_to_be_sent_is_bounded(certs: Certificates) -> None:
    limits = PeerLimits(queue_bytes_max=10_000, frame_bytes_max=1 << 20)
    async with PeerNode("a", certs.tls("a"), limits) as a, PeerNode("b", certs.tls("b")) as b:
        b.handlers["t.echo"] = echo
        await a.calls.call(b.address, "t.echo", b"")
        outcomes = await asyncio.gather(
            *(a.calls.call(b.address, "t.echo", bytes(4000)) for _ in range(4)), return_exceptions=True
        )
        assert [type(outcome) for outcome in outcomes] == [bytes, bytes, PeerBusy, PeerBusy]
        assert len(await a.calls.call(b.address, "t.echo", bytes(100_000))) == 100_000, "one may always be sent"
        with pytest.raises(PeerUnreachable, match=r"peer\.frame_bytes_max"):
            await a.calls.call(b.address, "t.echo", bytes(1 << 20))


async def test_an_answer_too_large_for_a_frame_is_a_failure(certs: Certificates) -> None:
    async with PeerNode("a", certs.tls("a")) as a, PeerNode("b", certs.tls("b"), PeerLimits(frame_bytes_max=5000)) as b:

        async def large(_: Identity, payload: bytes) -> bytes:
            return bytes(5000)

        b.handlers["t.large"] = large
        with pytest.raises(PeerLost, match="too large"):
            await a.calls.call(b.address, "t.large", b"")


async def test_who_is_unknown_may_ask_to_join_and_nothing_else(certs: Certificates) -> None:
    async with PeerNode("new", certs.tls("new")) as new, PeerNode("b", certs.tls("b")) as b:
        b.refusals["new"] = Refusal("unknown_node", "new is not in the topology")
        new.refusals["b"] = Refusal("unknown_node", "this node knows nobody yet")

        async def join(identity: Identity, payload: bytes) -> bytes:
            del b.refusals[identity.node_id]
            return b"welcome"

        b.handlers.update({"cluster.join": join, "t.echo": echo})
        seed = b.address._replace(node_id="", raft_id=0)
        with pytest.raises(PeerRefused, match="unknown_node"):
            await new.calls.call(seed, "t.echo", b"")
        assert await new.calls.call(seed, "cluster.join", b"token") == b"welcome"
        assert await new.calls.call(seed, "t.echo", b"x") == b"x"


async def test_a_refused_greeting_says_why(certs: Certificates) -> None:
    async with PeerNode("a", certs.tls("a")) as a, PeerNode("b", certs.tls("b")) as b:
        b.refusals["a"] = Refusal("removed_node", "a was removed")
        with pytest.raises(PeerUnreachable, match="a was removed") as caught:
            await a.calls.call(b.address, "t.echo", b"")
        assert caught.value.refusal == Refusal("removed_node", "a was removed")
        assert a.call_counters.refused_by_peers == {"removed_node": 1}
        assert b.call_counters.refused == {"removed_node": 1}


async def test_nodes_that_are_removed_are_hung_up_on(certs: Certificates) -> None:
    async with PeerNode("a", certs.tls("a")) as a, PeerNode("b", certs.tls("b")) as b:
        b.handlers["t.echo"] = echo
        await a.calls.call(b.address, "t.echo", b"")
        b.service.review()
        assert await a.calls.call(b.address, "t.echo", b"x") == b"x"
        b.refusals["a"] = Refusal("removed_node", "a was removed")
        b.service.review()
        await until(lambda: b.call_counters.connections == 0)
        with pytest.raises((PeerUnreachable, PeerLost)):
            await a.calls.call(b.address, "t.echo", b"x")


async def test_another_instance_is_noticed_whatever_it_connects_for(certs: Certificates) -> None:
    async with PeerNode("a", certs.tls("a")) as a, PeerNode("b", certs.tls("b")) as b:
        b.handlers["t.echo"] = echo
        a.knows(b)
        await until(lambda: a.streams.connected(b.raft_id))
        impostor = PeerNode("a", certs.tls("a"), instance=instance_of(2))
        async with impostor:
            with pytest.raises(PeerUnreachable, match="is called a") as caught:
                await impostor.calls.call(b.address, "t.echo", b"")
        assert caught.value.refusal is not None
        assert caught.value.refusal.code == "duplicate_node"


async def test_a_stopping_node_ends_what_it_began_and_takes_nothing_new(certs: Certificates) -> None:
    async with PeerNode("a", certs.tls("a")) as a, PeerNode("b", certs.tls("b")) as b:
        gate = asyncio.Event()

        async def wait(_: Identity, payload: bytes) -> bytes:
            await gate.wait()
            return payload

        b.handlers.update({"t.wait": wait, "t.echo": echo})
        begun = asyncio.create_task(a.calls.call(b.address, "t.wait", b"begun"))
        await until(lambda: any(served.tasks for served in b.service._served.values()))
        stopping = asyncio.create_task(b.service.stop(10))
        await asyncio.sleep(0)
        with pytest.raises(PeerBusy, match="stopping"):
            await a.calls.call(b.address, "t.echo", b"")
        gate.set()
        assert await begun == b"begun"
        await stopping


async def test_a_connection_that_nobody_uses_is_closed(certs: Certificates) -> None:
    limits = PeerLimits(lane_idle_s=0.1)
    async with PeerNode("a", certs.tls("a"), limits) as a, PeerNode("b", certs.tls("b")) as b:
        b.handlers["t.echo"] = echo
        await a.calls.call(b.address, "t.echo", b"", timeout_s=0.2)
        await until(lambda: b.call_counters.connections == 0)
        assert await a.calls.call(b.address, "t.echo", b"x", timeout_s=5) == b"x"


async def test_after_the_stop_nothing_is_sent(certs: Certificates) -> None:
    async with PeerNode("a", certs.tls("a")) as a, PeerNode("b", certs.tls("b")) as b:
        b.handlers["t.slow"] = forever
        under_way = asyncio.create_task(a.calls.call(b.address, "t.slow", b""))
        await until(lambda: any(served.tasks for served in b.service._served.values()))
        a.calls.stop()
        with pytest.raises(PeerLost):
            await under_way
        with pytest.raises(PeerUnreachable, match="stopping"):
            await a.calls.call(b.address, "t.slow", b"")
