"""A scenario: the cluster, the clients, the steps, and what is looked at when they are over."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from themis_conformance.adapter import Adapter, AdapterBroken
from themis_conformance.format.server import read_server
from themis_conformance.judge.reply import value_of
from themis_conformance.judge.stage import Certificates, Stage
from themis_conformance.judge.steps import Walk
from themis_conformance.judge.wire import wire_mismatches
from themis_conformance.live.cluster import LiveCluster
from themis_conformance.live.state import LiveServer
from themis_conformance.model import ScenarioCase
from themis_conformance.outcome import CaseFailed
from themis_conformance.plan import ServerPlan
from themis_conformance.ring import scripted_ring
from themis_conformance.scripted import ScriptedCluster
from themis_conformance.variables import Variables

__all__ = ["check_secrets", "close_after", "run_scenario", "scripted_stage"]

# A token this long is searched for whether the case asks for it or not; a shorter one could be part of any word.
_SECRET_CHARS_MIN: Final = 8
_REQUESTS_SHOWN: Final = 30


async def run_scenario(
    case: ScenarioCase,
    mode: str,
    adapter: Adapter,
    certificates: Certificates,
    live: LiveServer | LiveCluster | None,
    context: list[str],
) -> None:
    """Run a scenario on a scripted cluster, or on what is real; raises CaseFailed, AdapterBroken or TimeoutError.

    `context` gets what may help to understand a failure.
    """
    stderr_from = adapter.stderr_position
    if isinstance(live, LiveCluster):
        await _on_cluster(case, mode, adapter, live, stderr_from)
        return
    if live is not None:
        await _on_live(case, mode, adapter, live, stderr_from)
        return
    async with scripted_stage(case.server, mode, adapter, certificates, context) as stage:
        await _play(case, stage, stderr_from)


@asynccontextmanager
async def scripted_stage(
    server: dict[str, Any], mode: str, adapter: Adapter, certificates: Certificates, context: list[str]
) -> AsyncIterator[Stage]:
    """A stage on a scripted cluster of its own; how the clients left it is checked at the end."""
    # Ports are known once there are nodes, and a plan may name them: so the sizes are read first.
    sizes = read_server({key: server[key] for key in ("nodes", "shards", "tls") if key in server}, "sizes")
    files = certificates.authority.files if sizes.tls is not None else {}
    variables = Variables(ring=scripted_ring(sizes.shards), files=files)
    tls = None
    if sizes.tls is not None:
        tls = certificates.authority.server_context(client_certificates=sizes.tls.client_certificates)
    cluster = ScriptedCluster(sizes, tls)
    variables.nodes = cluster.urls
    cluster.fill(read_server(variables.resolve(server), variables.namespace))
    _save_versions(cluster.plan, cluster.versions(), variables)
    cluster.start()
    stage = Stage(adapter, mode, variables, cluster, None)
    try:
        yield stage
        _check_defects(cluster)
    except (CaseFailed, AdapterBroken, asyncio.CancelledError):
        context += _wire_log(cluster)
        # What follows from a defect of ours is no fault of the SDK's.
        _check_defects(cluster)
        raise
    finally:
        await cluster.stop()


async def _on_live(case: ScenarioCase, mode: str, adapter: Adapter, live: LiveServer, stderr_from: int) -> None:
    variables = Variables(ring=await live.ring(), nodes=[live.url])
    try:
        plan = read_server(variables.resolve(case.server), variables.namespace)
        _save_versions(plan, await live.make(plan), variables)
        stage = Stage(adapter, mode, variables, None, live)
        await _play(case, stage, stderr_from)
    finally:
        await live.clean_up(variables.namespace)


async def _on_cluster(case: ScenarioCase, mode: str, adapter: Adapter, harmed: LiveCluster, stderr_from: int) -> None:
    await harmed.settle()
    live = harmed.server()
    variables = Variables(ring=await live.ring(), nodes=harmed.urls)
    try:
        plan = read_server(variables.resolve(case.server), variables.namespace)
        _save_versions(plan, await live.make(plan), variables)
        await _play(case, Stage(adapter, mode, variables, None, live, harmed), stderr_from)
    finally:
        await harmed.settle()
        await live.clean_up(variables.namespace)


def _save_versions(plan: ServerPlan, versions: dict[str, int], variables: Variables) -> None:
    for entity in plan.entities:
        if entity.save is not None:
            variables.saved[entity.save] = versions[entity.urn]


async def _play(case: ScenarioCase, stage: Stage, stderr_from: int) -> None:
    walk = Walk(stage)
    try:
        for name, options in case.clients.items():
            path = f"clients.{name}" if name else "client"
            value_of(await stage.create_client(name, options, path), path)
        for step in case.steps:
            await walk.take(step)
        await walk.finish()
        if case.wire is not None and stage.cluster is not None:
            complaints = wire_mismatches(case.wire, stage.cluster, stage.variables)
            if complaints:
                raise CaseFailed(*complaints)
    except CaseFailed as failed:
        # The process is used again, and what is left open would disturb the next case.
        await close_after(failed, stage)
        raise
    await stage.close_clients()
    await check_secrets(_secrets(case, stage), stage, stderr_from)


async def close_after(failed: CaseFailed, stage: Stage) -> None:
    """Close the clients of a case that failed; what goes wrong with that is one complaint more."""
    try:
        await stage.close_clients()
    except CaseFailed as another:
        failed.complaints += another.complaints


def _secrets(case: ScenarioCase, stage: Stage) -> set[str]:
    found = set(stage.variables.resolve(list(case.secrets)))
    for options in case.clients.values():
        for token in (options.get("token"), *(options.get("token_sequence") or ())):
            if isinstance(token, str) and len(token) >= _SECRET_CHARS_MIN:
                found.add(token)
    return found


async def check_secrets(secrets: set[str], stage: Stage, stderr_from: int) -> None:
    """Search messages, events and stderr for what must not be there."""
    if not secrets:
        return
    # What was written to stderr before the last reply is in the pipe by now, but perhaps not read yet.
    for _ in range(5):
        await asyncio.sleep(0)
    texts = [*stage.texts, *stage.adapter.stderr_since(stderr_from)]
    complaints = [
        f"the secret {secret!r} is shown: {text[:500]}"
        for secret in sorted(secrets)
        for text in texts
        if secret in text
    ]
    if complaints:
        raise CaseFailed(*complaints)


def _check_defects(cluster: ScriptedCluster | None) -> None:
    """A scripted cluster that failed by itself proves nothing."""
    if cluster is not None and cluster.defects:
        raise CaseFailed(*[f"the scripted cluster is at fault: {defect!r}" for defect in cluster.defects])


def _wire_log(cluster: ScriptedCluster) -> list[str]:
    seen = cluster.log.seen
    lines = [f"wire: {one}" for one in seen[:_REQUESTS_SHOWN]]
    return lines + ([f"wire: ... {len(seen) - len(lines)} more"] if len(seen) > len(lines) else [])
