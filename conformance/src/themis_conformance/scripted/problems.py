"""Errors as the API answers them: problem documents, filled from the table of all errors (spec/errors.yaml)."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import Any, Final

from themis_conformance.data import errors_file
from themis_conformance.yaml_text import read_yaml

__all__ = ["ErrorInfo", "Refusal", "error_table", "item_error", "problem_document"]

_CLOSING: Final = frozenset({"bad_request", "body_too_large", "request_timeout", "content_encoding_unsupported"})


@dataclass(frozen=True)
class ErrorInfo:
    """What is always so about a code."""

    code: str
    status: int
    title: str
    retryable: str


# What a server with tokens answers; the table has it once the server has tokens.
_MORE: Final = (
    ErrorInfo("unauthorized", 401, "Unauthorized", "no"),
    ErrorInfo("forbidden", 403, "Forbidden", "no"),
)


@functools.cache
def error_table() -> dict[str, ErrorInfo]:
    """All errors by their code."""
    table = {info.code: info for info in _MORE}
    for entry in read_yaml(errors_file())["errors"]:
        table[entry["code"]] = ErrorInfo(entry["code"], entry["status"], entry["title"], str(entry["retryable"]))
    return table


@dataclass
class Refusal(Exception):
    """A request, or an item of a batch, is not carried out."""

    code: str
    detail: str
    members: dict[str, Any] = field(default_factory=dict)
    decided: bool = False
    """Whether the state of the data decided it: then a repetition under the same key is told the same."""
    headers: dict[str, str] = field(default_factory=dict)
    """What the answer says beside it."""

    @property
    def status(self) -> int:
        """The HTTP status."""
        return error_table()[self.code].status

    @property
    def closes(self) -> bool:
        """Whether the connection ends with it, because the rest of the request is not read."""
        return self.code in _CLOSING


def _retryable(info: ErrorInfo | None, *, with_key: bool) -> bool:
    return info is not None and (info.retryable == "yes" or (info.retryable == "with_key" and with_key))


def problem_document(
    code: str | None,
    status: int,
    detail: str,
    *,
    instance: str,
    request_id: str,
    with_key: bool,
    members: dict[str, Any],
) -> dict[str, Any]:
    """A whole problem document; `members` go over what the table says. Without a code it has none."""
    info = error_table().get(code) if code is not None else None
    document: dict[str, Any] = {
        "type": f"https://themisdb.dev/errors/{code}" if code is not None else "about:blank",
        "title": info.title if info else code or "Error",
        "status": status,
        "detail": detail,
        "instance": instance,
    }
    if code is not None:
        document |= {"code": code, "retryable": _retryable(info, with_key=with_key)}
    document["request_id"] = request_id
    return document | members


def item_error(code: str, detail: str, *, with_key: bool, members: dict[str, Any]) -> dict[str, Any]:
    """The error of one item of a batch."""
    info = error_table().get(code)
    return {
        "code": code,
        "status": info.status if info else 500,
        "title": info.title if info else code,
        "detail": detail,
        "retryable": _retryable(info, with_key=with_key),
        **members,
    }
