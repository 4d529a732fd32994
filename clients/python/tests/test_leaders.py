"""Who leads: topologies and hints that contradict each other."""

from __future__ import annotations

import itertools

import pytest

from themis.leaders import Claim, Leaders
from themis.transport.message import Endpoint

A, B, C = (Endpoint.parse(f"http://{name}:8080") for name in "abc")


def claim(leader: Endpoint | None, term: int, replicas: tuple[Endpoint, ...] = (A, B, C)) -> list[Claim]:
    return [Claim("s", leader, term, replicas)]


@pytest.mark.parametrize("order", list(itertools.permutations([(A, 5), (B, 6), (C, 4)])))
def test_the_greatest_term_leads_in_whatever_order_it_is_heard(order: list[tuple[Endpoint, int]]) -> None:
    leaders = Leaders()
    for leader, term in order:
        leaders.take(claim(leader, term))
    assert leaders.of("s") == B


def test_without_terms_the_newest_topology_is_right() -> None:
    leaders = Leaders()
    leaders.take(claim(A, 0))
    assert leaders.hint("s", C)
    leaders.take(claim(B, 0))
    assert leaders.of("s") == B


def test_a_hint_stands_until_a_later_term() -> None:
    leaders = Leaders()
    leaders.take(claim(A, 5))
    assert leaders.hint("s", B)
    assert not leaders.hint("s", B), "no news"
    leaders.take(claim(A, 5))
    assert leaders.of("s") == B
    leaders.take(claim(C, 6))
    assert leaders.of("s") == C


def test_no_leader_clears_the_leader_and_keeps_the_term() -> None:
    leaders = Leaders()
    leaders.take(claim(A, 5))
    leaders.take(claim(None, 0))
    assert leaders.of("s") is None
    leaders.take(claim(B, 4))
    assert leaders.of("s") is None, "an older claim does not come back"
    leaders.take(claim(B, 6))
    assert leaders.of("s") == B


def test_a_leader_that_lost_its_replica_is_none() -> None:
    leaders = Leaders()
    leaders.take(claim(C, 5))
    leaders.take(claim(A, 4, (A, B)))
    assert leaders.of("s") is None
    leaders.take(claim(A, 5))
    leaders.hint("s", C)
    leaders.take(claim(A, 5, (A, B)))
    assert leaders.of("s") == A


def test_shards_that_are_gone_are_forgotten_and_strangers_are_not_taken() -> None:
    leaders = Leaders()
    leaders.take(claim(A, 5))
    leaders.take([Claim("t", B, 1, (A, B))])
    assert leaders.of("s") is None
    assert not leaders.hint("s", A)
    assert leaders.of("s") is None
