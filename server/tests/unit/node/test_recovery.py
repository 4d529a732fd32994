"""The directory of a stopped node is surveyed, and given what a plan says: once, or after any number of crashes."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

import themis_raft
from themis_server.clock import SystemClock
from themis_server.config import load_with_origins
from themis_server.ids import raft_id
from themis_server.metadata import catalog
from themis_server.metadata import topology as topologies
from themis_server.metadata.recovery import (
    IDS_SKIPPED,
    TERMS_SKIPPED,
    Plan,
    RecoveryRefused,
    encode,
    make,
    sealed,
)
from themis_server.metadata.topology import KEY, Node, ReplicaPlace, Topology
from themis_server.node import recovery
from themis_server.node.stores import LocalNotes, open_stores
from themis_server.observability.instruments import Instruments
from themis_server.replication.group import Group, RaftTiming
from themis_server.replication.log import HardState, Log, LogStart
from themis_server.statemachine import meta
from themis_server.statemachine.command import (
    Command,
    LeaseGrant,
    MetadataOp,
    MetadataTransaction,
    Mutate,
    Write,
    WriteOp,
    encode_command,
    encode_entry,
)
from themis_server.statemachine.data import DataMachine
from themis_server.storage import keys
from themis_server.storage.directory import FORMAT, DataDirectory, DirectoryRefused, Identity
from themis_server.storage.engine import Overlay
from themis_server.storage.rocks import RocksEngine, Role

NAMES = ("node-1", "node-2", "node-3", "node-4", "node-5")
STRANGER = 77
SHARDS = 3
"""Of which the first has its log on node-1, the second is to be discarded there, the third nobody has."""

CRASHING = """
import os, shutil, signal, sys
from pathlib import Path
from themis_server.metadata.recovery import Plan, decode
from themis_server.node import recovery
from themis_server.storage.rocks import RocksEngine

source, file, target = map(Path, sys.argv[1:])
plan = decode(file.read_bytes(), Plan, "plan")
left = 0

def dying(method):
    def call(*arguments):
        global left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return method(*arguments)
    return call

number, status = 0, 1
while status:
    number += 1
    crashed = target / str(number)
    shutil.copytree(source, crashed)
    child = os.fork()
    if child == 0:
        left = number
        RocksEngine.write, RocksEngine.sync = dying(RocksEngine.write), dying(RocksEngine.sync)
        recovery.apply(crashed, plan, lambda line: None)
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    assert status in (0, signal.SIGKILL), status
"""


def instance(name: str) -> str:
    return (name[-1] * 32)[:32]


def known() -> Topology:
    """Return a topology of five nodes that all vote in everything."""
    entries = [
        Node(name, raft_id(name), f"http://{name}", "dc1", name, "up", "0.1.0", f"{name}:1", instance(name))
        for name in NAMES
    ]
    made = topologies.initial(entries[0], SHARDS, 1, cluster="c1", replicas=3)
    everywhere = tuple(ReplicaPlace(name, "voter") for name in NAMES)
    shards = tuple(msgspec.structs.replace(shard, replicas=everywhere) for shard in made.shards)
    return msgspec.structs.replace(made, epoch=9, nodes=tuple(entries), shards=shards, metadata=everywhere)


def putting(number: int) -> Command:
    return Mutate((Write(WriteOp.PUT, 1, number.to_bytes(16), b'{"n":%d}' % number),), 1 << 20)


def entries(payloads: Sequence[bytes | None]) -> list[tuple[int, bytes]]:
    """Return log entries with these payloads; None: a change of the members, which takes STRANGER in as a voter."""
    leader = themis_raft.Group(
        node_id=1, voters=[1], election_ticks=10, heartbeat_ticks=2, snapshot_index=1, snapshot_term=1, applied=1,
        hard_state=(1, 0, 1),
    )  # fmt: skip
    leader.campaign()
    for payload in payloads:
        if payload is None:
            leader.propose_conf_change([("add_voter", STRANGER)])
        else:
            leader.propose([payload])
    return leader.ready().entries


@contextmanager
def databases(path: Path) -> Iterator[tuple[RocksEngine, RocksEngine]]:
    log, state = RocksEngine(path / "raft", Role.LOG), RocksEngine(path / "data", Role.STATE)
    try:
        yield log, state
    finally:
        state.close()
        log.close()


def laid_down(path: Path, logs: dict[int, Sequence[bytes | None]], name: str = "node-1") -> Path:
    """Make the directory of a node with these logs, of which it knows two entries to be committed, and no state."""
    directory = DataDirectory(path)
    directory.identify(Identity(FORMAT, name, "themis", SHARDS, 1, instance(name)))
    with databases(path) as (log, state):
        LocalNotes(state).save("topology", topologies.encode(known()))
        members = themis_raft.ConfState(voters=[raft_id(other) for other in NAMES]).encode()
        for group, payloads in logs.items():
            write = Overlay(log)
            Log.save_start(write, group, LogStart(1, 1, members))
            Log.append(write, group, entries(payloads))
            Log.save_hard_state(write, group, HardState(5, raft_id("node-2"), 2))
            log.write(write)
        log.sync()
        directory.confirm()
    directory.close()
    return path


def metadata_log() -> list[bytes | None]:
    """Return what the metadata was told: a lease and what it holds, the catalogue's counter, a token, the topology."""
    ops = (
        MetadataOp("/nodes/node-2", b"report", 1),
        MetadataOp(catalog.NEXT_ID, b"12"),
        MetadataOp("/join-tokens/abc", b"token"),
        MetadataOp("/catalog/namespaces/app", b"app"),
    )
    latest = msgspec.structs.replace(known(), epoch=10)
    return [
        encode_entry(0, [encode_command(LeaseGrant(0, 5000)), encode_command(MetadataTransaction((), ops))]),
        encode_entry(0, [encode_command(MetadataTransaction((), (MetadataOp(KEY, topologies.encode(latest)),)))]),
    ]


@pytest.fixture
def survivor(tmp_path: Path) -> Path:
    """Give the directory of the survivor node-1."""
    puts = [encode_entry(0, [encode_command(putting(number))]) for number in range(100)]
    return laid_down(
        tmp_path / "node-1",
        {0: metadata_log(), 1: [*puts[:40], None, *puts[40:]], 2: puts[:3]},
    )


@pytest.fixture
def plan(survivor: Path, tmp_path: Path) -> Plan:
    """Give a plan by which node-1 goes on with group 0 and shard 1, drops its copy of shard 2 and begins shard 3."""
    puts = [encode_entry(0, [encode_command(putting(number))]) for number in range(5)]
    other = laid_down(tmp_path / "node-2", {2: puts}, "node-2")
    surveys = [recovery.survey(survivor), recovery.survey(other)]
    return make(surveys, NAMES[2:], {"shard_003"})


def content(path: Path) -> list[dict[bytes, bytes]]:
    with databases(path) as (log, state):
        return [dict(engine.scan(b"", b"\xff" * 40)) for engine in (log, state)]


def restarted(path: Path, name: str = "node-1") -> dict[int, Group]:
    """Return the groups of a directory as a start would find them, led by this node if it is their only voter."""
    groups = {}
    with databases(path) as (log, state):
        for number in Log(log).groups():
            machine = meta.MetadataMachine(state) if number == 0 else DataMachine(number, state)
            group = Group(number, raft_id(name), (), machine, Log(log).recover(number), RaftTiming())
            group.raft.campaign()
            groups[number] = group
    return groups


def test_what_was_surveyed_is_what_the_directory_has(survivor: Path) -> None:
    before = content(survivor)
    found = recovery.survey(survivor)

    assert content(survivor) == before
    assert (found.node_id, found.instance, found.cluster) == ("node-1", instance("node-1"), "themis")
    assert found.topology.epoch == 10  # as of the end of the log, not as of what the node noted
    by_number = {copy.group: copy for copy in found.groups}
    assert by_number.keys() == {0, 1, 2}
    shard = by_number[1]
    assert (shard.applied, shard.commit, shard.last_index, shard.last_term, shard.term) == (1, 2, 103, 2, 5)
    assert [STRANGER in known.voters for known in shard.configurations] == [False, True]
    assert recovery.survey(survivor).fingerprint == found.fingerprint


def test_the_chosen_log_goes_on_alone_and_whole(survivor: Path, plan: Plan) -> None:
    said: list[str] = []
    recovery.apply(survivor, plan, said.append)

    groups = restarted(survivor)
    assert groups.keys() == {0, 1}
    for number, group in groups.items():
        assert group.is_leader, number
        assert group.members.all == {raft_id("node-1")}, number  # whatever the end of the log wanted
        assert group.raft.term == 5 + TERMS_SKIPPED + 1
    with databases(survivor) as (log, state):
        shard = DataMachine(1, state)
        assert [state.get(keys.entity_prefix(1, 1) + number.to_bytes(16)) is not None for number in range(101)] == [
            *([True] * 100),
            False,
        ]
        assert shard.state.applied_index == 104
        assert list(state.scan(*keys.group_ranges(2)[2])) == []
        tombstone = Log(log).tombstone(2)
        assert tombstone is not None
        assert tombstone.term == 5  # it votes in no term twice
        stored = meta.read(state, KEY)
        assert stored is not None
        assert plan.topology is not None
        assert topologies.decode(stored.value) == plan.topology
        assert LocalNotes(state).load("topology") == stored.value
        counter = meta.read(state, catalog.NEXT_ID)
        assert counter is not None
        assert int(counter.value) == 12 + IDS_SKIPPED
        assert meta.read(state, "/catalog/namespaces/app") is not None
        assert meta.read_prefix(state, "/nodes/") == meta.read_prefix(state, "/join-tokens/") == {}
    assert any("shard_002: this copy is discarded, node-2 has" in line for line in said)


def test_a_shard_that_nobody_has_begins_anew_with_one_voter(survivor: Path, plan: Plan) -> None:
    other = survivor.parent / "node-2"
    recovery.apply(other, plan, lambda line: None)

    groups = restarted(other, "node-2")
    assert groups.keys() == {2, 3}
    assert all(group.is_leader and group.is_sole_voter for group in groups.values())
    assert groups[3].raft.term == 1 + TERMS_SKIPPED + 1
    with databases(other) as (_, state):
        assert DataMachine(3, state).state.applied_index == 0
        assert state.get(keys.entity_prefix(2, 1) + (4).to_bytes(16)) is not None
        assert plan.topology is not None
        assert LocalNotes(state).load("topology") == topologies.encode(plan.topology)


def test_a_plan_that_was_applied_is_applied_again_without_effect(survivor: Path, plan: Plan) -> None:
    recovery.apply(survivor, plan, lambda line: None)
    done = content(survivor)
    said: list[str] = []
    recovery.apply(survivor, plan, said.append)

    assert content(survivor) == done
    assert said == [f"Plan {plan.plan_id} was applied to node-1 before: there is nothing to do."]


def test_a_crash_anywhere_is_made_good_by_applying_the_plan_again(survivor: Path, plan: Plan, tmp_path: Path) -> None:
    file, crashes = tmp_path / "plan.json", tmp_path / "crashes"
    file.write_bytes(encode(plan))
    crashes.mkdir()
    before, surveyed = content(survivor), recovery.survey(survivor)
    driver = [sys.executable, "-c", CRASHING, str(survivor), str(file), str(crashes)]
    ran = subprocess.run(driver, capture_output=True, text=True, timeout=100, check=False)
    assert ran.returncode == 0, ran.stderr
    directories = sorted(crashes.iterdir(), key=lambda path: int(path.name))
    assert len(directories) > 12
    whole = content(directories.pop())
    assert whole != before

    begun = 0
    for crashed in directories:
        found = content(crashed)
        if keys.RECOVERY_KEY in found[0]:
            begun += 1
            config = load_with_origins(None, {}, {"node.id": "node-1", "node.data_dir": str(crashed)}).config
            with pytest.raises(DirectoryRefused, match="a plan of recovery is being applied"):
                open_stores(config, SystemClock(), Instruments("0"))
            with pytest.raises(RecoveryRefused, match="is being applied"):
                recovery.survey(crashed)
            other = msgspec.structs.replace(plan, plan_id="", lost=())
            with pytest.raises(RecoveryRefused, match="apply that one again"):
                recovery.apply(crashed, sealed(other), lambda line: None)
        elif found != whole:
            assert recovery.survey(crashed) == surveyed
        recovery.apply(crashed, plan, lambda line: None)
        assert content(crashed) == whole, crashed.name
        shutil.rmtree(crashed)
    assert begun > 10


def test_what_the_plan_was_not_made_for_is_refused_and_nothing_is_changed(
    survivor: Path, plan: Plan, tmp_path: Path
) -> None:
    before = content(survivor)
    cases = [
        (msgspec.structs.replace(plan, lost=()), "was changed after it was made"),
        (sealed(msgspec.structs.replace(plan, cluster="c2")), "the plan is for cluster c2, node-1 is of c1"),
        (sealed(msgspec.structs.replace(plan, lost=("node-1",))), "the plan calls node-1 lost"),
        (sealed(msgspec.structs.replace(plan, survivors=())), "was made without this directory of node-1"),
    ]
    for wrong, why in cases:
        with pytest.raises(RecoveryRefused, match=why):
            recovery.apply(survivor, wrong, lambda line: None)
    lock = DataDirectory(survivor)
    with pytest.raises(RecoveryRefused, match="another process has the data directory"):
        recovery.apply(survivor, plan, lambda line: None)
    lock.close()
    with pytest.raises(RecoveryRefused, match="is not the data directory of a node"):
        recovery.apply(tmp_path / "nothing", plan, lambda line: None)
    assert not (tmp_path / "nothing").exists()
    assert content(survivor) == before

    with databases(survivor) as (log, _):  # it has run, and knows a vote that it did not know when it was surveyed
        write = Overlay(log)
        Log.save_hard_state(write, 2, HardState(6, 0, 2))
        log.write(write)
    with pytest.raises(RecoveryRefused, match="has run since it was surveyed"):
        recovery.apply(survivor, plan, lambda line: None)
