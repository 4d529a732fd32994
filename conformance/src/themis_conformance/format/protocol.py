"""Protocol files: cases/protocol/*.yaml, one exchange used both ways."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Literal

from themis_conformance.format.before import read_before
from themis_conformance.format.fields import ABSENT, Fields
from themis_conformance.format.makers import check_makers
from themis_conformance.format.options import features_of_options, read_options
from themis_conformance.format.scenario import trial_plan
from themis_conformance.format.server import STATE_KEYS
from themis_conformance.format.suite import Entry, check_variables, read_suite, take_limit, take_requires
from themis_conformance.matching import is_matcher
from themis_conformance.mistake import Mistake
from themis_conformance.model import CALL_FEATURES, Exchange, ProtocolCase
from themis_conformance.operations import OPERATIONS

__all__ = ["read_protocol"]

Side = Literal["both", "client", "server"]

_SIDES: Final[dict[str, Side]] = {"scripted": "client", "any": "both", "live": "server"}


def read_protocol(path: Path) -> Iterator[ProtocolCase | Mistake]:
    """Read a file: its cases, and Mistakes in the place of those that are wrong."""
    for entry in read_suite(path, "protocol", ("client", "given", "requires")):
        if isinstance(entry, Mistake):
            yield entry
            continue
        try:
            yield _read(entry)
        except Mistake as mistake:
            yield mistake.at(f"{path}: {entry.case_id}")


def _read(entry: Entry) -> ProtocolCase:
    check_makers(entry.raw, "")
    fields = Fields(entry.raw, "")
    fields.need("name")
    about = fields.need_text("about")
    operation = fields.need_text("operation")
    if operation not in OPERATIONS:
        raise Mistake(f"there is no operation {operation!r}", "operation")
    given = fields.table("given")
    for key in given:
        if key not in STATE_KEYS:
            raise Mistake(f"unknown key {key!r}", "given")
    plan = trial_plan(given, "given")
    client = read_options(fields.take("client", {}), "client")
    op, args = _call(fields)
    side = _side(fields, op)
    silent = side == "client" and "request" not in fields and "response" not in fields
    exchange = None if silent else _exchange(fields, operation, examples_needed=side != "server")
    outcome, expected = _outcome(fields, needed=side != "server")
    count = fields.expectation("count")
    derived = ({CALL_FEATURES[op]} if op else set()) | features_of_options(client)
    case = ProtocolCase(
        case_id=entry.case_id,
        layer="protocol",
        suite=entry.suite,
        about=about,
        requires=take_requires(fields, derived),
        limit_s=take_limit(fields),
        operation=operation,
        given=given,
        op=op,
        args=args,
        client=client,
        exchange=exchange,
        outcome=outcome,
        expected=expected,
        count=None if count is ABSENT else count,
        side=side,
        before=read_before(fields, side),
    )
    fields.end()
    saved = {entity.save for entity in plan.entities if entity.save}
    saved |= {name for preparation in case.before for name in preparation.save}
    check_variables(entry.raw, "", saved=saved, nodes=1, tls=False, copies=False)
    return case


def _call(fields: Fields) -> tuple[str, Any]:
    if "call" not in fields:
        return "", {}
    call = Fields(fields.take("call"), "call")
    op = call.need_text("op")
    if op not in CALL_FEATURES:
        raise Mistake(f"there is no op {op!r}", "call.op")
    args = call.take("args", {})
    if not isinstance(args, dict):
        raise Mistake(f"expected an object, not {args!r}", "call.args")
    call.end()
    return op, args


def _side(fields: Fields, op: str) -> Side:
    if "on" not in fields:
        return "both" if op else "server"
    side = _SIDES.get(str(fields.take("on")))
    if side is None:
        raise Mistake(f"expected one of {', '.join(_SIDES)}", "on")
    if side != "server" and not op:
        raise Mistake("a case for SDKs needs a call", "call")
    return side


def _outcome(fields: Fields, *, needed: bool) -> tuple[str, Any]:
    given = [name for name in ("value", "error") if name in fields]
    if len(given) > 1 or (needed and not given):
        raise Mistake("expected exactly one of value and error")
    if not given:
        return "", None
    return given[0], fields.expectation(given[0])


def _exchange(fields: Fields, operation: str, *, examples_needed: bool) -> Exchange:
    request = Fields(fields.need("request"), "request")
    response = Fields(fields.need("response"), "response")
    body_kind, body = _body(request)
    whole = body_kind == "whole"
    method = "" if whole else request.need_text("method")
    path = "" if whole else request.expectation("path", examples=True)
    if not whole and (path is ABSENT or (method != OPERATIONS[operation].method and examples_needed)):
        raise Mistake(f"expected path, and the method of {operation}: {OPERATIONS[operation].method}", "request")
    headers = _headers(request)
    request.end()
    status = response.whole("status", minimum=100)
    if status is None:
        raise Mistake("the key 'status' is missing", "response")
    answer_kind, answer = _answer(response)
    exchange = Exchange(
        method=method,
        path=path,
        headers=headers,
        body_kind=body_kind,
        body=body,
        status=status,
        response_headers=_headers(response),
        answer_kind=answer_kind,
        answer=answer,
    )
    response.end()
    if examples_needed:
        _check_examples(exchange.response_headers, "response.headers")
        _check_examples(exchange.answer, f"response.{answer_kind}")
    return exchange


def _body(request: Fields) -> tuple[Literal["", "json", "text", "bytes", "whole"], Any]:
    given = [name for name in ("json", "body", "raw") if name in request]
    if len(given) > 1:
        raise Mistake("expected at most one of json, body and raw", "request")
    if not given:
        return "", None
    if given == ["json"]:
        return "json", request.expectation("json", examples=True)
    value = request.take(given[0])
    if isinstance(value, dict) and set(value) == {"hex"}:
        _check_hex(value["hex"], given[0])
    elif not isinstance(value, str) and not (isinstance(value, dict) and "$make" in value):
        raise Mistake(f"expected a text, a maker of one, or {{hex: ...}}, not {value!r}", f"request.{given[0]}")
    if given == ["raw"] and "method" not in request:
        return "whole", value
    return ("bytes" if isinstance(value, dict) and "hex" in value else "text"), value


def _check_hex(digits: Any, key: str) -> None:
    try:
        bytes.fromhex(digits)
    except (TypeError, ValueError):
        raise Mistake(f"{digits!r} is no bytes in hex digits", f"request.{key}.hex") from None


def _headers(fields: Fields) -> dict[str, Any]:
    headers = fields.expectation("headers", examples=True)
    if headers is ABSENT:
        return {}
    if not isinstance(headers, dict):
        raise Mistake("expected an object", fields.at("headers"))
    return {
        str(name).lower(): wanted if isinstance(wanted, dict) or wanted is None else str(wanted)
        for name, wanted in headers.items()
    }


def _answer(response: Fields) -> tuple[Literal["", "json", "problem", "text"], Any]:
    kinds: tuple[Literal["json", "problem", "text"], ...] = ("json", "problem", "text")
    given = [name for name in kinds if name in response]
    if len(given) > 1:
        raise Mistake("expected at most one of json, problem and text", "response")
    if not given:
        return "", None
    expected = response.expectation(given[0], examples=True)
    if given == ["problem"] and not isinstance(expected, dict):
        raise Mistake("expected an object", "response.problem")
    return given[0], expected


def _check_examples(expected: Any, path: str) -> None:
    """Where the scripted server is to give an answer, each matcher needs an example of what it matches."""
    if isinstance(expected, list):
        for index, element in enumerate(expected):
            _check_examples(element, f"{path}[{index}]")
    elif isinstance(expected, dict):
        if not is_matcher(expected):
            for name, member in expected.items():
                _check_examples(member, f"{path}.{name}")
        elif "example" not in expected and expected != {"$$exists": False}:
            raise Mistake("a matcher needs an `example` here: it is what the scripted server answers", path)
