"""Strong reads at leaders without leases: the short ways of a single one and of a batch, after their proofs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from server.tests.unit.gateway.test_shards import NUMBERS, document, get, leads_all, put
from server.tests.unit.inprocess import InProcess, urn
from server.tests.unit.inprocess_cluster import InProcessCluster
from themis.urn import split_urn
from themis_server.shard.reading import STRONG, Need
from themis_server.shard.refusal import Reason, Refused
from themis_server.shard.replica import Replica
from themis_server.statemachine.command import WriteOp


@pytest.fixture
async def cluster() -> AsyncIterator[InProcessCluster]:
    async with InProcessCluster() as started:
        yield started


async def led_here(cluster: InProcessCluster, monkeypatch: pytest.MonkeyPatch) -> tuple[InProcess, list[str]]:
    """Return the node that leads the shard of entity 1, and the shards that it begins proofs for from now on."""
    await put(cluster.nodes["node-1"], 1, b'{"n":1}')
    leader = cluster.leader(cluster.group_of(1))
    prove = Replica.begin_proof
    proven: list[str] = []

    def begin_proof(replica: Replica, need: Need) -> asyncio.Future[float]:
        proven.append(replica.shard_id)
        return prove(replica, need)

    monkeypatch.setattr(Replica, "begin_proof", begin_proof)
    return leader, proven


async def test_a_leader_answers_after_one_proof_what_is_there_and_what_is_not(
    cluster: InProcessCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    leader, proven = await led_here(cluster, monkeypatch)
    found = await get(leader, 1)
    await leader.entities.write(WriteOp.DELETE, *split_urn(urn(1)), b"", None, None)
    missing = await get(leader, 1)

    assert (document(found), document(missing)) == (b'{"n":1}', None)
    assert (found.served.node_id, found.served.role, found.served.lag_ms) == (leader.me.node_id, "leader", 0)
    assert missing.served.role == "leader"
    assert missing.served.version > found.served.version
    assert len(proven) == 2


@pytest.mark.parametrize(("what", "role"), [("installs", "leader"), ("is_leader", "follower")])
async def test_what_changes_under_a_read_is_noticed_after_it(
    cluster: InProcessCluster, monkeypatch: pytest.MonkeyPatch, what: str, role: str
) -> None:
    leader, proven = await led_here(cluster, monkeypatch)
    view = leader.driver.views[cluster.group_of(1)]
    read = Replica.get
    shown: list[bytes | None] = []

    def get_while_it_changes(replica: Replica, collection: int, raw: bytes) -> bytes | None:
        shown.append(read(replica, collection, raw))
        if len(shown) == 1:
            monkeypatch.setattr(view, what, {"installs": view.installs + 2, "is_leader": False}[what])
        return shown[-1]

    monkeypatch.setattr(Replica, "get", get_while_it_changes)
    found = await get(leader, 1)

    assert document(found) == b'{"n":1}'
    assert (len(shown), len(proven)) == (2, 1), "it was read anew, under the same proof"
    assert found.served.role == role
    assert (found.served.lag_ms == 0) == (role == "leader")


async def test_a_batch_asks_again_for_the_shard_whose_proof_failed_and_for_no_other(
    cluster: InProcessCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    origin = await leads_all(cluster)
    prove = Replica.begin_proof
    begun: list[str] = []

    def begin_proof(replica: Replica, need: Need) -> asyncio.Future[float]:
        begun.append(replica.shard_id)
        proof = prove(replica, need)
        if len(begun) == 1:
            proof.set_exception(Refused(Reason.NOT_LEADER, "no majority at the moment", 0, retry_after_s=1))
        return proof

    monkeypatch.setattr(Replica, "begin_proof", begin_proof)
    read, _ = await origin.batches.read([urn(number) for number in NUMBERS], STRONG)

    assert all(error is None for _, _, error in read)
    assert sorted(begun) == sorted([*origin.topology.groups, begun[0]])
