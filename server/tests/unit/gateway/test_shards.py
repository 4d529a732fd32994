"""Three nodes: any of them takes any request, for any shard, while leaders come and go."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from server.tests.unit.inprocess import InProcess, prefix, refused, urn, uuid
from server.tests.unit.inprocess_cluster import InProcessCluster
from themis.urn import split_urn, uuid_from_bytes
from themis_server.errors import ErrorCode, ThemisServerError
from themis_server.gateway.batch import WriteItem
from themis_server.gateway.entities import Found, Written
from themis_server.metadata.catalog import NOTHING, CollectionOptions
from themis_server.shard.reading import STRONG, Consistency, Level, Need
from themis_server.shard.refusal import Reason, Refused
from themis_server.shard.replica import Replica
from themis_server.statemachine.command import WriteOp
from themis_server.storage import values

NUMBERS = range(1, 41)
EVENTUAL = Consistency(Level.EVENTUAL)


def bounded(max_lag_ms: int, session: dict[str, int] | None = None) -> Consistency:
    return Consistency(Level.BOUNDED, max_lag_ms, session or {})


@pytest.fixture
async def cluster() -> AsyncIterator[InProcessCluster]:
    async with InProcessCluster() as started:
        yield started


async def put(node: InProcess, number: int, document: bytes = b"{}", key: str | None = None) -> Written:
    return await node.entities.write(WriteOp.PUT, *split_urn(urn(number)), document, None, key)


async def get(node: InProcess, number: int, consistency: Consistency = STRONG) -> Found:
    return await node.entities.read(*split_urn(urn(number)), consistency)


async def leads_all(cluster: InProcessCluster) -> InProcess:
    """Have one node lead every shard, and write all entities there; return it."""
    node = cluster.nodes["node-1"]
    for group in range(1, 5):
        await cluster.move(group, node)
    await node.batches.write(WriteOp.PUT, [WriteItem(urn(number), b"{}") for number in NUMBERS], None)
    return node


def document(found: Found) -> bytes | None:
    return None if found.stored is None else values.document_of(found.stored)


# Any node takes any request


async def test_any_node_writes_and_reads_any_entity(cluster: InProcessCluster) -> None:
    nodes = list(cluster.nodes.values())
    for number in NUMBERS:
        written = await put(nodes[number % 3], number, b'{"n":%d}' % number)
        assert written.served.node_id == cluster.leader(cluster.group_of(number)).me.node_id

    for number in NUMBERS:
        found = await get(nodes[(number + 1) % 3], number)
        assert document(found) == b'{"n":%d}' % number
        assert (found.served.role, found.served.lag_ms) == ("leader", 0)
        assert found.served.node_id == cluster.leader(cluster.group_of(number)).me.node_id


async def test_a_node_that_has_no_replica_of_a_shard_forwards() -> None:
    async with InProcessCluster(hosted=lambda node_id, group: node_id != "node-3" or group == 0) as cluster:
        for group in range(1, 5):
            await cluster.move(group, cluster.nodes["node-1" if group % 2 else "node-2"])
        outsider = cluster.nodes["node-3"]

        await put(outsider, 1, b'{"a":1}')

        assert document(await get(outsider, 1)) == b'{"a":1}'
        async with asyncio.timeout(5):  # a follower may be asked, which hears a little later what is committed
            while document(await get(outsider, 1, EVENTUAL)) is None:
                await asyncio.sleep(0.01)
        assert document(await get(outsider, 1, EVENTUAL)) == b'{"a":1}'


async def test_what_is_acknowledged_by_one_node_is_seen_by_a_strong_read_of_every_other(
    cluster: InProcessCluster,
) -> None:
    nodes = list(cluster.nodes.values())
    for turn in range(30):
        await put(nodes[turn % 3], 1, b'{"n":%d}' % turn)

        assert {document(await get(node, 1)) for node in nodes} == {b'{"n":%d}' % turn}


async def test_a_request_is_forwarded_at_most_once(cluster: InProcessCluster) -> None:
    await put(cluster.nodes["node-1"], 1)
    leader = cluster.leader(cluster.group_of(1))
    origin, third = cluster.others(leader)
    for wire in cluster.wires.values():
        wire.calls.clear()

    await put(origin, 1)

    assert cluster.wires[origin.me.node_id].calls == [(leader.me.node_id, "shard.mutate")]
    assert cluster.wires[leader.me.node_id].calls == cluster.wires[third.me.node_id].calls == []


# Failover


async def test_writes_go_on_when_a_leader_is_gone(cluster: InProcessCluster) -> None:
    await put(cluster.nodes["node-1"], 1, b'{"n":1}')
    leader = cluster.leader(cluster.group_of(1))
    origin = cluster.others(leader)[0]

    cluster.cut.add(leader.me.node_id)
    written = await put(origin, 1, b'{"n":2}')

    assert written.served.node_id != leader.me.node_id
    assert document(await get(origin, 1)) == b'{"n":2}'
    assert origin.reach.repeated > 0


async def test_reads_go_on_when_a_leader_is_silent(cluster: InProcessCluster) -> None:
    await put(cluster.nodes["node-1"], 1, b'{"n":1}')
    leader = cluster.leader(cluster.group_of(1))
    origin = cluster.others(leader)[0]
    cluster.silent = lambda node_id, method: node_id == leader.me.node_id
    reading = asyncio.create_task(get(origin, 1))

    cluster.cut.add(leader.me.node_id)

    assert document(await reading) == b'{"n":1}'


async def test_requests_survive_leaders_that_are_moved_under_them(cluster: InProcessCluster) -> None:
    nodes = list(cluster.nodes.values())
    await put(nodes[0], 1)
    group = cluster.group_of(1)

    async def keep_moving() -> None:
        for turn in range(6):
            await cluster.move(group, nodes[turn % 3])

    moving = asyncio.create_task(keep_moving())
    written = 0
    while not moving.done():
        await asyncio.gather(*[put(node, 1) for node in nodes])
        written += 1
    await moving

    assert written > 0


async def test_without_a_majority_a_write_is_refused_and_nothing_happened() -> None:
    async with InProcessCluster(leader_wait_s=0.3) as cluster:
        await put(cluster.nodes["node-1"], 1, b'{"n":1}')
        survivor = cluster.others(cluster.leader(cluster.group_of(1)))[0]
        cluster.cut.update(node.me.node_id for node in cluster.others(survivor))
        await cluster.until(lambda: not survivor.driver.views[cluster.group_of(1)].leader)

        with pytest.raises(ThemisServerError) as raised:
            await put(survivor, 1, b'{"n":2}')

        assert raised.value.code in (ErrorCode.NO_LEADER, ErrorCode.NODE_UNREACHABLE)
        assert raised.value.retryable(with_key=False)
        cluster.cut.clear()
        await cluster.settled()
        assert document(await get(survivor, 1)) == b'{"n":1}'


async def test_a_write_whose_answer_is_lost_has_an_unknown_outcome_and_is_not_sent_again(
    cluster: InProcessCluster,
) -> None:
    await put(cluster.nodes["node-1"], 1, b'{"n":1}')
    leader = cluster.leader(cluster.group_of(1))
    origin = cluster.others(leader)[0]
    wire = cluster.wires[origin.me.node_id]
    wire.calls.clear()
    cluster.loses_answers = lambda node_id, method: method == "shard.mutate"

    error = await refused(put(origin, 1, b'{"n":2}'), ErrorCode.OUTCOME_UNKNOWN)

    assert not error.retryable(with_key=False)
    assert len(wire.calls) == 1
    cluster.loses_answers = lambda node_id, method: False
    assert document(await get(origin, 1)) == b'{"n":2}', "it did take effect, this time"


async def test_a_write_with_a_key_whose_answer_is_lost_is_sent_again_and_made_once(cluster: InProcessCluster) -> None:
    await put(cluster.nodes["node-1"], 1, b'{"n":1}')
    leader = cluster.leader(cluster.group_of(1))
    origin = cluster.others(leader)[0]
    lost = iter([True, True, False])
    cluster.loses_answers = lambda node_id, method: method == "shard.mutate" and next(lost, False)

    written = await put(origin, 1, b'{"n":2}', key="k")

    assert written.replayed
    found = await get(leader, 1)
    assert found.stored is not None
    assert values.version_of(found.stored) == written.version


# Reads with consistency levels, and sessions


async def test_an_eventual_read_is_answered_by_the_replica_at_hand(cluster: InProcessCluster) -> None:
    await put(cluster.nodes["node-1"], 1)
    leader = cluster.leader(cluster.group_of(1))
    follower = cluster.others(leader)[0]
    shard_id = follower.router.shard_of(uuid(1))
    seen = (await get(leader, 1)).served.version

    found = await get(follower, 1, Consistency(Level.EVENTUAL, 0, {shard_id: seen}))

    assert (found.served.node_id, found.served.role) == (follower.me.node_id, "follower")
    assert found.stored is not None


async def test_an_eventual_read_is_answered_without_a_majority(cluster: InProcessCluster) -> None:
    await put(cluster.nodes["node-1"], 1, b'{"n":1}')
    await cluster.until(lambda: all(node.document(urn(1)) or True for node in cluster.nodes.values()))
    survivor = cluster.leader(cluster.group_of(1))

    cluster.cut.update(node.me.node_id for node in cluster.others(survivor))

    assert document(await get(survivor, 1, EVENTUAL)) == b'{"n":1}'


async def test_a_bounded_read_is_proven_once_and_then_answered_at_once(cluster: InProcessCluster) -> None:
    await put(cluster.nodes["node-1"], 1, b'{"n":1}')
    follower = cluster.others(cluster.leader(cluster.group_of(1)))[0]

    first = await get(follower, 1, bounded(5000))
    calls = len(cluster.wires[follower.me.node_id].calls)
    second = await get(follower, 1, bounded(5000))

    for found in (first, second):
        assert document(found) == b'{"n":1}'
        assert found.served.node_id == follower.me.node_id
        assert found.served.lag_ms is not None
        assert found.served.lag_ms <= 5000
    assert len(cluster.wires[follower.me.node_id].calls) == calls


async def test_a_bounded_read_never_shows_what_is_older_than_its_bound(cluster: InProcessCluster) -> None:
    nodes = list(cluster.nodes.values())
    await put(nodes[0], 1, b'{"n":0}')
    loop = asyncio.get_running_loop()
    acknowledged = [(loop.time(), 0)]
    stop = False

    async def write() -> None:
        turn = 0
        while not stop:
            turn += 1
            await put(nodes[turn % 3], 1, b'{"n":%d}' % turn)
            acknowledged.append((loop.time(), turn))

    writing = asyncio.create_task(write())
    for turn in range(150):
        bound_ms = (5, 50, 500)[turn % 3]
        began_s = loop.time()
        found = await get(nodes[turn % 3], 1, bounded(bound_ms))
        shown = document(found)
        assert shown is not None
        owed = max(number for at_s, number in acknowledged if at_s <= began_s - bound_ms / 1000 or number == 0)
        assert int(shown[5:-1]) >= owed
    stop = True
    await writing


async def test_a_replica_that_cannot_prove_its_age_leaves_a_bounded_read_to_one_that_can(
    cluster: InProcessCluster,
) -> None:
    await put(cluster.nodes["node-1"], 1, b'{"n":1}')
    leader = cluster.leader(cluster.group_of(1))
    laggard = cluster.others(leader)[0]
    laggard.unproven = True

    found = await get(laggard, 1, bounded(1000))

    assert found.served.node_id != laggard.me.node_id
    assert document(found) == b'{"n":1}'


async def test_a_bounded_read_that_nobody_can_serve_says_how_far_behind_they_are() -> None:
    async with InProcessCluster(leader_wait_s=0.2) as cluster:
        await put(cluster.nodes["node-1"], 1)
        survivor = cluster.others(cluster.leader(cluster.group_of(1)))[0]
        await get(survivor, 1, bounded(5000))
        cluster.cut.update(node.me.node_id for node in cluster.others(survivor))
        await cluster.until(lambda: not survivor.driver.views[cluster.group_of(1)].leader)

        error = await refused(get(survivor, 1, bounded(1)), ErrorCode.LAG_EXCEEDED)

        assert isinstance(error.fields["lag_ms"], int)
        assert error.fields["lag_ms"] > 1


async def test_a_session_reads_its_own_writes_on_every_replica(cluster: InProcessCluster) -> None:
    nodes = list(cluster.nodes.values())
    session: dict[str, int] = {}
    for turn in range(60):
        written = await put(nodes[turn % 3], turn % 7 + 1, b'{"n":%d}' % turn)
        session[written.served.shard_id] = written.served.version

        found = await get(nodes[(turn + 1) % 3], turn % 7 + 1, Consistency(Level.EVENTUAL, 0, session))

        assert document(found) == b'{"n":%d}' % turn


@pytest.mark.parametrize("level", [Level.EVENTUAL, Level.BOUNDED])
async def test_a_replica_that_lacks_what_a_session_has_seen_leaves_the_read_to_another(
    cluster: InProcessCluster, level: Level
) -> None:
    await put(cluster.nodes["node-1"], 1, b'{"n":1}')
    group = cluster.group_of(1)
    laggard = cluster.others(cluster.leader(group))[0]
    await get(laggard, 1, bounded(5000))
    laggard.held = True
    written = await put(cluster.leader(group), 1, b'{"n":2}')
    session = {written.served.shard_id: written.served.version}

    without = await get(laggard, 1, Consistency(level, 60_000))
    found = await get(laggard, 1, Consistency(level, 60_000, session))

    assert (document(without), without.served.node_id) == (b'{"n":1}', laggard.me.node_id)
    assert document(found) == b'{"n":2}'
    assert found.served.node_id != laggard.me.node_id


async def test_a_session_never_goes_back_through_what_it_has_read(cluster: InProcessCluster) -> None:
    nodes = list(cluster.nodes.values())
    await put(nodes[0], 1, b'{"n":0}')
    stop = False

    async def write() -> None:
        turn = 0
        while not stop:
            turn += 1
            await put(nodes[0], 1, b'{"n":%d}' % turn)
            if turn % 5 == 0:
                await nodes[1].entities.write(WriteOp.DELETE, *split_urn(urn(1)), b"", None, None)

    writing = asyncio.create_task(write())
    session: dict[str, int] = {}
    newest = 0
    for turn in range(200):
        found = await get(nodes[turn % 3], 1, Consistency(Level.EVENTUAL, 0, dict(session)))
        session[found.served.shard_id] = max(found.served.version, session.get(found.served.shard_id, 0))
        shown = document(found)
        if shown is not None:
            assert int(shown[5:-1]) >= newest
            newest = int(shown[5:-1])
    stop = True
    await writing


async def test_a_session_from_nowhere_is_told_so(cluster: InProcessCluster) -> None:
    await put(cluster.nodes["node-1"], 1)
    shard_id = cluster.nodes["node-1"].router.shard_of(uuid(1))
    unheard = Consistency(Level.EVENTUAL, 0, {shard_id: (1 << 53) - 1})

    for node in cluster.nodes.values():
        await refused(get(node, 1, unheard), ErrorCode.SESSION_NOT_REACHED)


@pytest.mark.parametrize("lease_reads", [False, True])
async def test_strong_reads_are_current_under_load(lease_reads: bool) -> None:
    async with InProcessCluster(lease_reads=lease_reads) as cluster:
        nodes = list(cluster.nodes.values())
        await put(nodes[0], 1, b'{"n":0}')
        newest = 0
        stop = False

        async def write() -> None:
            nonlocal newest
            turn = 0
            while not stop:
                turn += 1
                await put(nodes[turn % 3], 1, b'{"n":%d}' % turn)
                newest = turn

        writing = asyncio.create_task(write())
        for _ in range(40):
            owed = newest
            for found in await asyncio.gather(*[get(node, 1) for node in nodes for _ in range(4)]):
                shown = document(found)
                assert shown is not None
                assert int(shown[5:-1]) >= owed
        stop = True
        await writing


@pytest.mark.parametrize("lease_reads", [False, True])
async def test_a_leader_that_was_deposed_unawares_answers_nothing_old(lease_reads: bool) -> None:
    async with InProcessCluster(lease_reads=lease_reads, leader_wait_s=0.2) as cluster:
        await put(cluster.nodes["node-1"], 1, b'{"n":1}')
        group = cluster.group_of(1)
        deposed = cluster.leader(group)
        origin = cluster.others(deposed)[0]
        await get(deposed, 1)
        deposed.held = True  # it stands still, lease and all, while the others go on
        cluster.cut.add(deposed.me.node_id)
        await put(origin, 1, b'{"n":2}')

        assert deposed.driver.views[group].is_leader, "it has not heard"
        reading = asyncio.create_task(get(deposed, 1))
        await asyncio.sleep(0.02)

        assert not reading.done()
        cluster.cut.clear()
        deposed.release()
        assert document(await reading) == b'{"n":2}'


# Batches and listings


async def test_a_batch_is_split_over_nodes_with_one_request_to_each(cluster: InProcessCluster) -> None:
    nodes = list(cluster.nodes.values())
    for group in range(1, 5):
        await cluster.move(group, nodes[1 + group % 2])
    origin = nodes[0]
    await put(origin, 1)
    wire = cluster.wires[origin.me.node_id]
    wire.calls.clear()

    written, replayed, sources = await origin.batches.write(
        WriteOp.PUT, [WriteItem(urn(number), b'{"n":%d}' % number) for number in NUMBERS], None
    )
    read, seen = await origin.batches.read([urn(number) for number in NUMBERS], STRONG)

    assert (replayed, {result.error for result in written}) == (False, {None})
    assert sorted(wire.calls) == [
        (node.me.node_id, method) for node in nodes[1:] for method in ("shard.mutate", "shard.read")
    ]
    for number, (name, stored, error) in zip(NUMBERS, read, strict=True):
        assert (name, error) == (urn(number), None)
        assert stored is not None
        assert values.document_of(stored) == b'{"n":%d}' % number
    assert (sources.node_id, seen.node_id, seen.role) == (origin.me.node_id, origin.me.node_id, "leader")
    assert set(sources.session) == set(seen.session) == set(origin.topology.groups)


async def test_a_batch_asks_others_for_what_was_led_here_when_it_began(
    cluster: InProcessCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    origin = await leads_all(cluster)
    prove = Replica.begin_proof
    deposed: list[str] = []

    def begin_proof(replica: Replica, need: Need) -> asyncio.Future[float]:
        if not deposed:
            deposed.append(replica.shard_id)
            raise Refused(Reason.NOT_LEADER, "another one leads since a moment ago", 0, retry_after_s=1)
        return prove(replica, need)

    monkeypatch.setattr(Replica, "begin_proof", begin_proof)
    read, _ = await origin.batches.read([urn(number) for number in NUMBERS], STRONG)

    assert deposed
    assert all(error is None for _, _, error in read)


async def test_a_batch_says_of_each_item_what_became_of_it() -> None:
    async with InProcessCluster(
        hosted=lambda node_id, group: group != 4 or node_id == "node-3", leader_wait_s=0.3
    ) as cluster:
        await cluster.move(4, cluster.nodes["node-3"])
        for group in range(1, 4):
            await cluster.move(group, cluster.nodes["node-1"])
        origin = cluster.nodes["node-1"]
        await put(origin, next(number for number in NUMBERS if cluster.group_of(number) != 4))
        cluster.wires["node-1"].calls.clear()
        cluster.cut.add("node-3")

        written, _, _ = await origin.batches.write(
            WriteOp.PUT, [WriteItem(urn(number), b"{}") for number in NUMBERS], None
        )
        read, _ = await origin.batches.read([urn(number) for number in NUMBERS], STRONG)

        for number, result, (_, stored, error) in zip(NUMBERS, written, read, strict=True):
            there = cluster.group_of(number) == 4
            assert (result.error is not None, error is not None, stored is None) == (there, there, there)
            if there:
                assert result.error is not None
                assert result.error.code in (ErrorCode.NO_LEADER, ErrorCode.NODE_UNREACHABLE, ErrorCode.WRONG_SHARD)


async def test_a_listing_is_put_together_from_all_nodes_in_key_order(cluster: InProcessCluster) -> None:
    nodes = list(cluster.nodes.values())
    for group in range(1, 5):
        await cluster.move(group, nodes[group % 3])
    await put(nodes[0], 1)
    await nodes[0].batches.write(WriteOp.PUT, [WriteItem(urn(number), b"{}") for number in NUMBERS], None)

    for node in nodes:
        collection = await node.router.collection(prefix().text)
        found: list[str] = []
        after = None
        while True:
            page = await node.listing.page(collection, after, 7, STRONG)
            found += [uuid_from_bytes(raw) for raw, _ in page.entities]
            after = page.next_after
            if after is None:
                break
        counts, _ = await node.listing.count(collection, STRONG)

        assert found == [uuid(number) for number in NUMBERS]
        assert sum(counts.values()) == len(NUMBERS)


async def test_a_listing_that_cannot_be_complete_names_the_shards_that_are_missing() -> None:
    async with InProcessCluster(
        hosted=lambda node_id, group: group != 4 or node_id == "node-3", leader_wait_s=0.2
    ) as cluster:
        await cluster.move(4, cluster.nodes["node-3"])
        await put(cluster.nodes["node-1"], 1)
        origin = cluster.nodes["node-1"]
        collection = await origin.router.collection(prefix().text)
        cluster.cut.add("node-3")
        await cluster.settled("node-3")

        for reading in (origin.listing.page(collection, None, 10, STRONG), origin.listing.count(collection, STRONG)):
            with pytest.raises(Exception, match="shard_004") as raised:
                await reading
            assert "shard_001" not in str(raised.value)
        assert (await origin.listing.counts_known([collection]))["shard_004"] is None


# The catalog


async def test_a_collection_that_another_node_made_exists_here_at_once(cluster: InProcessCluster) -> None:
    nodes = list(cluster.nodes.values())
    for turn in range(10):
        name = f"c{turn}"
        maker, asker = nodes[turn % 3], nodes[(turn + 1) % 3]
        made = await maker.catalog.create_collection(prefix(name), CollectionOptions(), 5)

        assert (await asker.router.collection(prefix(name).text)).id == made.id


async def test_names_that_do_not_exist_cost_a_few_rounds_however_many_ask(cluster: InProcessCluster) -> None:
    node = cluster.others(cluster.leader(0))[0]
    await put(node, 1)
    before = node.freshness.rounds

    answers = await asyncio.gather(
        *[node.router.collection(prefix(f"none{number}").text) for number in range(200)], return_exceptions=True
    )

    assert {getattr(answer, "code", None) for answer in answers} == {ErrorCode.COLLECTION_NOT_FOUND}
    assert node.freshness.rounds - before <= 3


async def test_a_collection_that_was_dropped_and_made_anew_elsewhere_is_the_new_one(cluster: InProcessCluster) -> None:
    nodes = list(cluster.nodes.values())
    for turn in range(6):
        maker, asker = nodes[turn % 3], nodes[(turn + 1) % 3]
        await put(asker, 1, b'{"old":true}')
        await maker.changes.drop_collection("app", "users", NOTHING)
        await maker.catalog.create_collection(prefix(), CollectionOptions(), 5)

        await put(asker, 1, b'{"new":%d}' % turn)

        assert document(await get(nodes[(turn + 2) % 3], 1)) == b'{"new":%d}' % turn


async def test_a_drop_reaches_every_shard_wherever_it_is_led(cluster: InProcessCluster) -> None:
    nodes = list(cluster.nodes.values())
    for group in range(1, 5):
        await cluster.move(group, nodes[group % 3])
    await nodes[0].batches.write(WriteOp.PUT, [WriteItem(urn(number), b"{}") for number in NUMBERS], None)
    collection = await nodes[1].router.collection(prefix().text)

    await nodes[1].changes.drop_collection("app", "users", NOTHING)

    assert await nodes[1].catalog.unfinished_drops() == []
    for replica in [cluster.leader(group).replicas.by_group[group] for group in range(1, 5)]:
        assert replica.count(collection.id) == 0
        assert replica.page(collection.id, None, 10, 1000) == ([], False)
