"""The embedded store, judged by the suite for all stores: as the leader's node has it, and as a follower's has it."""

from __future__ import annotations

import pytest

from server.tests.unit.metadata.group import LaggingGroup
from server.tests.unit.metadata.store_suite import LEASE_S, StoreSuite


class EmbeddedContestant:
    """Two nodes of a cluster with the metadata in itself."""

    def __init__(self, *, follower_first: bool) -> None:
        self.group = LaggingGroup()
        stores = [self.group.leader.store, self.group.followers[0].store]
        self.other, self.store = stores if follower_first else reversed(stores)

    async def lapse(self) -> None:
        """Let a lease end."""
        self.group.clock.advance(LEASE_S)
        await self.group.leader.store.end_expired_leases(self.group.clock.unix_ms())

    async def forget(self) -> None:
        """Forget all changes, as if both had been sent a snapshot."""
        await self.group.followers[0].barrier()
        for member in (self.group.leader, *self.group.followers):
            member.store.replaced()


class TestEmbeddedStore(StoreSuite):
    """See `StoreSuite`."""

    @pytest.fixture(params=["leader", "follower"])
    def contestant(self, request: pytest.FixtureRequest) -> EmbeddedContestant:
        return EmbeddedContestant(follower_first=request.param == "follower")
