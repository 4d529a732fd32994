"""The etcd store, judged by the suite for all stores, on real servers of two releases with TLS both ways."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator

import pytest

from server.tests.etcd import EtcdCluster, Release, running
from server.tests.unit.metadata.store_suite import LEASE_S, StoreSuite
from themis_server.metadata.etcd import EtcdStore
from themis_server.metadata.etcd.connection import Member, rpc

_names = itertools.count(1)


class EtcdContestant:
    """Two nodes of a cluster that keeps its metadata in etcd."""

    def __init__(self, cluster: EtcdCluster) -> None:
        prefix = f"/themis/cluster-{next(_names)}"
        self.store = EtcdStore(cluster.settings(), prefix)
        self.other = EtcdStore(cluster.settings(), prefix)

    async def lapse(self) -> None:
        """Let a lease end; etcd looks twice a second."""
        await asyncio.sleep(LEASE_S + 1.5)

    async def forget(self) -> None:
        """Compact everything."""
        revision = (await self.store.list("/")).revision

        def compact(member: Member, allowed_s: float) -> object:
            return member.kv.Compact(rpc.CompactionRequest(revision=revision, physical=True), allowed_s)

        await self.store._connection.call(compact, again=False)

    async def close(self) -> None:
        """Close both clients."""
        await self.store.close()
        await self.other.close()


@pytest.fixture(scope="module", params=["3.4", "3.6"])
def cluster(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EtcdCluster]:
    release: Release = request.param
    with running(release, tmp_path_factory.mktemp("etcd")) as started:
        yield started


class TestEtcdStore(StoreSuite):
    """See `StoreSuite`."""

    @pytest.fixture
    async def contestant(self, cluster: EtcdCluster) -> AsyncIterator[EtcdContestant]:
        contestant = EtcdContestant(cluster)
        yield contestant
        await contestant.close()
