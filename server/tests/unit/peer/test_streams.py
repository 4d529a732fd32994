from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable

import pytest
import uvloop

from server.tests.unit.peer.cluster import WAIT_S, Certificates, PeerNode, connected, instance_of, until
from themis_server.peer import MalformedFrame, PeerLimits, Refusal


@pytest.fixture(params=["tls", "plain"])
def secured(request: pytest.FixtureRequest) -> bool:
    return bool(request.param == "tls")


async def test_envelopes_arrive_in_order_both_ways(certs: Certificates, secured: bool) -> None:
    async with (
        PeerNode("a", certs.tls("a") if secured else None) as a,
        PeerNode("b", certs.tls("b") if secured else None) as b,
    ):
        await connected(a, b)
        sent = [number.to_bytes(4) * (1 + number * 97 % 9000) for number in range(400)]
        for envelope in sent:
            a.streams.send(b.raft_id, envelope)
            b.streams.send(a.raft_id, envelope[:50])
        await until(lambda: len(a.envelopes) == len(b.envelopes) == len(sent))

        assert b.envelopes == [("a", envelope) for envelope in sent]
        assert a.envelopes == [("b", envelope[:50]) for envelope in sent]
        assert a.events == [("connected", "b")]
        assert a.counters.connections == 2
        assert a.counters.envelopes_dropped == 0
        assert a.counters.frames_in == b.counters.frames_in == len(sent)


async def test_a_large_envelope_arrives_whole(certs: Certificates, secured: bool) -> None:
    async with (
        PeerNode("a", certs.tls("a") if secured else None) as a,
        PeerNode("b", certs.tls("b") if secured else None) as b,
    ):
        await connected(a, b)
        large = bytes(range(256)) * (20 << 12)
        a.streams.send(b.raft_id, large)
        a.streams.send(b.raft_id, b"behind it")
        await until(lambda: len(b.envelopes) == 2)

        assert b.envelopes == [("a", large), ("a", b"behind it")]


async def test_what_is_sent_is_on_its_way_before_the_loop_goes_on(certs: Certificates) -> None:
    """A leader sends its entries and then blocks the loop with an fsync: they must not wait for that."""
    arrived = threading.Event()
    ready: list[PeerNode] = []

    async def other() -> None:
        async with PeerNode("b", certs.tls("b")) as b:
            b.streams._on_envelope = lambda _frm, _payload: arrived.set()
            ready.append(b)
            await asyncio.get_running_loop().run_in_executor(None, arrived.wait, WAIT_S)

    thread = threading.Thread(target=lambda: asyncio.Runner(loop_factory=uvloop.new_event_loop).run(other()))
    thread.start()
    try:
        await until(lambda: bool(ready))
        async with PeerNode("a", certs.tls("a")) as a:
            a.knows(ready[0])
            await until(lambda: a.streams.connected(ready[0].raft_id))
            a.streams.send(ready[0].raft_id, b"entries")
            assert arrived.wait(WAIT_S), "it was not sent while the loop was blocked"
    finally:
        arrived.set()
        thread.join()


async def test_what_arrived_while_the_loop_was_blocked_is_all_taken_at_once(certs: Certificates, secured: bool) -> None:
    """A node whose sync was slow has to take all that came meanwhile into its next turn, or it never catches up."""
    turns: list[int] = []

    async with (
        PeerNode("a", certs.tls("a") if secured else None) as a,
        PeerNode("b", certs.tls("b") if secured else None) as b,
    ):
        await connected(a, b)
        received = b.streams._on_envelope
        arrived = 0

        def turn() -> None:
            turns.append(arrived)

        def on_envelope(sender: int, payload: bytes) -> None:
            nonlocal arrived
            received(sender, payload)
            if not arrived:
                asyncio.get_running_loop().call_soon(turn)  # as the thread of the driver does
            arrived += 1

        b.streams._on_envelope = on_envelope
        for number in range(50):
            a.streams.send(b.raft_id, number.to_bytes(4) * 25)
        time.sleep(0.05)  # the sync
        await until(lambda: bool(turns))

    assert turns == [50]


async def test_a_broken_stream_is_told_at_once_and_made_anew(certs: Certificates) -> None:
    async with PeerNode("a", certs.tls("a")) as a:
        b = await PeerNode("b", certs.tls("b")).start()
        await connected(a, b)
        a.events.clear()
        port = b.port
        began_s = time.monotonic()
        await b.stop()
        await until(lambda: a.events.count(("disconnected", "b")) == 2, "both streams' ends")
        assert time.monotonic() - began_s < 1

        dropped = a.counters.envelopes_dropped
        a.streams.send(b.raft_id, b"lost")
        assert a.counters.envelopes_dropped == dropped + 1

        again = PeerNode("b", certs.tls("b"))
        await again.start(port)
        again.knows(a)
        await until(lambda: a.streams.connected(b.raft_id) and again.streams.connected(a.raft_id))
        a.streams.send(b.raft_id, b"found")
        await until(lambda: again.envelopes == [("a", b"found")])
        assert a.events[-1] == ("connected", "b")
        await again.stop()


async def test_a_peer_that_does_not_read_costs_a_bounded_queue(certs: Certificates) -> None:
    limits = PeerLimits(queue_bytes_max=1 << 20)
    async with PeerNode("a", certs.tls("a"), limits) as a, PeerNode("b", certs.tls("b")) as b:
        await connected(a, b)
        link = a.streams._outgoing[b.raft_id].link
        assert link is not None
        envelope = bytes(100_000)
        for _ in range(400):  # nothing is read meanwhile, as the loop of b is this one
            a.streams.send(b.raft_id, envelope)
            assert link.outbox.queued_bytes <= limits.queue_bytes_max
        dropped = a.counters.envelopes_dropped
        assert dropped > 100
        assert a.counters.envelope_bytes_dropped == dropped * len(envelope)
        await until(lambda: len(b.envelopes) == 400 - dropped)
        assert link.open


async def test_an_envelope_beyond_the_largest_frame_is_dropped(certs: Certificates) -> None:
    async with PeerNode("a", certs.tls("a"), PeerLimits(frame_bytes_max=1000)) as a, PeerNode("b", certs.tls("b")) as b:
        await connected(a, b)
        a.streams.send(b.raft_id, bytes(1001))
        a.streams.send(b.raft_id, b"")
        a.streams.send(b.raft_id, bytes(1000))
        await until(lambda: len(b.envelopes) == 1)

        assert a.counters.envelopes_dropped == 2


async def test_a_malformed_envelope_closes_the_stream_and_nothing_else(certs: Certificates) -> None:
    class Unreadable(MalformedFrame):
        pass

    async with PeerNode("a", certs.tls("a")) as a, PeerNode("b", certs.tls("b")) as b:
        await connected(a, b)

        def picky(frm: int, payload: bytes) -> None:
            if payload == b"bad":
                raise Unreadable("no envelope")
            b.on_envelope(frm, payload)

        b.streams._on_envelope = picky
        a.events.clear()
        for envelope in (b"bad", b"behind it is dropped"):
            a.streams.send(b.raft_id, envelope)
        await until(lambda: ("disconnected", "b") in a.events)
        await until(lambda: a.streams.connected(b.raft_id))
        a.streams.send(b.raft_id, b"good")
        await until(lambda: bool(b.envelopes))

        assert b.envelopes == [("a", b"good")]
        assert b.counters.bad_frames == 1
        b.streams.reject(a.raft_id, "found out later")
        await until(lambda: b.counters.bad_frames == 2 and a.events.count(("disconnected", "b")) == 2)


async def test_a_stream_that_is_closed_again_and_again_is_not_dialled_in_a_circle(certs: Certificates) -> None:
    async with PeerNode("a", certs.tls("a")) as a, PeerNode("b", certs.tls("b")) as b:

        def refuse(frm: int, payload: bytes) -> None:
            raise MalformedFrame("never")

        b.streams._on_envelope = refuse
        a.streams._on_connected = lambda peer, version: a.streams.send(peer, b"x")
        a.knows(b)
        await until(lambda: b.counters.bad_frames >= 3)
        began_s = time.monotonic()
        await until(lambda: b.counters.bad_frames >= 5)

        assert time.monotonic() - began_s > 0.1


async def test_two_nodes_of_one_name_are_noticed(certs: Certificates) -> None:
    async with PeerNode("a", certs.tls("a")) as a, PeerNode("b", certs.tls("b")) as b:
        await connected(a, b)
        async with PeerNode("b", certs.tls("b"), instance=instance_of(2)) as impostor:
            impostor.knows(a)
            await until(lambda: impostor.counters.refused_by_peers.get("duplicate_node", 0) >= 2)
            assert a.counters.refused["duplicate_node"] >= 2
            assert not impostor.streams.connected(a.raft_id)
            assert a.streams.connected(b.raft_id)

            await b.stop()
            await until(lambda: impostor.streams.connected(a.raft_id), "the one that is left")


async def test_a_second_stream_of_the_same_node_takes_the_first_one_s_place(certs: Certificates) -> None:
    async with PeerNode("a", certs.tls("a")) as a, PeerNode("b", certs.tls("b")) as b:
        await connected(a, b)
        a.events.clear()
        async with PeerNode("b", certs.tls("b")) as again:  # as after a restart that the network did not tell
            again.knows(a)
            await until(lambda: again.streams.connected(a.raft_id))
            await until(lambda: ("disconnected", "a") in b.events)
            assert a.events == [], "for a the node is there all the time"


async def test_a_node_does_not_talk_to_itself(certs: Certificates) -> None:
    async with PeerNode("a", certs.tls("a")) as a:
        a.streams.set_peers({a.raft_id: a.address})
        await until(lambda: a.counters.refused_by_peers.get("duplicate_node", 0) >= 1)

        assert not a.streams.connected(a.raft_id)


async def test_peers_that_are_none_any_more_are_dropped(certs: Certificates) -> None:
    async with PeerNode("a", certs.tls("a")) as a, PeerNode("b", certs.tls("b")) as b:
        await connected(a, b)
        a.refusals["b"] = Refusal("removed_node", "b was removed")
        a.streams.set_peers({})
        await until(lambda: a.counters.connections == 0)
        await until(lambda: b.counters.refused_by_peers.get("removed_node", 0) >= 1, "the refusal")

        assert not b.streams.connected(a.raft_id)
        assert a.counters.refused["removed_node"] >= 1


async def test_a_peer_that_moved_is_dialled_where_it_is(certs: Certificates) -> None:
    async with PeerNode("a", certs.tls("a")) as a:
        b = await PeerNode("b", certs.tls("b")).start()
        await connected(a, b)
        async with PeerNode("b", certs.tls("b")) as moved:
            await b.stop()
            a.knows(moved)
            await until(lambda: a.streams.connected(moved.raft_id))
            a.streams.send(moved.raft_id, b"hello")
            moved.names[a.raft_id] = "a"
            await until(lambda: moved.envelopes == [("a", b"hello")])


async def test_silence_ends_a_stream_and_pings_are_no_silence(certs: Certificates) -> None:
    """A frozen process still acknowledges on TCP; only that it says nothing gives it away."""
    limits = PeerLimits(ping_s=0.05, silence_s=0.4)
    async with PeerNode("a", certs.tls("a"), limits) as a, PeerNode("b", certs.tls("b"), limits) as b:
        await connected(a, b)
        pings = a.counters.frames_out + 20
        await until(lambda: a.counters.frames_out >= pings)  # well beyond silence_s, with nothing but pings
        assert a.counters.silent == b.counters.silent == 0
        assert a.events == [("connected", "b")]

        b.streams._watch.stop()  # b goes dumb: its kernel still acknowledges, and it sends nothing
        await until(lambda: a.counters.silent >= 1 and ("disconnected", "b") in a.events)


async def test_a_loop_that_was_blocked_takes_nobody_for_dead(certs: Certificates) -> None:
    limits = PeerLimits(ping_s=0.05, silence_s=0.3)
    async with PeerNode("a", certs.tls("a"), limits) as a, PeerNode("b", certs.tls("b"), limits) as b:
        await connected(a, b)
        time.sleep(1.3)
        heard = a.counters.bytes_in
        await until(lambda: a.counters.bytes_in >= heard + 20)

        assert a.counters.silent == b.counters.silent == 0
        assert a.streams.connected(b.raft_id)


async def test_an_address_where_nobody_answers_is_given_up_in_time(certs: Certificates) -> None:
    mute = socket.create_server(("127.0.0.1", 0), backlog=8)
    limits = PeerLimits(connect_timeout_s=0.2)
    async with PeerNode("a", certs.tls("a"), limits) as a, PeerNode("b", certs.tls("b")) as b:
        where = b.address._replace(port=mute.getsockname()[1])
        a.streams.set_peers({b.raft_id: where})
        await until(lambda: a.counters.connect_failed >= 2)
        a.streams.set_peers({b.raft_id: b.address._replace(host="no-such-host.invalid")})
        failed = a.counters.connect_failed
        await until(lambda: a.counters.connect_failed > failed)
    mute.close()


@pytest.mark.parametrize("make_loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_streams_of_threads_and_names_of_hosts(
    certs: Certificates, make_loop: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    """As in a node: the streams have a loop in a thread of their own."""

    async def scenario() -> None:
        async with PeerNode("a", certs.tls("a")) as a, PeerNode("b", certs.tls("b")) as b:
            a.names[b.raft_id] = "b"
            a.streams.set_peers({b.raft_id: b.address._replace(host="localhost")})
            await until(lambda: a.streams.connected(b.raft_id))

    failed: list[BaseException] = []

    def run() -> None:
        try:
            with asyncio.Runner(loop_factory=make_loop) as runner:
                runner.run(scenario())
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert not failed
