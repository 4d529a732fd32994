"""What counts and bounds: back-off, roster, gate, preamble, addresses."""

from __future__ import annotations

import socket

import pytest

from themis_server import ids
from themis_server.config import Peer
from themis_server.peer import Identity, PeerAddress, PeerLimits, Roster
from themis_server.peer.backoff import Backoff
from themis_server.peer.gate import Gate, Permit
from themis_server.peer.sockets import KIND_RAFT, kind_of, preamble, tune


def test_the_first_retry_is_at_once_and_the_others_wait_longer_each() -> None:
    backoff = Backoff(0.05, 1.0, lambda: 0.0)

    assert [backoff.failed() for _ in range(7)] == pytest.approx([0, 0.05, 0.1, 0.2, 0.4, 0.8, 1.0])
    for _ in range(100):
        assert backoff.failed() == 1.0
    backoff.succeeded()
    assert backoff.failed() == 0


def test_a_connection_that_stood_is_made_again_soon_however_often_it_breaks() -> None:
    backoff = Backoff(0.05, 1.0, lambda: 0.0)
    assert [backoff.broke() for _ in range(5)] == [0.0, 0.05, 0.1, 0.1, 0.1]
    for _ in range(8):
        backoff.failed()
    assert backoff.failed() == 1.0
    assert backoff.broke() == 0.1  # it is there again


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
    first, second = gate.enter("x", 0), gate.enter("x", 0)

    assert gate.enter("x", 0) == "crowded_out"
    assert isinstance(gate.enter("y", 0), Permit)
    assert gate.enter("z", 0) == "crowded_out"
    assert isinstance(first, Permit)
    assert isinstance(second, Permit)
    first.leave()
    first.leave()
    assert gate.waiting == 2
    assert isinstance(gate.enter("x", 0), Permit)


def _come(gate: Gate, address: str, count: int, now_s: float) -> int:
    """Let connections come and go; returns how many were let in."""
    permits = [gate.enter(address, now_s) for _ in range(count)]
    let_in = [permit for permit in permits if isinstance(permit, Permit)]
    for permit in let_in:
        permit.leave()
    return len(let_in)


def test_an_address_has_a_burst_and_then_so_many_a_second() -> None:
    limits = PeerLimits(
        newcomers_per_address_per_s=10, newcomers_per_address_burst=20, unauthenticated_per_address_max=99
    )
    gate = Gate(limits)

    assert _come(gate, "x", 50, 0.0) == 20
    assert gate.enter("x", 0.05) == "too_fast"
    assert _come(gate, "y", 5, 0.05) == 5
    assert _come(gate, "x", 50, 1.0) == 10
    assert _come(gate, "x", 50, 60.0) == 20
    assert _come(gate, "x", 50, 59.0) == 0  # a clock that goes back gives nothing


def test_strangers_share_an_allowance_that_nodes_do_not_need() -> None:
    limits = PeerLimits(strangers_per_s=10, strangers_burst=20, unauthenticated_max=3)
    gate = Gate(limits)
    node = gate.enter("node", 0)
    assert isinstance(node, Permit)
    node.greeted()
    assert gate.waiting == 0

    assert sum(_come(gate, f"stranger-{number}", 1, 0.0) for number in range(100)) == 19
    assert gate.enter("stranger-0", 0.0) == "too_fast"
    assert isinstance(gate.enter("node", 0.0), Permit)
    held = [gate.enter(f"idle-{number}", 10.0) for number in range(5)]
    assert held.count("crowded_out") == 3
    assert isinstance(gate.enter("node", 10.0), Permit)


def test_the_gate_remembers_a_bounded_number_of_addresses() -> None:
    gate = Gate(PeerLimits(strangers_per_s=1e9, strangers_burst=1_000_000, unauthenticated_max=1_000_000))
    for number in range(20_000):
        permit = gate.enter(f"address-{number}", number * 0.01)
        assert isinstance(permit, Permit)
        permit.greeted()

    assert len(gate._rates) <= 4096
    assert len(gate._known) <= 1024


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
