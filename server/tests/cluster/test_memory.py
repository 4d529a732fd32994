"""A peer that takes nothing, or is not there, costs the others no memory that grows with what they would send it."""

from __future__ import annotations

import base64
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from server.tests.cluster.harness import Cluster, until, urn
from tools.cluster import process
from tools.cluster.state import NodeState

_MIB = 1 << 20
_ITEMS = 32
_DOCUMENT = {"text": base64.b64encode(os.urandom(48 << 10)).decode()}
_RATE_BYTES_PER_S = 16 * _MIB
"""Not as fast as can be: a log is cut twice a second only, and what comes meanwhile is kept."""
_BATCH_BYTES = _ITEMS * len(_DOCUMENT["text"])
_ENTITIES = 256
"""They are written over and over: the state, and what is kept in memory of it, does not grow."""
_WARM_BYTES = 64 * _MIB
_SLACK_BYTES = 20 * _MIB
"""What the peak may rise by on top of the log that is kept for the peer: the queue to it, and the allocator's whims."""
_SMALL = {
    "peer.queue_bytes_max": str(_MIB),
    "raft.log_compact_bytes": str(_MIB),
    "storage.block_cache_bytes": str(_MIB),
    "storage.entity_cache_bytes": str(_MIB),
    "storage.write_buffer_bytes": str(_MIB),
}


def _peak_bytes(node: NodeState) -> int:
    """Return the most memory that a process ever had resident."""
    lines = Path(f"/proc/{node.pid}/status").read_text().splitlines()
    (peak,) = [line for line in lines if line.startswith("VmHWM:")]
    return int(peak.split()[1]) << 10


def _write(node: NodeState, size_bytes: int, after_each: Callable[[], None] = lambda: None) -> None:
    """Write so many bytes of documents through a node."""
    began_s = time.monotonic()
    with httpx.Client(base_url=node.endpoint, timeout=60.0) as client:
        for batch in range(size_bytes // _BATCH_BYTES):
            time.sleep(max(0.0, began_s + batch * _BATCH_BYTES / _RATE_BYTES_PER_S - time.monotonic()))
            names = [urn((batch * _ITEMS + item) % _ENTITIES, "large") for item in range(_ITEMS)]
            answer = client.post("/batch/put", json={"items": [{"urn": name, "doc": _DOCUMENT} for name in names]})
            assert all("version" in item for item in answer.json()["items"]), answer.text[:800]
            after_each()


@pytest.mark.parametrize(
    ("number", "retain_bytes", "sent_bytes"),
    # What a slow peer lacks is to be sent while the log has it: only its bound keeps all of that out of the queue.
    [(signal.SIGSTOP, 32 * _MIB, 192 * _MIB), (signal.SIGKILL, _MIB, 96 * _MIB)],
    ids=["slow", "dead"],
)
def test_what_a_peer_does_not_take_is_not_kept_for_it(
    tmp_path: Path, number: signal.Signals, retain_bytes: int, sent_bytes: int
) -> None:
    settings = {**_SMALL, "raft.log_retain_bytes": str(retain_bytes)}
    # One shard: all that is sent waits in one queue and one log.
    with Cluster.formed(tmp_path / "cluster", shards=1, settings=settings) as cluster:
        leader = cluster.node(next(iter(cluster.leaders().values())) or "")
        peer, other = [node for node in cluster.nodes if node is not leader]
        _write(leader, _WARM_BYTES)
        before = {node.id: _peak_bytes(node) for node in (leader, other)}
        refused: list[float] = []

        def look() -> None:
            dropped = cluster.metric(leader, "themis_peer_envelopes_dropped_total")
            if cluster.metric(leader, "themis_peers_connected") == len(cluster.nodes) - 1:
                refused.append(dropped)

        def grown() -> dict[str, int]:
            return {node.id: _peak_bytes(node) - before[node.id] for node in (leader, other)}

        look()
        process.send(peer, number)
        _write(leader, sent_bytes, look)
        assert max(grown().values()) < retain_bytes + _SLACK_BYTES, (before, grown())

        if number is signal.SIGSTOP:
            # The stream to it stood for a while (a silence breaks it), and its queue took no more.
            assert refused[-1] > refused[0]
            process.send(peer, signal.SIGCONT)
        else:
            assert process.wait_gone(peer)
            cluster.start(peer)

        # It comes back to more than what the log has.
        cluster.whole()
        newest = urn(_ENTITIES - 1, "large")
        version = cluster.put(leader, newest, {"n": 1}).json()["version"]

        def has_it() -> bool:
            answer = cluster.get(peer, newest, consistency="eventual")
            return (answer.headers.get("Themis-Node"), answer.headers.get("ETag")) == (peer.id, f'"{version}"')

        until(has_it, "the peer to have caught up", 60)
        assert max(grown().values()) < retain_bytes + _SLACK_BYTES, (before, grown())
