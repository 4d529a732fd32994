"""What the SDK gives, in the JSON of the adapter protocol, and the protocol's numbers."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec

from themis import (
    NOT_MODIFIED,
    ApiError,
    BatchError,
    BatchFailure,
    BatchGetResult,
    BatchResult,
    ClientClosed,
    ConfigurationError,
    EncodingError,
    InvalidUrn,
    LagExceeded,
    PreconditionFailed,
    ThemisError,
    TimeoutError,  # the SDK's: it is what the protocol's kind "timeout" means
    TooLarge,
    TooManyRequests,
    TransportError,
    WriteResult,
)

JSON = dict[str, Any]
_SAFE = (1 << 53) - 1
_KINDS: list[tuple[type[BaseException], str]] = [
    (ApiError, "api"),
    (TransportError, "transport"),
    (TimeoutError, "timeout"),
    (asyncio.CancelledError, "cancelled"),
    (ConfigurationError, "configuration"),
    (EncodingError, "encoding"),
    (InvalidUrn, "invalid_urn"),
    (ClientClosed, "closed"),
    (BatchError, "batch"),
]


def decode(value: Any) -> Any:
    """A command's JSON with its tagged integers as integers."""
    if isinstance(value, dict):
        if len(value) == 1:
            if "$int" in value:
                return int(value["$int"])
            if "$literal" in value:
                return {name: decode(member) for name, member in value["$literal"].items()}
        return {name: decode(member) for name, member in value.items()}
    if isinstance(value, list):
        return [decode(member) for member in value]
    return value


def encode(value: Any) -> Any:
    """A reply's JSON with integers beyond 2^53-1 tagged."""
    if isinstance(value, dict):
        encoded = {name: encode(member) for name, member in value.items()}
        return {"$literal": encoded} if len(encoded) == 1 and ("$int" in encoded or "$literal" in encoded) else encoded
    if isinstance(value, list):
        return [encode(member) for member in value]
    if isinstance(value, int) and not isinstance(value, bool) and not -_SAFE <= value <= _SAFE:
        return {"$int": str(value)}
    return value


def canonical_name(error: BaseException) -> str:
    """The name that all SDKs have for a kind of error."""
    return type(error).__name__.removesuffix("Error").removesuffix("Exception")


def describe(error: BaseException) -> JSON:
    """An error as the protocol tells it."""
    kind = next((kind for cls, kind in _KINDS if isinstance(error, cls)), None)
    if kind is None:
        kind = "themis" if isinstance(error, ThemisError) else "crash"
    found: JSON = {"kind": kind, "type": canonical_name(error), "message": str(error)}
    if kind in ("api", "transport", "timeout"):
        for name in ("attempts", "request_id", "outcome_unknown"):
            found[name] = getattr(error, name)
    if isinstance(error, ApiError):
        found |= {"code": error.code, "status": error.status, "retryable": error.retryable}
    if isinstance(error, TransportError):
        found["transport"] = error.kind
    if isinstance(error, PreconditionFailed):
        found["version"] = error.version
    if isinstance(error, TooLarge):
        found["limit"] = error.limit
    if isinstance(error, LagExceeded):
        found |= {"limit": error.limit, "lag_ms": error.lag_ms}
    if isinstance(error, TooManyRequests) and error.retry_after_s is not None:
        found["retry_after_ms"] = round(error.retry_after_s * 1000)
    if isinstance(error, InvalidUrn):
        found |= {"reason": str(error.reason), "position": error.position}
    return found


def shape(op: str, value: Any) -> Any:
    """What a call gave, as the protocol's table of ops says."""
    if op in ("drop_namespace", "drop_collection", "admin_revoke_join_token"):
        return None
    if op == "metrics":
        return {"text": value}
    if op == "get_entity":
        if value is NOT_MODIFIED:
            return {"not_modified": True}
        if value is None:
            return None
        return {**entity(value), "role": value.role, "lag_ms": value.lag_ms, "node": value.node}
    if isinstance(value, BatchGetResult):
        return {"places": _places(value)}
    if isinstance(value, BatchResult):
        return {
            "ok": [{"urn": str(done.urn), "version": done.version} for done in value.ok],
            "missing": [str(urn) for urn in value.missing],
            "failed": [{"index": item.index, "name": item.urn, "error": describe(item.error)} for item in value.failed],
        }
    if isinstance(value, WriteResult):
        return {"urn": str(value.urn), "version": value.version, "created": value.created, "replayed": value.replayed}
    # The records of the specification: datetimes become RFC 3339 texts. A document is left as it is.
    return value if op == "get" else msgspec.to_builtins(value)


def entity(value: Any) -> JSON:
    """An entity of a batch or a listing."""
    return {"urn": str(value.urn), "version": value.version, "doc": value.doc}


def _places(result: BatchGetResult) -> list[Any]:
    """The outcomes in the order asked: failures know their place, the others kept their order."""
    failed: dict[int, BatchFailure] = {failure.index: failure for failure in result.failed}
    found = iter(result.ok)
    places: list[Any] = []
    for index in range(len(result)):
        if index in failed:
            places.append({"error": describe(failed[index].error)})
        else:
            places.append(None if result[index] is None else entity(next(found)))
    return places
