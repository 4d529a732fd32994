"""Writing what a stopped node knows of the metadata back to an etcd that was restored.

its directory --> Known --+
etcd          --> Stored -+--> Comparison --> objection, or: revision raised, catalogue written, topology last
other nodes   --> Other --+                                                              (then nodes believe it)
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Final, NamedTuple

import msgspec

from themis_server.clock import SystemClock
from themis_server.config import Config
from themis_server.errors import StartRefusedError, ThemisServerError
from themis_server.gateway import join_tokens
from themis_server.gateway.node_calls import NodeCalls
from themis_server.gateway.status import STATUS, NodeStatus, decode_status, encode_status_request
from themis_server.metadata import catalog, coordinator, writeback
from themis_server.metadata import topology as topologies
from themis_server.metadata.lastknown import InMemory
from themis_server.metadata.store import Put
from themis_server.metadata.topology import KEY, NODES, Topology
from themis_server.metadata.writeback import Comparison, Known, Other, Stored
from themis_server.node.external import etcd_of
from themis_server.node.peering import Doorman, PeerPort
from themis_server.node.stores import LocalNotes
from themis_server.storage.directory import FORMAT, DataDirectory, DirectoryRefused, Identity
from themis_server.storage.engine import EngineError
from themis_server.storage.rocks import RocksEngine, Role

_BELIEVED_S: Final = 30.0
_POLL_S: Final = 0.2

Say = Callable[[str], None]


class WriteBackRefused(Exception):
    """It cannot be done, or must not; the message says why and what to do."""


class _Directory(NamedTuple):
    identity: Identity
    known: Known


async def write_back(config: Config, without: Iterable[str], *, really: bool, say: Say) -> None:
    """Show what would be written back, and with `really` do it and wait until the other nodes believe the store.

    Args:
        config: The node's; it must not run.
        without: Nodes that may know more and cannot be asked.
        really: Whether to do it.
        say: Is told what an operator should know, a line each.

    Raises:
        WriteBackRefused: it must not be done, or cannot; nothing was changed unless the message says so.
    """
    directory = _read(config)
    try:
        async with _calls(config, directory) as calls:
            comparison = await _compared(config, directory.known, calls, frozenset(without))
            _show(config.node.id, comparison, say)
            if not comparison.needed:
                say("The store has all that the nodes have seen: there is nothing to write back.")
                return
            objection = comparison.objection()
            if objection:
                raise WriteBackRefused(f"{objection}. Nothing was changed.")
            if not really:
                say("Nothing was changed. With --yes it is done.")
                return
            await _rewrite(config, comparison, say)
            await _believed(calls, comparison, say)
    except ThemisServerError as error:
        raise WriteBackRefused(f"{error.detail}. If something was changed already, doing it again goes on.") from error


def _read(config: Config) -> _Directory:
    """Read the notes in the directory of a node that is stopped."""
    path = config.node.data_path
    if not (path / "node.json").exists():
        raise WriteBackRefused(f"{path} is not the data directory of a node")
    etcd = etcd_of(config)
    if etcd is None:
        raise WriteBackRefused("metadata.store is embedded: there is no store outside of the cluster to write to")
    try:
        directory = DataDirectory(path)
    except DirectoryRefused as refused:
        raise WriteBackRefused(str(refused)) from refused
    try:
        shards = config.shards
        identity = directory.identify(
            Identity(FORMAT, config.node.id, config.node.cluster, shards.count, shards.virtual_nodes)
        )
        engine = RocksEngine(path / "data", Role.STATE)
        try:
            known = writeback.known(LocalNotes(engine), etcd.seen_in(LocalNotes(engine)))
        finally:
            engine.close()
    except (DirectoryRefused, EngineError) as refused:
        raise WriteBackRefused(str(refused)) from refused
    finally:
        directory.close()
    if known is None:
        raise WriteBackRefused("this node has never seen a topology")
    return _Directory(identity, known)


@asynccontextmanager
async def _calls(config: Config, directory: _Directory) -> AsyncIterator[NodeCalls]:
    """Calls to the other nodes, as this node."""
    if not config.peer.enabled:
        yield NodeCalls(None, SystemClock())
        return
    try:
        port = PeerPort(config, Doorman(config, directory.identity, directory.known.topology))
    except StartRefusedError as refused:
        raise WriteBackRefused(str(refused)) from refused
    port.calls.start()
    try:
        yield NodeCalls(port.calls, SystemClock())
    finally:
        port.calls.stop()


async def _asked(calls: NodeCalls, topology: Topology, me: str) -> dict[str, NodeStatus | None]:
    others = [node for node in topology.nodes if node.node_id != me]
    return await calls.ask_each(others, STATUS, encode_status_request(()), decode_status)


async def _compared(config: Config, known: Known, calls: NodeCalls, without: frozenset[str]) -> Comparison:
    etcd = etcd_of(config)
    assert etcd is not None
    store = etcd.store(InMemory())  # which believes what it is shown
    try:
        topology, entries = await store.get(KEY), await store.list(catalog.ROOT)
        stored = Stored(
            None if topology is None else topologies.decode(topology.data),
            0 if topology is None else topology.revision,
            entries,
            *store.seen,
        )
    finally:
        await store.close()
    answers = await _asked(calls, known.topology, config.node.id)
    others = [
        Other(node_id)
        if status is None
        else Other(node_id, status.epoch, *msgspec.structs.astuple(status.metadata_seen))
        for node_id, status in sorted(answers.items())
    ]
    return Comparison(known, stored, others, without)


def _show(me: str, comparison: Comparison, say: Say) -> None:
    known, stored = comparison.known, comparison.stored
    rows = [("", "epoch", "revision", "last change")]
    rows.append(
        (
            "etcd",
            "none" if stored.topology is None else str(stored.topology.epoch),
            str(stored.revision),
            str(stored.last_change),
        )
    )
    rows.append((f"{me} (this node)", str(known.topology.epoch), str(known.revision), str(known.last_change)))
    rows += [
        (other.node_id, "does not answer", "", "")
        if other.epoch is None
        else (other.node_id, str(other.epoch), str(other.revision), str(other.last_change))
        for other in comparison.others
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        say("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    missing, changed, extra = comparison.differences()
    say(f"catalogue: {missing} entries that etcd lacks, {changed} that differ, {extra} that were dropped since")
    topology = comparison.topology()
    say(f"topology: epoch {topology.epoch}, {len(topology.nodes)} nodes, {len(topology.shards)} shards")
    gap = comparison.revision - stored.revision
    say(f"etcd's revision is raised to {comparison.revision}, by {gap} empty changes; join tokens are removed")


async def _rewrite(config: Config, comparison: Comparison, say: Say) -> None:
    etcd = etcd_of(config)
    assert etcd is not None
    rewriting = etcd.rewriting()
    try:
        await rewriting.raise_revision(comparison.revision, lambda at: say(f"revision {at} of {comparison.revision}"))
        for prefix in (NODES, coordinator.KEY, join_tokens.PREFIX):
            await rewriting.end_leases(prefix)
        await rewriting.change(comparison.catalog())
    finally:
        await rewriting.close()
    store = etcd.store(InMemory())
    try:
        topology = comparison.topology()
        was = {KEY: comparison.stored.topology_revision}
        if await store.transaction(was, [Put(KEY, topologies.encode(topology))]) is None:
            raise WriteBackRefused(
                "somebody else has changed the topology in etcd meanwhile, and it was not replaced: is there a node "
                "that believes this etcd? Look again without --yes."
            )
    finally:
        await store.close()
    say(f"The topology of epoch {topology.epoch} is written.")


async def _believed(calls: NodeCalls, comparison: Comparison, say: Say) -> None:
    """Wait until the nodes that were heard go by what was written."""
    topology = comparison.topology()
    waited = {other.node_id for other in comparison.heard}
    deadline_s = time.monotonic() + _BELIEVED_S
    me = next(iter({node.node_id for node in topology.nodes} - {other.node_id for other in comparison.others}), "")
    while waited and time.monotonic() < deadline_s:
        answers = await _asked(calls, topology, me)
        for node_id in sorted(waited):
            status = answers.get(node_id)
            if status is not None and status.epoch >= topology.epoch:
                say(f"{node_id} goes on with it.")
                waited.discard(node_id)
        await asyncio.sleep(_POLL_S)
    if waited:
        raise WriteBackRefused(
            f"It is written, but {', '.join(sorted(waited))} has not gone on with it within {_BELIEVED_S:.0f} s; "
            "`themis-admin status` says why. Doing this again goes on where it stopped."
        )
    say("Start this node again.")
