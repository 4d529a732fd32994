"""`wire:`, what the wire log must say."""

from __future__ import annotations

from typing import Any

from themis_conformance.format.fields import ABSENT, Fields
from themis_conformance.matching import is_matcher
from themis_conformance.mistake import Mistake
from themis_conformance.model import WireCheck
from themis_conformance.operations import OPERATIONS

__all__ = ["check_subsets", "lower_headers", "read_wire"]

_REQUEST_KEYS = (
    "node",
    "connection",
    "operation",
    "method",
    "target",
    "path",
    "query",
    "urn",
    "headers",
    "body",
)


def read_wire(raw: Any, path: str) -> WireCheck:
    """Read `wire:`; raises Mistake."""
    fields = Fields(raw, path)
    count = fields.expectation("count")
    if isinstance(count, dict) and not is_matcher(count):
        for operation in count:
            if operation not in OPERATIONS and "${" not in str(operation):
                raise Mistake(f"there is no operation {operation!r}", fields.at("count"))
    requests = _requests(fields)
    last = fields.expectation("last")
    if last is not ABSENT:
        _check_request(last, fields.at("last"))
    committed = fields.table("committed")
    check = WireCheck(
        path=path,
        requests=requests,
        last=None if last is ABSENT else lower_headers(last),
        count=_or_none(count),
        nodes=_or_none(fields.expectation("nodes")),
        topology_fetches=_or_none(fields.expectation("topology_fetches")),
        connections=_or_none(fields.expectation("connections")),
        same_header=tuple(name.lower() for name in fields.texts("same_header")),
        distinct_header=tuple(name.lower() for name in fields.texts("distinct_header")),
        committed=committed or None,
    )
    fields.end()
    return check


def _or_none(value: Any) -> Any:
    return None if value is ABSENT else value


def _requests(fields: Fields) -> Any:
    raw = fields.expectation("requests")
    if raw is ABSENT:
        return None
    any_order = isinstance(raw, dict) and set(raw) == {"$$any_order"}
    listed = raw["$$any_order"] if any_order else raw
    if isinstance(listed, list):
        for index, request in enumerate(listed):
            _check_request(request, f"{fields.at('requests')}[{index}]")
        lowered = [lower_headers(request) for request in listed]
        return {"$$any_order": lowered} if any_order else lowered
    if not is_matcher(raw):
        raise Mistake("expected a list of requests", fields.at("requests"))
    return raw


def _check_request(request: Any, path: str) -> None:
    if isinstance(request, str) and "${" in request:
        return
    fields = Fields(request, path)
    if is_matcher(request):
        return
    for key in _REQUEST_KEYS:
        fields.take(key)
    fields.end()
    operation = request.get("operation")
    if isinstance(operation, str) and operation not in OPERATIONS and "${" not in operation:
        raise Mistake(f"there is no operation {operation!r}", f"{path}.operation")
    check_subsets(request, path)


def check_subsets(request: dict[str, Any], path: str) -> None:
    """Headers and query are objects."""
    for key in ("headers", "query"):
        if not isinstance(request.get(key, {}), dict):
            raise Mistake("expected an object", f"{path}.{key}")


def lower_headers(request: Any) -> Any:
    """The same with the names of headers in lower case, as the log has them, and their values as texts."""
    if not isinstance(request, dict) or not isinstance(request.get("headers"), dict) or is_matcher(request["headers"]):
        return request
    headers = {
        str(name).lower(): wanted if isinstance(wanted, dict | list) or wanted is None else _text(wanted)
        for name, wanted in request["headers"].items()
    }
    return {**request, "headers": headers}


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)
