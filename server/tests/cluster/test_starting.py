"""Starts that are cut off: by a signal, by a crash between two steps, by an order to stop that comes too early."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from server.tests.cluster.harness import Cluster, join_token, newcomer, until, urn
from tools.cluster import process


def test_a_node_that_waits_to_join_ends_when_it_is_told_to(cluster: Cluster) -> None:
    node = newcomer(cluster, "node-7", join_token(cluster), **{"cluster.join": "127.0.0.1:1"})
    process.spawn(node)
    until(lambda: "cluster.join.waits" in Path(node.log).read_text(), "an attempt to join")

    process.send(node, signal.SIGTERM)

    assert process.wait_gone(node, timeout_s=10)
    assert "node.start.ended" in Path(node.log).read_text()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_node_that_is_stopped_after_it_was_admitted_has_the_metadata_when_it_is_ready(
    own_cluster: Cluster, number: signal.Signals
) -> None:
    cluster = own_cluster
    for name in (urn(collection="first"), urn(collection="second")):
        assert cluster.put(cluster.nodes[0], name, {}).status_code == 201
    for count in range(4, 7):
        node = newcomer(cluster, f"node-{count}", join_token(cluster))
        process.spawn(node)
        until(lambda log=node.log: '"cluster.joined"' in Path(log).read_text(), "the admission")  # type: ignore[misc]
        process.send(node, number)
        assert process.wait_gone(node, timeout_s=20), Path(node.log).read_text()[-2000:]

        cluster.start(node)
        cluster.nodes.append(node)

        assert cluster.ask(node, "GET", "/namespaces/app/collections/second").status_code == 200
        assert cluster.put(node, urn(collection="first"), {}).status_code == 201
        names = cluster.ask(node, "GET", "/namespaces/app/collections").json()["items"]
        assert {"first", "second"} <= {item["name"] for item in names}
