"""Requests go to who leads their key, figures of clusters are made of all rounds, and a real cluster stands behind."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from benchmarks import clusters, process, rounds
from benchmarks.__main__ import _CLUSTER, _GROUPS
from benchmarks.clusters import Leaders
from benchmarks.load import documents
from benchmarks.load.filling import fill
from benchmarks.load.paced import read_file
from benchmarks.load.wrk import Report
from benchmarks.rounds import Effort, Sample
from benchmarks.scenarios import cluster_mixed, cluster_put
from benchmarks.servers import ServerError
from themis.placement import HASH_MAX, TokenTable, key_hash

_TABLE = TokenTable([(HASH_MAX // 2, "shard_001"), (HASH_MAX, "shard_002")])
_KEYS = documents.uuids(100)


def test_keys_are_grouped_by_the_node_that_leads_them() -> None:
    leaders = Leaders(_TABLE, {"shard_001": "node-1", "shard_002": "node-2"})

    groups = leaders.by_node(_KEYS)

    assert sorted(index for group in groups.values() for index in group) == list(range(100))
    assert all(key_hash(_KEYS[index]) <= HASH_MAX // 2 for index in groups["node-1"])
    assert leaders.led_by("node-2") == ["shard_002"]


def test_keys_of_a_shard_without_a_leader_are_left_out() -> None:
    groups = Leaders(_TABLE, {"shard_002": "node-2"}).by_node(_KEYS)

    assert set(groups) == {"node-2"}
    assert len(groups["node-2"]) < 100


def test_a_shard_without_a_key_is_an_error() -> None:
    leaders = Leaders(_TABLE, {})

    assert set(leaders.key_of_each_shard(_KEYS)) == {"shard_001", "shard_002"}
    with pytest.raises(ServerError, match="shard_00"):
        leaders.key_of_each_shard(_KEYS[:1])


def test_a_cluster_slower_than_the_bar_misses_it() -> None:
    def samples(requests: int) -> list[Sample]:
        return [Sample(Report(requests, 1_000_000, 1, {}, 1, 1), 1.0)]

    slow = cluster_put._figure("PUT", samples(140), "etcd", samples(100), "")
    fast = cluster_put._figure("PUT", samples(160), "etcd", samples(100), "")

    assert (slow.verdict, fast.verdict) == ("missed", "met")


def test_the_table_over_the_sizes_has_a_row_for_each_and_compares_the_last_two() -> None:
    one, three, five = ([cluster_mixed.Round(cpu, p50_ms=1.0, p99_ms=2.0, held_up_ms=0.5)] for cpu in (0.2, 0.5, 0.6))

    figures = cluster_mixed._figures(["1 node", "3 nodes", "5 nodes"], 2000, [one, three, five], [[9.0], [8.0], [7.0]])

    assert figures[0].value == pytest.approx(1.2)
    assert figures[0].verdict == "missed"
    assert figures[0].grid is not None
    assert figures[0].grid.rows[1] == ("3 nodes", "1 ms", "2 ms", "0.5", "8 /s")


def test_the_group_of_clusters_runs_all_of_them() -> None:
    assert _GROUPS["cluster"] == tuple(_CLUSTER)
    assert len(_CLUSTER) == 7


@pytest.mark.timeout(240)
@pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk is not installed: apt-get install -y wrk")
def test_a_real_cluster_is_asked_at_its_leaders_and_all_its_processes_are_charged(tmp_path: Path) -> None:
    with clusters.running(tmp_path / "cluster", shards=4) as cluster:
        fill(cluster.port, _KEYS)
        spread = cluster.spread(tmp_path, "get", _KEYS)
        (taken,) = rounds.alternate(Effort(1, 1, 1), [cluster.contender(spread, 4)])
        pids = cluster.pids
        used_s = process.cpu_s_of(pids)

        assert len(pids) == 3
        assert sum(len(read_file(target.requests)) for target in spread.targets) == 100
        assert {target.port for target in spread.targets} == {node.client_port for node in cluster.nodes}
        assert taken[0].report.requests > 0
        assert 0 < taken[0].cpu_s < used_s

    for pid in pids:
        with pytest.raises(ProcessLookupError):
            process.cpu_s(pid)
