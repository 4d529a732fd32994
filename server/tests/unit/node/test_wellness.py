"""A node whose disk is full or slow gives its leaderships to nodes that are well, and takes them again later."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import pytest

from themis_server import __version__
from themis_server.metadata.topology import NodeReport
from themis_server.node.observing import DriverObserver
from themis_server.node.wellness import SLOW_SYNC_S, Wellness
from themis_server.observability.instruments import Instruments
from themis_server.replication.driver import Driver
from themis_server.replication.thread import DriverThread
from themis_server.storage.space import DiskSpace

WELL = [NodeReport("node-1", "a"), NodeReport("node-2", "b")]
NOBODY_ELSE_WELL = [NodeReport("node-1", "a"), NodeReport("node-2", "b", health="degraded")]


class _Space:
    is_short = False

    def short(self) -> bool:
        return self.is_short


class _Thread:
    def __init__(self) -> None:
        self.told: list[str] = []

    def call(self, step: Callable[[Driver], Any]) -> None:
        self.told.append(step.__name__)


class _Node:
    def __init__(self) -> None:
        self.space, self.thread = _Space(), _Thread()
        self.observer = DriverObserver(Instruments(__version__))
        self.wellness = Wellness("node-1", cast(DiskSpace, self.space), self.observer, cast(DriverThread, self.thread))


@pytest.fixture
def node() -> _Node:
    return _Node()


def test_a_node_that_is_well_leads(node: _Node) -> None:
    for _ in range(10):
        node.observer.logged(1, 100, 0.002)
    node.wellness.look(WELL)
    assert node.wellness.complaints() == []
    assert node.thread.told == []


def test_a_full_disk_and_a_slow_one_are_named_and_cost_the_lead(node: _Node) -> None:
    node.space.is_short = True
    node.wellness.look(WELL)
    assert "full" in node.wellness.complaints()[0]
    for _ in range(5):
        node.observer.logged(1, 100, SLOW_SYNC_S * 2)
    assert "slow" in node.wellness.complaints()[1]
    node.wellness.look(WELL)
    assert node.thread.told == ["hand_over", "hand_over"], "as long as it lasts: it may be elected again"


def test_a_node_that_is_well_again_keeps_what_it_leads(node: _Node) -> None:
    node.space.is_short = True
    node.wellness.look(WELL)
    node.space.is_short = False
    node.wellness.look(WELL)
    node.wellness.look(WELL)
    assert node.thread.told == ["hand_over", "keep_leading"]


def test_where_nobody_is_well_leaders_stay(node: _Node) -> None:
    node.space.is_short = True
    node.wellness.look(NOBODY_ELSE_WELL)
    node.wellness.look([NodeReport("node-1", "a")])
    assert node.thread.told == []


def test_one_slow_sync_is_no_reason(node: _Node) -> None:
    node.observer.logged(1, 100, 5.0)
    for _ in range(9):
        node.observer.logged(1, 100, 0.002)
    assert node.wellness.complaints() == []


def test_a_disk_that_becomes_slow_is_noticed_after_a_few_syncs(node: _Node) -> None:
    for _ in range(100):
        node.observer.logged(1, 100, 0.002)
    for _ in range(4):
        assert node.wellness.complaints() == []
        node.observer.logged(1, 100, SLOW_SYNC_S * 2)
    assert "slow" in node.wellness.complaints()[0]
