"""One request to one operation, as its handler sees it, and the reply it makes."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import unquote

from themis_conformance.names import NAME, EntityName, NotAName, parse_urn
from themis_conformance.operations import Route
from themis_conformance.plan import Limits
from themis_conformance.scripted.problems import Refusal
from themis_conformance.scripted.store import json_bytes

__all__ = ["Call", "Reply", "read_json"]

_BAD_ESCAPE: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
_BLANKS: Final = " \t"
_SMALL_BODY_BYTES_MAX: Final = 64 << 10
_KEY: Final = re.compile(r"[!-~]{1,255}")
_ETAG: Final = re.compile(r'(W/)?"([1-9][0-9]{0,15})"')
_VERSION_MAX: Final = (1 << 53) - 1
_MERGE_PATCH: Final = "application/merge-patch+json"
_ENUMS: Final = {
    "consistency": ("strong", "bounded", "eventual"),
    "include": ("doc", "version"),
    "force": ("true", "false"),
}
_RANGES: Final = {
    "limit": (1, 1000),
    "max_lag_ms": (0, 3_600_000),
    "after_epoch": (0, _VERSION_MAX),
    "wait_ms": (0, 60_000),
}


@dataclass
class Reply:
    """An answer before it is written."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    closes: bool = False

    @classmethod
    def of(cls, value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Reply:
        """A JSON answer."""
        return cls(status, json_bytes(value), dict(headers or {}))


@dataclass
class Call:
    """One request to one operation."""

    node: int
    route: Route
    headers: dict[str, str]
    raw_query: str
    raw_body: bytes
    limits: Limits
    request_id: str

    @property
    def operation_id(self) -> str:
        """Which operation."""
        return self.route.operation.operation_id

    def entity(self) -> EntityName:
        """The URN in the path."""
        try:
            return parse_urn(_decoded(self.route.parameters["urn"]))
        except NotAName as error:
            raise Refusal("invalid_urn", str(error), {"position": error.position}) from None

    def name(self, parameter: str) -> str:
        """A name in the path."""
        value = _decoded(self.route.parameters[parameter])
        if not NAME.fullmatch(value):
            raise Refusal("invalid_parameter", f"{value!r} is no name.", {"parameter": parameter})
        return value

    def query(self) -> dict[str, str]:
        """The query's parameters, checked."""
        found: dict[str, str] = {}
        for pair in self.raw_query.split("&"):
            if not pair:
                continue
            name, _, value = (_decoded(part.replace("+", " ")) for part in pair.partition("="))
            if name not in self.route.operation.query or name in found:
                raise Refusal("invalid_parameter", f"{name!r} is unknown or given twice.", {"parameter": name})
            _check_parameter(name, value)
            found[name] = value
        return found

    def idempotency_key(self) -> str | None:
        """The Idempotency-Key of a write."""
        key = self.headers.get("idempotency-key")
        if key is not None and not _KEY.fullmatch(key):
            raise Refusal("invalid_header", "That is no Idempotency-Key.", {"parameter": "Idempotency-Key"})
        return key

    def if_none_match(self) -> list[int] | None:
        """A read's If-None-Match: versions; [] for `*`, None if there is none."""
        return self._versions("If-None-Match", weak=True)

    def expectation(self) -> list[int] | None:
        """What a write wants of the version now: one of these; [] any; [0] that there is none; None nothing."""
        if_none_match = self.headers.get("if-none-match")
        if if_none_match is not None:
            if if_none_match.strip(_BLANKS) != "*" or "if-match" in self.headers:
                detail = "If-None-Match of a write is * and goes without If-Match."
                raise Refusal("invalid_header", detail, {"parameter": "If-None-Match"})
            return [0]
        return self._versions("If-Match", weak=False)

    def _versions(self, header: str, *, weak: bool) -> list[int] | None:
        text = self.headers.get(header.lower())
        if text is None:
            return None
        if text.strip(_BLANKS) == "*":
            return []
        versions: list[int] = []
        for tag in (part.strip(_BLANKS) for part in text.split(",")):
            if not tag:
                continue
            found = _ETAG.fullmatch(tag)
            if found is None or (found[1] and not weak) or int(found[2]) > _VERSION_MAX:
                raise Refusal("invalid_header", f"{tag!r} is no ETag.", {"parameter": header})
            versions.append(int(found[2]))
        if not versions:
            raise Refusal("invalid_header", f"{header} names no version.", {"parameter": header})
        return versions

    def body(self) -> bytes:
        """The body, checked for encoding, type and size."""
        operation = self.route.operation
        if "content-encoding" in self.headers:
            raise Refusal("content_encoding_unsupported", "Send it as it is.", {"allowed": ["identity"]})
        allowed = ["application/json"]
        if operation.operation_id == "patchEntity":
            allowed.insert(0, _MERGE_PATCH)
        media_type, _, parameters = self.headers.get("content-type", "").partition(";")
        charset = re.search(r"charset=\"?([^\";]*)", parameters.lower())
        if media_type.strip().lower() not in allowed or (charset and charset[1].strip() != "utf-8"):
            raise Refusal("unsupported_media_type", f"It takes {' or '.join(allowed)}.", {"allowed": allowed})
        largest = {
            "entity": self.limits.body_bytes_max,
            "batch": self.limits.batch_bytes_max,
        }.get(operation.body, _SMALL_BODY_BYTES_MAX)
        if len(self.raw_body) > largest:
            raise Refusal("body_too_large", f"The body may have {largest} bytes.", {"limit": largest})
        return self.raw_body

    def json_object(self, allowed: tuple[str, ...], needed: tuple[str, ...] = ()) -> dict[str, Any]:
        """The body as an object that has only certain members; the query is checked first."""
        self.query()
        value = read_json(self.body())
        if not isinstance(value, dict):
            raise Refusal("invalid_body", "The body is no object.", {"pointer": ""})
        for name in value:
            if name not in allowed:
                raise Refusal("invalid_body", f"The body has no member {name!r}.", {"pointer": f"/{name}"})
        for name in needed:
            if name not in value:
                raise Refusal("invalid_body", f"The member {name!r} is missing.", {"pointer": ""})
        return value


def _decoded(text: str) -> str:
    """A part of path or query without its percent-escapes; bad ones are refused, not replaced."""
    try:
        if _BAD_ESCAPE.search(text):
            raise ValueError("a % is followed by two hex digits")
        return unquote(text, errors="strict")
    except ValueError as error:
        raise Refusal("bad_request", f"The path or query cannot be read: {error}.") from None


def read_json(raw: bytes) -> Any:
    """Parse JSON as RFC 8259 has it, or refuse it."""
    try:
        value = json.loads(raw.decode("utf-8"), parse_constant=_no_constant, parse_float=_finite)
        if b"\\u" in raw:
            json_bytes(value)  # a lone surrogate is no UTF-8
    except RecursionError:
        raise Refusal("json_too_deep", "The body nests too deeply.", {"limit": 64}) from None
    except json.JSONDecodeError as error:
        raise Refusal("invalid_json", f"The body is not JSON: {error.msg}.", {"position": error.pos}) from None
    except ValueError as error:
        raise Refusal("invalid_json", f"The body is not JSON: {error}.", {"position": 0}) from None
    return value


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON")


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(f"{text[:32]} is too large a number")
    return number


def _check_parameter(name: str, value: str) -> None:
    members: dict[str, Any] = {"parameter": name}
    if name in _ENUMS and value not in _ENUMS[name]:
        raise Refusal("invalid_parameter", f"{name} is {value!r}.", members | {"allowed": list(_ENUMS[name])})
    if name in _RANGES:
        low, high = _RANGES[name]
        if not re.fullmatch(r"-?[0-9]{1,19}", value) or not low <= int(value) <= high:
            raise Refusal("invalid_parameter", f"{name} is {value!r}; it is from {low} to {high}.", members)
    if name == "cursor" and not re.fullmatch(r"[A-Za-z0-9_=-]{1,1024}", value):
        raise Refusal("invalid_parameter", "That is no cursor.", members)
