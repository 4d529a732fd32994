"""Recovering what the majority was lost of, in the directory of a stopped node: surveyed, and given what the plan says.

    survey   directory --> Survey                       (what a crash cut off is ended first, as a start would)
    apply    1  raft/   P = which plan, synced: from here on the node does not start before it is done
             2  data/   logs ended in the state (`replication.offline`), discarded replicas destroyed
             3  data/   the topology to go on with and the plan's name noted, synced
             4  raft/   the logs begun anew, P removed: one write, synced

A crash anywhere leaves either the node as it was or one that only takes the same plan again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

from themis_server.clock import SystemClock
from themis_server.gateway import join_tokens
from themis_server.ids import raft_id
from themis_server.metadata import catalog
from themis_server.metadata import topology as topologies
from themis_server.metadata.fencing import NAME as SEEN
from themis_server.metadata.fencing import Fence
from themis_server.metadata.recovery import IDS_SKIPPED, GroupPlan, Plan, RecoveryRefused, Survey
from themis_server.metadata.topology import KEY, Topology
from themis_server.node.stores import LocalNotes
from themis_server.replication import offline
from themis_server.replication.log import Log
from themis_server.replication.offline import Ending
from themis_server.replication.snapshot.destroy import destroy
from themis_server.replication.snapshot.recover import recover
from themis_server.statemachine import meta, version
from themis_server.statemachine.command import (
    LeaseEnd,
    MetadataOp,
    MetadataTransaction,
    UnreadableEntry,
    encode_command,
    encode_entry,
)
from themis_server.storage import keys
from themis_server.storage.directory import DataDirectory, DirectoryRefused, Identity
from themis_server.storage.engine import DiskFull, EngineError, Overlay, Reader
from themis_server.storage.rocks import RocksEngine, Role

_APPLIED: Final = "recovered"
_NEVER_MS: Final = 1 << 62

Say = Callable[[str], None]


class _Opened(NamedTuple):
    """The directory of a stopped node, whose lock is held."""

    identity: Identity
    log: RocksEngine
    state: RocksEngine

    @property
    def raft_id(self) -> int:
        return raft_id(self.identity.node_id)


def survey(path: Path) -> Survey:
    """Return what the directory of a stopped node has.

    Raises:
        RecoveryRefused: it is none, its node runs, a plan is being applied to it, or it is damaged.
    """
    with _opened(path) as opened:
        under_way = opened.log.get(keys.RECOVERY_KEY)
        if under_way is not None:
            raise RecoveryRefused(f"plan {under_way.decode()} is being applied to {path}: apply it again, it goes on")
        return _surveyed(opened)


def apply(path: Path, plan: Plan, say: Say) -> None:
    """Do in the directory of a stopped node what the plan says of it. May be repeated, also after a crash.

    Args:
        path: The directory.
        plan: The plan.
        say: Is told what an operator should know, a line each.

    Raises:
        RecoveryRefused: as `survey`; or the plan is not for this directory as it is now. Nothing was changed then.
    """
    plan.check()
    with _opened(path) as opened:
        node_id = opened.identity.node_id
        if not _has_begun(opened, plan):
            if LocalNotes(opened.state).load(_APPLIED) == plan.plan_id.encode():
                say(f"Plan {plan.plan_id} was applied to {node_id} before: there is nothing to do.")
                return
            _check(opened, plan)
        mine = [group for group in plan.groups if node_id in (group.node, *group.discarded)]
        _apply(opened, plan, mine)
        for group in mine:
            say(f"{group.name}: {_done(group, node_id)}")
        say(f"Plan {plan.plan_id} is applied to {node_id}. Start it when it is applied to every survivor.")


@contextmanager
def _opened(path: Path) -> Iterator[_Opened]:
    if not (path / "node.json").exists():
        raise RecoveryRefused(f"{path} is not the data directory of a node")
    try:
        directory = DataDirectory(path)
        try:
            identity = directory.existing()
            log = RocksEngine(path / "raft", Role.LOG)
            try:
                state = RocksEngine(path / "data", Role.STATE)
                try:
                    recover(log, state)
                    yield _Opened(identity, log, state)
                finally:
                    state.close()
            finally:
                log.close()
        finally:
            directory.close()
    except DiskFull as full:
        raise RecoveryRefused(f"the disk is full: make room, and do the same again ({full})") from full
    except (DirectoryRefused, EngineError, UnreadableEntry) as refused:
        raise RecoveryRefused(str(refused)) from refused


def _surveyed(opened: _Opened) -> Survey:
    known = Fence(LocalNotes(opened.state)).seen
    copies = []
    for group in Log(opened.log).groups():
        copy, at_end = offline.read(opened.log, opened.state, group, opened.raft_id)
        copies.append(copy)
        if group == meta.GROUP:
            stored = meta.read(at_end, KEY)
            shown = None if stored is None else topologies.decode(stored.value)
            if shown is not None and (known is None or shown.epoch >= known.epoch):
                known = shown
    if known is None:
        raise RecoveryRefused(f"{opened.identity.node_id} has never been in a cluster: there is nothing to survey")
    return Survey(
        cluster=opened.identity.cluster,
        node_id=opened.identity.node_id,
        raft_id=opened.raft_id,
        instance=opened.identity.instance,
        topology=known,
        groups=tuple(copies),
    )


def _has_begun(opened: _Opened, plan: Plan) -> bool:
    under_way = opened.log.get(keys.RECOVERY_KEY)
    if under_way is not None and under_way != plan.plan_id.encode():
        raise RecoveryRefused(
            f"plan {under_way.decode()} is being applied to {opened.identity.node_id}, and this is {plan.plan_id}: "
            "apply that one again, it goes on"
        )
    return under_way is not None


def _check(opened: _Opened, plan: Plan) -> None:
    identity = opened.identity
    found = _surveyed(opened)
    if found.topology.cluster != plan.cluster:
        raise RecoveryRefused(
            f"the plan is for cluster {plan.cluster}, {identity.node_id} is of {found.topology.cluster}"
        )
    if identity.node_id in plan.lost:
        raise RecoveryRefused(f"the plan calls {identity.node_id} lost: it must not be started any more")
    survivor = plan.survivor(identity.node_id)
    if survivor is None or survivor.instance != identity.instance:
        raise RecoveryRefused(f"the plan was made without this directory of {identity.node_id}")
    if survivor.surveyed != found.fingerprint:
        raise RecoveryRefused(
            f"{identity.node_id} has run since it was surveyed, and has more or other things now: survey all again, "
            "and make another plan"
        )


def _apply(opened: _Opened, plan: Plan, mine: list[GroupPlan]) -> None:
    log, state, me = opened.log, opened.state, opened.raft_id
    begun = Overlay(log)
    begun.put(keys.RECOVERY_KEY, plan.plan_id.encode())
    log.write(begun)
    log.sync()

    here = frozenset(Log(log).groups())
    ended = Overlay(log)
    for group in mine:
        ending = Ending(group.group, group.term, group.last_index)
        if group.node == opened.identity.node_id and group.action == "rebuilt":
            closing = partial(_closing, group=group.group, topology=plan.topology)
            offline.end_state(log, state, ending, me, closing)
            offline.end_log(ended, ending, me)
            continue
        if group.group in here:
            recovered = Log(log).recover(group.group)
            assert recovered is not None
            for _ in destroy(log, state, group.group, recovered.hard_state):
                pass
        if group.node == opened.identity.node_id:
            offline.begin_empty(ended, group.group, group.term, me)

    notes = LocalNotes(state)
    if plan.topology is not None:
        notes.save(SEEN, topologies.encode(plan.topology))
    notes.save(_APPLIED, plan.plan_id.encode())
    ended.delete(keys.RECOVERY_KEY)
    log.write(ended)
    log.sync()


def _closing(at_end: Reader, group: int, topology: Topology | None) -> bytes:
    """Return the closing entry of a group: the metadata's says who is left, and forgets what only lived."""
    if group != meta.GROUP or topology is None:
        return b""
    counter = meta.read(at_end, catalog.NEXT_ID)
    following = (1 if counter is None else int(counter.value)) + IDS_SKIPPED
    ops = [
        MetadataOp(KEY, topologies.encode(topology)),
        MetadataOp(catalog.NEXT_ID, b"%d" % following),
        *(MetadataOp(key, None) for key in meta.read_prefix(at_end, join_tokens.PREFIX)),
    ]
    ends = [encode_command(LeaseEnd(lease)) for lease in meta.expired_leases(at_end, _NEVER_MS)]
    now = version.from_unix_ms(SystemClock().unix_ms())
    return encode_entry(now, [*ends, encode_command(MetadataTransaction((), tuple(ops)))])


def _done(group: GroupPlan, node_id: str) -> str:
    if group.node != node_id:
        return f"this copy is discarded, {group.node} has the one to go on with"
    if group.action == "empty":
        return "begins anew, without data"
    return f"goes on alone with this copy, which ends at entry {group.last_index} of term {group.last_term}"
