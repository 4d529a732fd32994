"""A protocol case, asked of a server: it is brought into the given state, sent the request, and its answer judged."""

from __future__ import annotations

import json
from typing import Any

from themis_conformance.format.server import read_server
from themis_conformance.judge.examples import example_of
from themis_conformance.judge.reply import saved_values
from themis_conformance.live.http import NoAnswer, Response, request_bytes
from themis_conformance.live.state import LiveServer
from themis_conformance.matching import MISSING, HeaderText, mismatches, subset_mismatches
from themis_conformance.model import Exchange, Preparation, ProtocolCase
from themis_conformance.outcome import CaseFailed
from themis_conformance.variables import Variables

__all__ = ["run_for_server"]

_PROBLEM = "application/problem+json"


async def run_for_server(case: ProtocolCase, live: LiveServer, context: list[str]) -> None:
    """Send one request and judge the answer; raises CaseFailed."""
    assert case.exchange is not None
    variables = Variables(ring=await live.ring(), nodes=[live.url])
    try:
        plan = read_server(variables.resolve(case.given), variables.namespace, "given")
        versions = await live.make(plan)
        for entity in plan.entities:
            if entity.save is not None:
                variables.saved[entity.save] = versions[entity.urn]
        for number, preparation in enumerate(case.before):
            await _prepare(preparation, f"before[{number}]", live, variables)
        data = _request(case.exchange, live, variables)
        context.append(f"sent: {data[:600]!r}")
        try:
            answer = await live.send(data, head=case.exchange.method == "HEAD", expected=case.exchange.status)
        except NoAnswer as error:
            raise CaseFailed(f"no answer: {error}") from error
        context.append(f"answered: {answer.status} {answer.headers} {answer.body[:600]!r}")
        complaints = _answer_mismatches(case.exchange, answer, variables)
        if complaints:
            raise CaseFailed(*complaints)
    finally:
        await live.clean_up(variables.namespace)


async def _prepare(planned: Preparation, path: str, live: LiveServer, variables: Variables) -> None:
    body = json.dumps(variables.resolve(planned.body), ensure_ascii=False).encode() if planned.has_body else b""
    headers = {name: str(variables.resolve(value)) for name, value in planned.headers.items()}
    if planned.has_body:
        headers.setdefault("content-type", "application/json")
    target = str(variables.resolve(planned.path))
    data = request_bytes(live.address, planned.method, target, headers, body)
    try:
        answer = await live.send(data, head=planned.method == "HEAD", expected=planned.status or 200)
    except NoAnswer as error:
        raise CaseFailed(f"{path}: no answer: {error}") from error
    if answer.status >= 400 if planned.status is None else answer.status != planned.status:
        raise CaseFailed(f"{path}: {planned.method} {target} was answered {answer.status} {answer.body[:300]!r}")
    variables.saved.update(saved_values(planned.save, {"value": answer.content()}, path))


def _request(planned: Exchange, live: LiveServer, variables: Variables) -> bytes:
    body = _body(planned, variables)
    if planned.body_kind == "whole":
        return body
    headers = {
        name: str(value) for name, value in example_of(variables.resolve(planned.headers)).items() if value is not None
    }
    if (
        planned.body_kind == "json"
        and "content-type" not in headers
        and planned.headers.get("content-type", "") is not None
    ):
        headers["content-type"] = "application/json"
    target = example_of(variables.resolve(planned.path))
    return request_bytes(live.address, planned.method, str(target), headers, body)


def _body(planned: Exchange, variables: Variables) -> bytes:
    if planned.body_kind == "json":
        value = example_of(variables.resolve(planned.body))
        return json.dumps(None if value is MISSING else value, ensure_ascii=False).encode()
    if isinstance(planned.body, dict) and "hex" in planned.body:
        return bytes.fromhex(planned.body["hex"])
    return str(variables.resolve(planned.body)).encode() if planned.body is not None else b""


def _answer_mismatches(planned: Exchange, answer: Response, variables: Variables) -> list[str]:
    resolve = variables.resolve
    found = mismatches(planned.status, answer.status, "response.status")
    headers = {
        name: {"$$exists": False} if value is None else value for name, value in planned.response_headers.items()
    }
    actual = {name: HeaderText(value) for name, value in answer.headers.items()}
    found += subset_mismatches(_matchers(resolve(headers)), actual, "response.headers")
    content: Any = answer.content()
    if planned.answer_kind == "problem":
        found += mismatches(
            _PROBLEM, answer.headers.get("content-type", "").partition(";")[0], "response.headers.content-type"
        )
        if planned.method != "HEAD":
            found += subset_mismatches(resolve(planned.answer), content, "response.problem")
    elif planned.answer_kind == "json":
        found += mismatches(resolve(planned.answer), content, "response.json")
    elif planned.answer_kind == "text":
        found += mismatches(resolve(planned.answer), answer.body.decode("utf-8", "replace"), "response.text")
    elif answer.body:
        found.append(f"response: there is a body, {answer.body[:200]!r}; expected none")
    return found


def _matchers(headers: dict[str, Any]) -> dict[str, Any]:
    return {name: wanted if isinstance(wanted, dict) else str(wanted) for name, wanted in headers.items()}
