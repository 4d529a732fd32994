"""The etcd store while etcd is stopped, restarted, led by another member, slow, out of reach, or an older one."""

from __future__ import annotations

import asyncio
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from server.tests.etcd import EtcdCluster, EtcdMember, running
from server.tests.unit.metadata.store_suite import watched
from server.tests.unit.metadata.world import node
from themis.urn import UrnPrefix
from themis_server.errors import ErrorCode, ThemisServerError
from themis_server.metadata import topology as topologies
from themis_server.metadata import transitions
from themis_server.metadata.catalog import Catalog, CollectionOptions, NamespaceOptions
from themis_server.metadata.etcd import EtcdSettings, EtcdStore
from themis_server.metadata.etcd.connection import Member, rpc
from themis_server.metadata.fencing import Fence
from themis_server.metadata.keeper import TopologyKeeper, load_or_create
from themis_server.metadata.lastknown import InMemory, Remembering
from themis_server.metadata.store import Compacted, Put
from themis_server.metadata.topology import TopologyView

PREFIX = "/themis/test"
_WAIT_S = 30


@pytest.fixture
def etcd(tmp_path: Path) -> Iterator[EtcdCluster]:
    with running("3.6", tmp_path) as cluster:
        yield cluster


@pytest.fixture
def three(tmp_path: Path) -> Iterator[EtcdCluster]:
    with running("3.6", tmp_path, 3) as cluster:
        yield cluster


@asynccontextmanager
async def opened(settings: EtcdSettings, local: InMemory | None = None) -> AsyncIterator[EtcdStore]:
    """A client, closed at the end."""
    store = EtcdStore(settings, PREFIX, local)
    try:
        yield store
    finally:
        await store.close()


async def refused(call: Any, code: ErrorCode) -> ThemisServerError:
    with pytest.raises(ThemisServerError) as raised:
        await call
    assert raised.value.code == code, repr(raised.value)
    return raised.value


class Load:
    """Writes key after key, and a watch beside it that must see every one that was acknowledged."""

    def __init__(self, store: EtcdStore) -> None:
        self._store = store
        self.acknowledged: dict[str, int] = {}
        self.refused = 0
        self.seen: dict[str, int] = {}
        self._order: list[int] = []
        self._progress = asyncio.Event()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Write and watch for as long as the block lasts, and check at its end that nothing was lost."""
        start = (await self._store.list("/load/")).revision
        watching = asyncio.create_task(self._watch(start))
        writing = asyncio.create_task(self._write())
        await self.written(20)
        yield
        assert not writing.done(), writing
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)
        async with asyncio.timeout(_WAIT_S):
            while self.acknowledged.keys() - self.seen.keys():
                await asyncio.sleep(0.02)
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        assert self._order == sorted(set(self._order)), "events came twice or out of order"
        assert {key: self.seen[key] for key in self.acknowledged} == self.acknowledged

    async def written(self, more: int) -> None:
        """Wait until so many more writes were acknowledged."""
        wanted = len(self.acknowledged) + more
        async with asyncio.timeout(_WAIT_S):
            while len(self.acknowledged) < wanted:
                await self._progress.wait()
                self._progress.clear()

    async def _write(self) -> None:
        number = 0
        while True:
            number += 1
            key = f"/load/{number:06}"
            try:
                revision = await self._store.transaction({key: 0}, [Put(key, b"")])
            except ThemisServerError as error:
                if error.code not in (ErrorCode.METADATA_UNAVAILABLE, ErrorCode.OUTCOME_UNKNOWN):
                    raise
                self.refused += 1
                continue
            assert revision is not None
            self.acknowledged[key] = revision
            self._progress.set()
            await asyncio.sleep(0.002)

    async def _watch(self, start: int) -> None:
        async for event in self._store.watch("/load/", start):
            assert event.key not in self.seen
            self.seen[event.key] = event.revision
            self._order.append(event.revision)


def _stored_epoch(member: Member, allowed_s: float) -> int:
    """Read what etcd itself has, past the fence."""
    found = member.kv.Range(rpc.RangeRequest(key=f"{PREFIX}/topology".encode()), allowed_s)
    return topologies.decode(found.kvs[0].value).epoch


def leader(cluster: EtcdCluster, ids: dict[str, int], leader_id: int) -> EtcdMember:
    return next(member for member in cluster.members if ids[member.endpoint] == leader_id)


async def leader_of(cluster: EtcdCluster, store: EtcdStore) -> EtcdMember:
    """Ask every member who it is and whom it follows."""

    def ask(member: Member) -> tuple[int, int]:
        status = rpc.MaintenanceStub(member.channel).Status(rpc.StatusRequest(), 5)
        return status.header.member_id, status.leader

    answers = {member.endpoint: await asyncio.to_thread(ask, member) for member in store._connection._members}
    ids = {endpoint: member_id for endpoint, (member_id, _) in answers.items()}
    return leader(cluster, ids, next(iter(answers.values()))[1])


# Stopped and started


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
async def test_a_restart_of_etcd_loses_no_event(etcd: EtcdCluster, how: signal.Signals) -> None:
    (member,) = etcd.members
    async with opened(etcd.settings(2)) as store:
        load = Load(store)
        async with load.running():
            for _ in range(2):
                member.signal(how)
                await asyncio.to_thread(member.kill)
                await asyncio.to_thread(member.start)
                await load.written(20)


async def answered(store: EtcdStore, key: str) -> bytes:
    """Ask until there is an answer."""
    async with asyncio.timeout(_WAIT_S):
        while True:
            try:
                value = await store.get(key)
            except ThemisServerError as error:
                if error.code != ErrorCode.METADATA_UNAVAILABLE:
                    raise
                continue
            assert value is not None
            return value.data


async def test_while_etcd_is_away_nothing_is_done_and_it_is_said_which(etcd: EtcdCluster) -> None:
    async with opened(etcd.settings()) as patient:
        await patient.put("/a", b"1")
    async with opened(etcd.settings(0.5)) as store:
        assert await answered(store, "/a") == b"1"
        etcd.kill()

        await refused(store.get("/a"), ErrorCode.METADATA_UNAVAILABLE)
        await refused(store.put("/a", b"2"), ErrorCode.METADATA_UNAVAILABLE)

        await asyncio.to_thread(etcd.start)
        assert await answered(store, "/a") == b"1"


async def test_a_change_that_etcd_does_not_confirm_may_have_happened(etcd: EtcdCluster) -> None:
    async with opened(etcd.settings()) as patient:
        await patient.put("/a", b"1")
    async with opened(etcd.settings(0.5)) as store:
        assert await answered(store, "/a") == b"1"
        etcd.members[0].signal(signal.SIGSTOP)

        await refused(store.put("/a", b"2"), ErrorCode.OUTCOME_UNKNOWN)
        await refused(store.get("/a"), ErrorCode.METADATA_UNAVAILABLE)
        etcd.members[0].signal(signal.SIGCONT)

        assert await answered(store, "/a") in (b"1", b"2")


async def test_a_lease_outlives_a_restart_of_etcd(etcd: EtcdCluster) -> None:
    async with opened(etcd.settings()) as store:
        lease = await store.grant_lease(5)
        await store.put("/nodes/1", b"", lease=lease)
        etcd.kill()
        await asyncio.to_thread(etcd.start)

        assert await store.keep_lease(lease, 5)
        assert await store.get("/nodes/1") is not None


# Three members


async def test_a_member_that_is_away_is_passed_over(three: EtcdCluster) -> None:
    async with opened(three.settings()) as first:
        lead = await leader_of(three, first)
    follower = next(member for member in three.members if member is not lead)
    follower.kill()
    settings = three.settings(2)
    order = (follower.endpoint, *[one for one in settings.endpoints if one != follower.endpoint])

    async with opened(EtcdSettings(order, settings.ca, settings.cert, settings.key, 2)) as store:
        revision = await store.put("/a", b"1")
        assert await watched(store, "/", revision - 1, 1)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
async def test_a_lost_leader_of_etcd_costs_no_event(three: EtcdCluster, how: signal.Signals) -> None:
    async with opened(three.settings(2)) as store:
        load = Load(store)
        async with load.running():
            lead = await leader_of(three, store)
            lead.signal(how)
            await load.written(50)
            if how == signal.SIGKILL:
                await asyncio.to_thread(lead.kill)
                await asyncio.to_thread(lead.start)
            else:
                lead.signal(signal.SIGCONT)
            await load.written(50)


# Compacted


async def test_changes_that_were_compacted_while_etcd_was_away_are_listed_again(etcd: EtcdCluster) -> None:
    async with opened(etcd.settings()) as store, opened(etcd.settings()) as other:
        start = await store.put("/t/0", b"")
        async with aclosing(store.watch("/t/", start)) as events:  # type: ignore[type-var]
            waiting = asyncio.ensure_future(anext(events))
            await asyncio.sleep(0.2)
            store._connection._members[0].channel.close()  # it is cut off from etcd, while others go on
            for number in range(1, 5):
                last = await other.put(f"/t/{number}", b"")

            def compact(member: Member, allowed_s: float) -> object:
                return member.kv.Compact(rpc.CompactionRequest(revision=last, physical=True), allowed_s)

            await other._connection.call(compact, again=False)
            store._connection._members = list(other._connection._members)
            with pytest.raises(Compacted):
                await asyncio.wait_for(waiting, _WAIT_S)

        listing = await store.list("/t/")
        assert len(listing.values) == 5


# Restored from an old backup


async def test_an_etcd_that_was_restored_from_an_old_backup_takes_no_change(etcd: EtcdCluster, tmp_path: Path) -> None:
    local = InMemory()
    async with opened(etcd.settings(), local) as store:
        at = await store.put("/catalog/next_id", b"1")
        await asyncio.to_thread(etcd.back_up, tmp_path / "backup")
        await store.put("/catalog/next_id", b"2")
        await asyncio.to_thread(etcd.restore, tmp_path / "backup")

        error = await refused(
            store.transaction({"/catalog/next_id": at}, [Put("/x", b"")]), ErrorCode.METADATA_OUTDATED
        )
        await refused(store.get("/catalog/next_id"), ErrorCode.METADATA_OUTDATED)
        await refused(watched(store, "/", at, 1), ErrorCode.METADATA_OUTDATED)
        assert "metadata store is older than this node has seen" in error.detail

    async with opened(etcd.settings(), local) as restarted:
        await refused(restarted.get("/x"), ErrorCode.METADATA_OUTDATED)
    async with opened(etcd.settings()) as stranger:
        assert await stranger.get("/x") is None


async def test_a_watch_that_opens_while_etcd_is_restored_does_not_wait_on_the_old_state_for_ever(
    etcd: EtcdCluster, tmp_path: Path
) -> None:
    async with opened(etcd.settings()) as store:
        await store.put("/a", b"1")
        await asyncio.to_thread(etcd.back_up, tmp_path / "backup")
        at = await store.put("/a", b"2")
        connect = store._connection.stream

        def restored_just_before(request: Any) -> Any:
            etcd.restore(tmp_path / "backup")
            return connect(request)

        store._connection.stream = restored_just_before  # type: ignore[method-assign]
        async with asyncio.timeout(_WAIT_S):
            await refused(watched(store, "/", at, 1), ErrorCode.METADATA_OUTDATED)


async def test_a_node_whose_etcd_was_restored_goes_on_with_what_it_knew(etcd: EtcdCluster, tmp_path: Path) -> None:
    local = InMemory()

    async with opened(etcd.settings(), local) as store:
        fence = Fence(local)
        view = TopologyView(await load_or_create(store, node(1), 2, 1, replicas=3, embedded=False, fence=fence))
        keeper = TopologyKeeper(store, view, fence, lambda: node(1))
        following = asyncio.create_task(keeper.follow())
        await asyncio.to_thread(etcd.back_up, tmp_path / "backup")
        await keeper.change(lambda topology: transitions.admit(topology, node(2)))
        await asyncio.to_thread(etcd.restore, tmp_path / "backup")

        async with asyncio.timeout(_WAIT_S):
            while not fence.refused:
                await asyncio.sleep(0.02)
        await refused(keeper.change(lambda t: transitions.set_replicas(t, 5)), ErrorCode.METADATA_OUTDATED)
        assert view.epoch == 2
        following.cancel()

    async with opened(etcd.settings(), local) as store:
        fence = Fence(local)
        restarted = await load_or_create(store, node(1), 2, 1, embedded=False, fence=fence)
        assert restarted == view.current
        assert (await store._connection.call(_stored_epoch, again=True)) == 1


async def test_a_restored_etcd_that_others_have_written_to_since_is_recognised(
    etcd: EtcdCluster, tmp_path: Path
) -> None:
    async with opened(etcd.settings()) as store:
        await store.put("/a", b"1")
        await asyncio.to_thread(etcd.back_up, tmp_path / "backup")
        await store.put("/a", b"2")
        await asyncio.to_thread(etcd.restore, tmp_path / "backup")
        foreign = EtcdStore(etcd.settings(), "/somebody/else")
        for _ in range(10):  # the revision of etcd is now past what the node has seen
            await foreign.put("/b", b"")
        await foreign.close()

        await refused(store.put("/a", b"3"), ErrorCode.METADATA_OUTDATED)


# Slow


async def test_a_slow_disk_of_etcd_makes_it_slow_and_nothing_else(etcd: EtcdCluster) -> None:
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed; on Debian: apt-get install -y strace")
    async with opened(etcd.settings(5)) as store:
        load = Load(store)
        async with load.running():
            trace = ["-qqfe", "trace=fdatasync", "-e", "inject=fdatasync:delay_enter=150000", "-o", "/dev/null"]
            slow = subprocess.Popen(["strace", *trace, "-p", str(etcd.members[0].pid)])
            try:
                await load.written(10)
            finally:
                slow.terminate()
                await asyncio.to_thread(slow.wait)
            await load.written(20)
        assert load.refused == 0


# Security


async def test_without_a_certificate_of_the_cluster_etcd_is_not_to_be_had(etcd: EtcdCluster) -> None:
    full = etcd.settings(1)

    async with opened(EtcdSettings(full.endpoints, full.ca, timeout_s=1)) as stranger:
        await refused(stranger.get("/a"), ErrorCode.METADATA_UNAVAILABLE)
    async with opened(EtcdSettings(full.endpoints, timeout_s=1)) as plain:
        await refused(plain.get("/a"), ErrorCode.METADATA_UNAVAILABLE)


# The catalog on top


async def test_a_node_starts_with_the_catalog_that_it_knew_while_etcd_is_away(etcd: EtcdCluster) -> None:
    local = InMemory()
    users = UrnPrefix("document", "app", "users")

    def catalog(store: EtcdStore) -> tuple[Catalog, Remembering]:
        remembering = Remembering(store, local, "/catalog/")
        return Catalog(remembering, auto_create_namespaces=True, auto_create_collections=True), remembering

    async with opened(etcd.settings(), local) as store:
        first, remembering = catalog(store)
        await first.load()
        following = asyncio.create_task(first.follow())
        await first.create_namespace("app", NamespaceOptions(), 5)
        created = await first.create_collection(users, CollectionOptions(), 5)
        following.cancel()
        remembering.flush()
    etcd.kill()

    async with opened(etcd.settings(1), local) as store:
        second, _ = catalog(store)
        await second.load()
        following = asyncio.create_task(second.follow())
        assert second.resolve(users) == created
        await refused(second.create_namespace("more", NamespaceOptions(), 5), ErrorCode.METADATA_UNAVAILABLE)

        await asyncio.to_thread(etcd.start)
        async with asyncio.timeout(_WAIT_S):
            while True:
                try:
                    await second.create_namespace("more", NamespaceOptions(), 5)
                    break
                except ThemisServerError as error:
                    if error.code != ErrorCode.METADATA_UNAVAILABLE:
                        raise
        following.cancel()
