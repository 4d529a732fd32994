"""What counts and bounds: back-off, roster, gate, preamble, addresses."""

from __future__ import annotations

import socket

import pytest

from themis_server import ids
from themis_server.config import Peer
from themis_server.peer import Identity, PeerAddress, PeerLimits, Roster
from themis_server.peer.backoff import Backoff
from themis_server.peer.gate import Gate
from themis_server.peer.sockets import KIND_RAFT, kind_of, preamble, tune


def test_the_first_retry_is_at_once_and_the_others_wait_longer_each() -> None:
    backoff = Backoff(0.05, 1.0, lambda: 0.0)

    assert [backoff.failed() for _ in range(7)] == pytest.approx([0, 0.05, 0.1, 0.2, 0.4, 0.8, 1.0])
    for _ in range(100):
        assert backoff.failed() == 1.0
    backoff.succeeded()
    assert backoff.failed() == 0


def test_chance_shortens_a_wait_by_half_at_most() -> None:
    backoff = Backoff(0.05, 1.0, lambda: 0.999)
    waits = [backoff.failed() for _ in range(20)]

    assert 0.5 < waits[-1] < 0.501


def identity(node_id: str, instance: str) -> Identity:
    return Identity("prod", node_id, ids.raft_id(node_id), instance * 32, 0, "0")


def test_one_name_has_one_instance_at_a_time() -> None:
    roster = Roster()

    assert roster.enter(identity("a", "1"), "first") is None
    assert roster.enter(identity("a", "1"), "second") is None
    refusal = roster.enter(identity("a", "2"), "third")
    assert refusal is not None
    assert refusal.code == "duplicate_node"
    assert roster.enter(identity("b", "2"), "fourth") is None
    roster.leave(identity("a", "1"), "first")
    assert roster.enter(identity("a", "2"), "third") is not None
    roster.leave(identity("a", "1"), "second")
    assert roster.enter(identity("a", "2"), "third") is None
    roster.leave(identity("a", "2"), "nobody")
    roster.leave(identity("x", "2"), "nobody")


def test_the_gate_holds_so_many_in_all_and_of_one_address() -> None:
    gate = Gate(PeerLimits(unauthenticated_max=3, unauthenticated_per_address_max=2))
    first, second = gate.enter("x"), gate.enter("x")

    assert gate.enter("x") is None
    assert gate.enter("y") is not None
    assert gate.enter("z") is None
    assert first is not None
    assert second is not None
    first.leave()
    first.leave()
    assert gate.waiting == 2
    assert gate.enter("x") is not None


def test_a_preamble_says_the_kind() -> None:
    assert len(preamble(KIND_RAFT)) == 8
    assert kind_of(preamble(KIND_RAFT)) == KIND_RAFT
    for wrong in (b"", b"THEMIS\x01", b"THEMIS\x02R", b"THEMIS\x01X", b"GET / HT", b"\x16\x03\x01\x02\x00\x01\x00\x01"):
        assert kind_of(wrong) is None


def test_small_writes_are_not_delayed_and_a_dead_peer_is_noticed() -> None:
    with socket.socket() as sock:
        tune(sock)

        assert not sock.getblocking()
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 5000


def test_an_address_is_read_from_the_topology() -> None:
    assert PeerAddress.of("a", "[::1]:9080") == PeerAddress("a", ids.raft_id("a"), "::1", 9080)
    assert PeerAddress.of("", "db1:1").raft_id == 0
    assert PeerAddress.of("a", "[::1]:9080").where == "[::1]:9080"
    with pytest.raises(ValueError, match="HOST:PORT"):
        PeerAddress.of("a", "db1")


def test_limits_come_from_the_configuration() -> None:
    limits = PeerLimits.of(
        Peer(frame_bytes_max=1 << 20, queue_bytes_max=2 << 20, connect_timeout_s=1, call_timeout_s=3)
    )

    assert (limits.frame_bytes_max, limits.queue_bytes_max) == (1 << 20, 2 << 20)
    assert (limits.connect_timeout_s, limits.call_timeout_s) == (1, 3)
