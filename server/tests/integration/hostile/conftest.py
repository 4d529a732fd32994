"""The node that all of it is sent to."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from server.tests.integration.hostile.wire import ENTITY, RSS_MIB_MAX
from server.tests.process import Fleet, Node
from server.tests.rawhttp import exchange, request


@pytest.fixture(scope="package")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """One node for all of it, with short time-outs: what one test leaves behind must not hurt the next."""
    with Fleet(tmp_path_factory.mktemp("hostile")) as fleet:
        settings = {
            "limits.header_timeout_s": 1,
            "limits.body_timeout_s": 1,
            "limits.idle_timeout_s": 2,
            "http.cors_origins": "https://console.example.org",
        }
        started = fleet.start(settings=settings)
        assert exchange(started.port, request("PUT", ENTITY, b'{"a":1}')).status == 201
        yield started
        assert started.running, "the node has ended"
        assert started.rss_mib() < RSS_MIB_MAX
        fleet.check_logs()


@pytest.fixture(autouse=True)
def _still_well(node: Node) -> Iterator[None]:
    yield
    reply = exchange(node.port, request("GET", ENTITY))
    assert reply.status == 200, reply
    assert node.rss_mib() < RSS_MIB_MAX
