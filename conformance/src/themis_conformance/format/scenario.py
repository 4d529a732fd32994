"""Scenario files: cases/scenarios/*.yaml."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from themis_conformance.format.fields import Fields
from themis_conformance.format.makers import check_makers
from themis_conformance.format.options import features_of_options, read_options
from themis_conformance.format.server import STATE_KEYS, read_server
from themis_conformance.format.steps import features_of_steps, read_steps
from themis_conformance.format.suite import (
    Entry,
    check_variables,
    merged,
    read_suite,
    take_limit,
    take_requires,
)
from themis_conformance.format.wire import read_wire
from themis_conformance.mistake import Mistake
from themis_conformance.model import Place, ScenarioCase, Step
from themis_conformance.plan import ServerPlan
from themis_conformance.ring import scripted_ring
from themis_conformance.variables import UnknownVariable, Variables

__all__ = ["read_scenarios", "trial_plan"]

_PLACES: Final[tuple[Place, ...]] = ("scripted", "any", "live", "cluster")
# What a live cluster has anyway, of its own kind.
_NOT_FOR_SERVERS: Final = STATE_KEYS | {"nodes", "shards"}
_TLS_FILES: Final = {"ca_file": "ca.pem", "cert_file": "client.pem", "key_file": "client.key"}


def read_scenarios(path: Path) -> Iterator[ScenarioCase | Mistake]:
    """Read a file: its cases, and Mistakes in the place of those that are wrong."""
    for entry in read_suite(path, "scenarios", ("server", "client", "requires")):
        if isinstance(entry, Mistake):
            yield entry
            continue
        try:
            yield _read(entry)
        except Mistake as mistake:
            yield mistake.at(f"{path}: {entry.case_id}")


def _read(entry: Entry) -> ScenarioCase:
    check_makers(entry.raw, "")
    fields = Fields(entry.raw, "")
    fields.need("name")
    about = fields.need_text("about")
    on = fields.one_of("on", _PLACES, "scripted")
    server = fields.table("server")
    plan = trial_plan(server, "server")
    clients = _clients(fields)
    steps = read_steps(fields.need("steps"), "steps")
    wire = read_wire(fields.take("wire"), "wire") if "wire" in fields else None
    secrets = tuple(fields.texts("secrets"))
    if on != "cluster" and any(step.kind == "cluster" for step in steps):
        raise Mistake("nodes are harmed in a case that is `on: cluster` only", "steps")
    if on != "scripted":
        _check_for_live(on or "", server, steps)
    derived = features_of_steps(steps)
    for options in clients.values():
        derived |= features_of_options(options)
    case = ScenarioCase(
        case_id=entry.case_id,
        layer="scenarios",
        suite=entry.suite,
        about=about,
        requires=take_requires(fields, derived),
        limit_s=take_limit(fields),
        on=on or "scripted",  # type: ignore[arg-type]  # one of _PLACES
        server=server,
        clients=clients,
        steps=steps,
        wire=wire,
        secrets=secrets,
    )
    fields.end()
    _check_names(case, entry.raw, plan)
    return case


def trial_plan(server: dict[str, Any], path: str) -> ServerPlan:
    """Read the server with made-up values for its variables: what is wrong with it is wrong now."""
    nodes, shards = server.get("nodes", 1), server.get("shards", 4)
    sizes_known = type(nodes) is int and type(shards) is int and 0 < nodes <= 16 and 0 < shards <= 64
    trial = Variables(
        ring=scripted_ring(shards if sizes_known else 4),
        nodes=[f"http://127.0.0.1:{port}" for port in range(1, 1 + (nodes if sizes_known else 1))],
        files=_TLS_FILES,
    )
    try:
        return read_server(trial.resolve(server), trial.namespace, path)
    except (UnknownVariable, ValueError, TypeError) as error:
        raise Mistake(str(error), path) from None


def _clients(fields: Fields) -> dict[str, Any]:
    options = fields.table("client")
    if "clients" not in fields:
        return {"": read_options(options, "client")}
    named = fields.table("clients")
    return {
        str(name): read_options(merged(options, own if own is not None else {}), f"clients.{name}")
        for name, own in named.items()
    }


def _check_for_live(on: str, server: dict[str, Any], steps: tuple[Step, ...]) -> None:
    for key in server:
        if key not in _NOT_FOR_SERVERS:
            raise Mistake(f"{key!r} is only for scripted clusters, and the case is `on: {on}`", "server")
    for entity in server.get("entities", []):
        if isinstance(entity, dict) and "version" in entity:
            raise Mistake(f"a real server gives versions itself, and the case is `on: {on}`", "server.entities")
    for step in steps:
        only_scripted = step.kind == "server" or (on != "any" and step.wire is not None)
        if only_scripted or (on != "cluster" and step.kind == "until"):
            raise Mistake(f"{step.kind!r} is only for scripted clusters, and the case is `on: {on}`", step.path)


def _check_names(case: ScenarioCase, raw: dict[str, Any], plan: ServerPlan) -> None:
    """All clients, variables and nodes that are named exist."""
    tls = plan.tls is not None
    saved = {entity.save for entity in plan.entities if entity.save}
    clients = set(case.clients)

    def check(value: Any, path: str, *, copies: bool = False) -> None:
        check_variables(value, path, saved=saved, nodes=plan.nodes, tls=tls, copies=copies)

    check(case.clients, "client")
    for step, written in zip(case.steps, raw["steps"], strict=True):
        check(written, step.path, copies=step.kind == "call" and step.repeat != 1)
        saved |= set(step.save)
        if step.kind == "create_client":
            clients.add(step.subject)
        elif step.kind in ("call", "start", "iterate", "events", "close_client"):
            _check_client(step, clients)
        if step.call is not None:
            _check_client(step.call, clients)
    check(raw.get("wire"), "wire")
    check(raw.get("secrets"), "secrets")


def _check_client(step: Step, clients: set[str]) -> None:
    if step.client is None and clients != {""}:
        raise Mistake(f"there are several clients ({', '.join(sorted(clients))}): say which", step.path)
    if step.client is not None and step.client not in clients:
        raise Mistake(f"there is no client {step.client!r}", step.path)
