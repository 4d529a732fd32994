"""Bad input: the connection ends and is counted, the node goes on."""

from __future__ import annotations

import asyncio
import random
import socket
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from server.tests.unit.peer.cluster import Certificates, PeerNode, connected, until
from themis_server import ids
from themis_server.peer import KIND_CALLS, KIND_RAFT, Identity, MalformedFrame, PeerLimits
from themis_server.peer.frames import FrameReader, header
from themis_server.peer.hello import Hello, Refusal, decode_greeting, encode_hello
from themis_server.peer.messages import encode_answer, encode_call
from themis_server.peer.sockets import preamble
from themis_server.security import certificates

LIMITS = PeerLimits(connect_timeout_s=0.5, frame_bytes_max=1 << 20, unauthenticated_max=6)


def framed(payload: bytes) -> bytes:
    return header(len(payload)) + payload


def identity(node_id: str, *, cluster: str = "prod", instance: str = "9" * 32) -> Identity:
    return Identity(cluster, node_id, ids.raft_id(node_id), instance, 1, "0")


class Stranger:
    """A connection that says what a test wants."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def dial(cls, node: PeerNode, first: bytes, tls: ssl.SSLContext | None) -> Stranger:
        sock = socket.create_connection(("127.0.0.1", node.port))
        sock.setblocking(False)
        sock.send(first)
        if tls is None:
            return cls(*await asyncio.open_connection(sock=sock))
        return cls(*await asyncio.open_connection(sock=sock, ssl=tls, server_hostname="anything"))

    async def greeting(self) -> Hello | Refusal:
        size = int.from_bytes(await asyncio.wait_for(self.reader.readexactly(4), 10))
        return decode_greeting(await asyncio.wait_for(self.reader.readexactly(size), 10))

    async def ended(self) -> bool:
        """Whether the node hangs up within ten seconds; what it sent before is dropped."""
        try:
            while await asyncio.wait_for(self.reader.read(1 << 16), 10):
                pass
        except (ConnectionError, ssl.SSLError):
            return True
        return True

    def close(self) -> None:
        self.writer.transport.abort()


@pytest.fixture
async def node(certs: Certificates) -> AsyncIterator[PeerNode]:
    async with PeerNode("a", certs.tls("a"), LIMITS) as started:

        async def echo(_: Identity, payload: bytes) -> bytes:
            return payload

        started.handlers["t.echo"] = echo
        yield started
        # Whatever happened, it still serves those who behave.
        async with PeerNode("good", certs.tls("good")) as good:
            assert await good.calls.call(started.address, "t.echo", b"fine") == b"fine"
            await connected(started, good)


async def greeted(node: PeerNode, certs: Certificates, kind: bytes, node_id: str = "x") -> Stranger:
    stranger = await Stranger.dial(node, preamble(kind), certs.tls(node_id).client)
    stranger.writer.write(framed(encode_hello(identity(node_id))))
    assert isinstance(await stranger.greeting(), Hello)
    return stranger


@pytest.mark.parametrize("first", [b"GET / HTTP/1.1\r\n\r\n", b"THEMIS\x02R", b"THEMIS\x01X", bytes(8), b"\xff" * 4000])
async def test_a_connection_without_the_preamble_is_closed(node: PeerNode, first: bytes) -> None:
    stranger = await Stranger.dial(node, first, None)

    assert await stranger.ended()
    assert node.counters.bad_preambles == 1
    stranger.close()


@pytest.mark.parametrize(
    "first", [b"", b"THEM", preamble(KIND_RAFT), preamble(KIND_CALLS), preamble(KIND_RAFT) + b"\x16"]
)
async def test_who_says_too_little_is_closed_in_time(node: PeerNode, first: bytes) -> None:
    stranger = await Stranger.dial(node, first, None)

    assert await stranger.ended()
    assert node.counters.greeting_late + node.call_counters.greeting_late == 1
    stranger.close()


async def test_who_says_it_byte_by_byte_has_no_more_time(node: PeerNode, certs: Certificates) -> None:
    stranger = await Stranger.dial(node, preamble(KIND_RAFT), certs.tls("x").client)
    hello = framed(encode_hello(identity("x")))
    for at in range(len(hello)):
        stranger.writer.write(hello[at : at + 1])
        await asyncio.sleep(0.02)

    assert await stranger.ended()
    assert node.counters.greeting_late == 1
    stranger.close()


async def test_the_door_is_not_crowded(node: PeerNode, certs: Certificates) -> None:
    idle = [await Stranger.dial(node, b"", None) for _ in range(20)]
    await until(lambda: node.counters.crowded_out == 14)
    assert node.listener is not None
    assert node.listener.gate.waiting == 6
    for stranger in idle:
        assert await stranger.ended()
        stranger.close()
    await until(lambda: node.listener is not None and node.listener.gate.waiting == 0)


async def test_no_tls_and_no_certificate_and_one_of_another_authority_are_refused(
    node: PeerNode, certs: Certificates, tmp_path: Path
) -> None:
    anonymous = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    anonymous.check_hostname = False
    anonymous.verify_mode = ssl.CERT_NONE
    foreign = Certificates(tmp_path).tls("x").client
    foreign.verify_mode = ssl.CERT_NONE  # it would talk to anybody
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname = False
    old.verify_mode = ssl.CERT_NONE
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    issued = certs.issue("x")  # nothing but its version is wrong
    old.load_cert_chain(issued.certificate, issued.key)

    for number, kind in ((2, KIND_RAFT), (4, KIND_CALLS)):
        for context in (anonymous, foreign):
            stranger = await Stranger.dial(node, preamble(kind), context)
            assert await stranger.ended()
            stranger.close()
        assert node.counters.tls_failed + node.call_counters.tls_failed == number
    plain = await Stranger.dial(node, preamble(KIND_RAFT) + framed(encode_hello(identity("x"))), None)
    assert await plain.ended()
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await Stranger.dial(node, preamble(KIND_RAFT), old)
    assert node.counters.tls_failed + node.call_counters.tls_failed == 6
    plain.close()


async def test_a_client_s_certificate_is_none_of_a_node(node: PeerNode, certs: Certificates, tmp_path: Path) -> None:
    issued = certificates.issue_client(certs.authority, "ann", tmp_path, now=certs.now)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.load_verify_locations(issued.ca)
    context.load_cert_chain(issued.certificate, issued.key)
    stranger = await Stranger.dial(node, preamble(KIND_RAFT), context)
    stranger.writer.write(framed(encode_hello(identity("ann"))))

    refusal = await stranger.greeting()
    assert isinstance(refusal, Refusal)
    assert refusal.code == "certificate_mismatch"
    assert node.counters.refused == {"certificate_mismatch": 1}
    stranger.close()


@pytest.mark.parametrize(
    ("hello", "code"),
    [
        (identity("y"), "certificate_mismatch"),
        (identity("x", cluster="test"), "wrong_cluster"),
        (identity("a"), "certificate_mismatch"),
    ],
)
async def test_a_node_is_who_its_certificate_says(
    node: PeerNode, certs: Certificates, hello: Identity, code: str
) -> None:
    stranger = await Stranger.dial(node, preamble(KIND_RAFT), certs.tls("x").client)
    stranger.writer.write(framed(encode_hello(hello)))

    refusal = await stranger.greeting()
    assert isinstance(refusal, Refusal)
    assert refusal.code == code
    assert node.counters.refused == {code: 1}
    assert await stranger.ended()
    stranger.close()


async def test_a_certificate_of_another_cluster_is_refused(node: PeerNode, certs: Certificates, tmp_path: Path) -> None:
    authority = certs.authority._replace(cluster="test")  # one authority for two clusters
    issued = certificates.issue_node(authority, "x", [], tmp_path, now=certs.now)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.load_verify_locations(issued.ca)
    context.load_cert_chain(issued.certificate, issued.key)
    for cluster, code in (("prod", "certificate_mismatch"), ("test", "wrong_cluster")):
        stranger = await Stranger.dial(node, preamble(KIND_CALLS), context)
        stranger.writer.write(framed(encode_hello(identity("x", cluster=cluster))))
        refusal = await stranger.greeting()
        assert isinstance(refusal, Refusal)
        assert refusal.code == code
        stranger.close()


async def test_a_refusal_can_be_read_to_its_end_before_the_node_hangs_up() -> None:
    async with PeerNode("a", None, LIMITS) as node:
        stranger = await Stranger.dial(node, preamble(KIND_RAFT), None)
        stranger.writer.write(framed(encode_hello(identity("x", cluster="test"))) + bytes(100))
        assert isinstance(await stranger.greeting(), Refusal)
        assert await stranger.ended()
        assert node.listener is not None
        assert node.listener.gate.waiting == 1, "it waits for the other side"
        stranger.close()
        await until(lambda: node.listener is not None and node.listener.gate.waiting == 0)


@pytest.mark.parametrize("code", ["unknown_node", "stale_epoch", "removed_node"])
async def test_whom_the_topology_refuses_is_told_by_name(node: PeerNode, certs: Certificates, code: str) -> None:
    node.refusals["x"] = msgspec.convert([code, "said the topology"], Refusal)
    stranger = await Stranger.dial(node, preamble(KIND_RAFT), certs.tls("x").client)
    stranger.writer.write(framed(encode_hello(identity("x"))))

    assert await stranger.greeting() == node.refusals["x"]
    assert node.counters.refused == {code: 1}
    stranger.close()


@pytest.mark.parametrize(
    "first",
    [
        header(5000),
        framed(b""),
        framed(b"nonsense"),
        framed(encode_hello(identity("x"))[:-3]),
        framed(b"R" + msgspec.msgpack.encode(["unknown_node", "who are you?"])),
        b"\xff" * 100,
    ],
)
async def test_what_is_no_greeting_ends_the_connection(node: PeerNode, certs: Certificates, first: bytes) -> None:
    stranger = await Stranger.dial(node, preamble(KIND_RAFT), certs.tls("x").client)
    stranger.writer.write(first)

    assert await stranger.ended()
    assert node.counters.bad_frames == 1
    stranger.close()


CALL = encode_call(1, 60, "t.slow", b"")


@pytest.mark.parametrize(
    "after",
    [
        header((1 << 20) + 1),
        b"\xff\xff\xff\xff",
        framed(encode_hello(identity("x"))),
        framed(encode_answer(1, b"")),
        framed(CALL) + framed(CALL),
        framed(CALL[:5]),
    ],
    ids=["too-large", "far-too-large", "greeting-again", "answer-to-nothing", "replayed", "truncated"],
)
async def test_frames_that_break_the_protocol_end_a_connection_for_calls(
    node: PeerNode, certs: Certificates, after: bytes
) -> None:
    async def slow(_: Identity, payload: bytes) -> bytes:
        await asyncio.Event().wait()
        return payload

    node.handlers["t.slow"] = slow
    stranger = await greeted(node, certs, KIND_CALLS)
    stranger.writer.write(after)

    assert await stranger.ended()
    assert node.call_counters.bad_frames == 1
    await until(lambda: node.call_counters.connections == 0)
    stranger.close()


@pytest.mark.parametrize("after", [header((1 << 20) + 1), b"\xff\xff\xff\xff"])
async def test_frames_that_are_too_large_end_a_raft_stream(node: PeerNode, certs: Certificates, after: bytes) -> None:
    stranger = await greeted(node, certs, KIND_RAFT)
    stranger.writer.write(framed(b"an envelope"))
    await until(lambda: len(node.envelopes) == 1)
    stranger.writer.write(framed(b"dropped with what is behind it") + after)

    assert await stranger.ended()
    assert node.counters.bad_frames == 1
    assert [payload for _, payload in node.envelopes] == [b"an envelope"]
    stranger.close()


async def test_half_a_frame_is_never_delivered(node: PeerNode, certs: Certificates) -> None:
    stranger = await greeted(node, certs, KIND_RAFT)
    stranger.writer.write(framed(b"whole") + framed(b"half of it")[:-4])
    await until(lambda: len(node.envelopes) == 1)
    stranger.close()
    await until(lambda: node.counters.connections == 0)

    assert [payload for _, payload in node.envelopes] == [b"whole"]
    assert node.counters.bad_frames == 0


async def test_who_reads_no_answers_is_hung_up_on(certs: Certificates) -> None:
    limits = PeerLimits(queue_bytes_max=1 << 20, calls_in_flight_max=4)
    async with PeerNode("a", certs.tls("a"), limits) as node:

        async def large(_: Identity, payload: bytes) -> bytes:
            return bytes(1 << 20)

        node.handlers["t.large"] = large
        stranger = await greeted(node, certs, KIND_CALLS)
        (served,) = node.service._served.values()
        stranger.reader._transport.pause_reading()  # type: ignore[attr-defined]
        most = number = 0
        while node.call_counters.connections:
            number += 1
            assert number < 1000, "nobody hung up"
            stranger.writer.write(framed(encode_call(number, 60, "t.large", b"")))
            await asyncio.sleep(0.005)
            most = max(most, served._link.outbox.queued_bytes)
        stranger.close()

    assert most <= limits.queue_bytes_max + (limits.calls_in_flight_max + 1) * (1 << 20)


async def test_an_acceptor_that_misbehaves_costs_the_dialler_a_connection(certs: Certificates) -> None:
    """The other way round: an answer to a call that was never made, an impossible greeting."""
    answers = iter([framed(encode_answer(77, b"")), framed(b"A")])

    async def serve(sock: socket.socket) -> None:
        reader, writer = await asyncio.open_connection(sock=sock)
        await reader.readexactly(8)
        frames = FrameReader(4096)
        while not frames.feed(await reader.read(4096)):
            pass
        writer.write(framed(encode_hello(identity("b"))))
        await reader.read(100)
        writer.write(next(answers))
        await reader.read()
        writer.close()

    listener = socket.create_server(("127.0.0.1", 0))
    listener.setblocking(False)
    loop = asyncio.get_running_loop()
    async with PeerNode("a", None, LIMITS) as a:
        where = a.address._replace(node_id="b", port=listener.getsockname()[1])
        for number in (1, 2):
            call = asyncio.create_task(a.calls.call(where, "t.echo", b"", timeout_s=5))
            sock, _ = await loop.sock_accept(listener)
            serving = asyncio.create_task(serve(sock))
            with pytest.raises(Exception, match="malformed"):
                await call
            await serving
            assert a.call_counters.bad_frames == number
    listener.close()


async def test_the_wrong_node_at_an_address_is_not_spoken_to(certs: Certificates) -> None:
    async with PeerNode("a", certs.tls("a")) as a, PeerNode("b", certs.tls("b")) as b:
        where = b.address._replace(node_id="c", raft_id=ids.raft_id("c"))
        a.streams.set_peers({where.raft_id: where})
        await until(lambda: a.counters.refused.get("unknown_node", 0) >= 1)

        assert not a.streams.connected(where.raft_id)
        assert not b.envelopes


async def test_mangled_streams_cost_a_connection_each_and_nothing_else() -> None:
    chance = random.Random(20261123)
    async with PeerNode("a", None, LIMITS) as node:

        async def echo(_: Identity, payload: bytes) -> bytes:
            return payload

        def picky(frm: int, payload: bytes) -> None:
            if not payload.startswith(b"envelope"):
                raise MalformedFrame("no envelope")

        node.handlers["t.echo"] = echo
        node.streams._on_envelope = picky
        hello = framed(encode_hello(identity("x")))
        sound = {
            KIND_RAFT: hello + framed(b"envelope 1") + framed(b"") + framed(b"envelope 2"),
            KIND_CALLS: hello + framed(encode_call(1, 1, "t.echo", b"1")) + framed(encode_call(2, 1, "t.echo", b"2")),
        }
        for number in range(120):
            kind = (KIND_RAFT, KIND_CALLS)[number % 2]
            data = bytearray(preamble(kind) + sound[kind])
            for _ in range(chance.randint(1, 4)):
                data[chance.randrange(len(data))] = chance.randrange(256)
            if chance.random() < 0.3:
                del data[chance.randrange(len(data)) :]
            stranger = await Stranger.dial(node, bytes(data), None)
            stranger.writer.write_eof()
            assert await stranger.ended()
            stranger.close()
        counted = [node.counters, node.call_counters]
        assert sum(each.bad_frames for each in counted) > 20
        assert node.counters.bad_preambles > 5
        assert sum(each.handlers_crashed for each in counted) == 0
        async with PeerNode("good", None) as good:
            assert await good.calls.call(node.address, "t.echo", b"fine") == b"fine"
        await until(lambda: sum(each.connections for each in counted) == 0)
        await until(lambda: node.listener is not None and node.listener.gate.waiting == 0)
        assert not node.roster._present


async def test_a_flood_of_handshakes_is_closed_before_tls_begins_and_counted(certs: Certificates) -> None:
    limits = PeerLimits(newcomers_per_address_burst=8, newcomers_per_address_per_s=0.001)
    async with PeerNode("a", certs.tls("a"), limits) as flooded:
        strangers = [await Stranger.dial(flooded, b"", None) for _ in range(30)]
        await until(lambda: flooded.counters.too_fast == 22)
        for stranger in strangers[8:]:
            assert await stranger.ended()
        for stranger in strangers:
            stranger.close()
