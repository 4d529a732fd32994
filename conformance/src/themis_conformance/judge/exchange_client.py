"""A protocol case, asked of an SDK: what it sends for a call, and what it makes of the answer."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

from themis_conformance.adapter import Adapter
from themis_conformance.judge.examples import example_of
from themis_conformance.judge.reply import check_outcome, value_of
from themis_conformance.judge.scenario import close_after, scripted_stage
from themis_conformance.judge.stage import Certificates, Stage
from themis_conformance.matching import HeaderText, is_matcher, mismatches, subset_mismatches
from themis_conformance.matching.match import shown
from themis_conformance.model import Exchange, ProtocolCase
from themis_conformance.outcome import CaseFailed
from themis_conformance.plan import Action, Answer, FaultMatch, FaultPlan
from themis_conformance.scripted import Seen

__all__ = ["run_for_client"]


async def run_for_client(
    case: ProtocolCase, mode: str, adapter: Adapter, certificates: Certificates, context: list[str]
) -> None:
    """Let the SDK make the call against a node that gives the answer; raises CaseFailed or AdapterBroken."""
    server = {**case.given, "nodes": 1, "shards": 1}
    async with scripted_stage(server, mode, adapter, certificates, context) as stage:
        assert stage.cluster is not None
        if case.exchange is not None:
            stage.cluster.add_fault(_answering(case, case.exchange, stage))
        try:
            await _exchange(case, stage)
        except CaseFailed as failed:
            await close_after(failed, stage)
            raise
        await stage.close_clients()


def _answering(case: ProtocolCase, exchange: Exchange, stage: Stage) -> FaultPlan:
    """The rule by which the node gives the answer of the case, as often as it is asked."""
    resolve = stage.variables.resolve
    headers = {name: str(value) for name, value in example_of(resolve(exchange.response_headers)).items()}
    answer = example_of(resolve(exchange.answer))
    if exchange.answer_kind == "json":
        planned = Answer(exchange.status, headers=headers, json=answer, has_json=True)
    elif exchange.answer_kind == "text":
        planned = Answer(exchange.status, headers=headers, text=answer)
    elif exchange.answer_kind == "problem":
        members = {name: value for name, value in answer.items() if name != "code"}
        planned = Answer(exchange.status, code=answer.get("code"), problem=members, headers=headers)
    else:
        planned = Answer(exchange.status, headers=headers)
    return FaultPlan(FaultMatch(operations=(case.operation,)), Action(answer=planned), times=None)


async def _exchange(case: ProtocolCase, stage: Stage) -> None:
    assert stage.cluster is not None
    resolve = stage.variables.resolve
    # One exchange is the subject: what is tried again is told by the scenarios.
    value_of(await stage.create_client("", {"max_retries": 0, **case.client}, "client"), "client")
    reply = await stage.adapter.ask("call", client=stage.client(None, "call"), op=case.op, args=resolve(case.args))
    stage.note(reply)
    # What was sent is looked at first: a wrong request is why an outcome is wrong.
    log = stage.cluster.log
    seen = log.requests()
    if case.exchange is None:
        if seen:
            raise CaseFailed(f"nothing was to be sent, but {seen[0].method} {seen[0].target} was")
    else:
        if case.operation == "getTopology":
            seen = [one for one in log.seen if one.operation == case.operation]
        _check_requests(case, case.exchange, seen, stage)
    check_outcome(case.outcome, resolve(case.expected), reply, case.op, "call")


def _check_requests(case: ProtocolCase, exchange: Exchange, seen: list[Seen], stage: Stage) -> None:
    if not seen:
        raise CaseFailed(f"no request was sent; expected {exchange.method} {exchange.path}")
    # Of topology requests some are the SDK's own.
    wanted = case.count if case.count is not None else 1 if case.operation != "getTopology" else {"$$gte": 1}
    complaints = mismatches(stage.variables.resolve(wanted), len(seen), "the number of requests")
    for index, one in enumerate(seen):
        if index == 0 or case.operation != "getTopology":
            complaints += _request_mismatches(exchange, one, stage, f"request[{index}]")
    if complaints:
        raise CaseFailed(*complaints)


def _request_mismatches(exchange: Exchange, seen: Seen, stage: Stage, path: str) -> list[str]:
    resolve = stage.variables.resolve
    found = mismatches(exchange.method, seen.method, f"{path}.method")
    wanted = resolve(exchange.path)
    if is_matcher(wanted):
        found += mismatches(wanted, seen.target, f"{path}.path")
    else:
        wanted_path, _, wanted_query = str(wanted).partition("?")
        found += mismatches(wanted_path, seen.path, f"{path}.path")
        # The order of parameters means nothing.
        found += mismatches(_pairs(wanted_query), _pairs(seen.query), f"{path}.query")
    headers = {name: {"$$exists": False} if value is None else value for name, value in exchange.headers.items()}
    actual = {name: HeaderText(value) for name, value in seen.headers.items()}
    found += subset_mismatches(resolve(headers), actual, f"{path}.headers")
    return found + _body_mismatches(exchange, seen, resolve(exchange.body), f"{path}.body")


def _pairs(query: str) -> list[list[str]]:
    return sorted([name, value] for name, value in parse_qsl(query, keep_blank_values=True))


def _body_mismatches(exchange: Exchange, seen: Seen, body: Any, path: str) -> list[str]:
    if exchange.body_kind == "json":
        return mismatches(body, seen.content(), path)
    if exchange.body_kind == "text":
        return mismatches(body, seen.body.decode("utf-8", "replace"), path)
    # A case that says nothing of a body says nothing against one, where the operation has one.
    takes_body = seen.route is not None and bool(seen.route.operation.body)
    return [f"{path} is {shown(seen.content())}; expected none"] if seen.body and not takes_body else []
