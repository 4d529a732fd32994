"""Reads spec/errors.yaml: the codes, their meaning, and what an example problem looks like."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tools.codegen.source import SpecError, load_yaml

__all__ = ["ERROR_TYPE_BASE", "ErrorEntry", "load_errors"]

ERROR_TYPE_BASE: Final = "https://themisdb.dev/errors/"

_CODE: Final = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_TEXTS: Final = ("title", "meaning", "cause", "remedy")
_MEMBERS: Final = frozenset({"code", "status", *_TEXTS, "retryable", "scope", "example"})
_EXAMPLE_INSTANCE: Final = "/entity/urn%3Athemis%3Adocument%3Adefault%3Aairports%3A0e3a1c4b-6d1f-5c8e-9b57-2f4d8a1b7c60"
_EXAMPLE_REQUEST_ID: Final = "req-7f3a9c"


@dataclass(frozen=True, slots=True)
class ErrorEntry:
    """One error code as errors.yaml has it.

    `example` is what an example has beyond what follows from the code; `item_only` and `peer_only` are its scope.
    """

    code: str
    status: int
    title: str
    meaning: str
    cause: str
    remedy: str
    retryable: str
    item_only: bool
    peer_only: bool
    example: dict[str, Any]

    def problem(self) -> dict[str, Any]:
        """An example of the whole problem document (RFC 9457)."""
        return {
            "type": f"{ERROR_TYPE_BASE}{self.code}",
            "title": self.title,
            "status": self.status,
            "detail": self.example["detail"],
            "instance": self.example.get("instance", _EXAMPLE_INSTANCE),
            "code": self.code,
            "retryable": self.retryable == "yes",
            "request_id": _EXAMPLE_REQUEST_ID,
            **{name: value for name, value in self.example.items() if name not in ("detail", "instance")},
        }

    def item(self) -> dict[str, Any]:
        """An example of this error as the `error` of a batch item."""
        return {name: value for name, value in self.problem().items() if name not in _REQUEST_MEMBERS}


_REQUEST_MEMBERS: Final = frozenset({"type", "instance", "request_id", "parameter", "allowed"})


def load_errors(path: Path) -> dict[str, ErrorEntry]:
    """Read the error codes in the order of the file; raises `SpecError`."""
    document = load_yaml(path)
    if not isinstance(document, dict) or set(document) != {"errors"} or not isinstance(document["errors"], list):
        raise SpecError(f"{path}: expected one member, `errors`, that is a list")
    entries: dict[str, ErrorEntry] = {}
    for raw in document["errors"]:
        entry = _entry(raw, str(path))
        if entry.code in entries:
            raise SpecError(f"{path}: the code {entry.code} is listed twice")
        entries[entry.code] = entry
    return entries


def _entry(raw: Any, where: str) -> ErrorEntry:
    if not isinstance(raw, dict) or not isinstance(raw.get("code"), str):
        raise SpecError(f"{where}: an error needs a code: {raw!r}")
    where = f"{where}: {raw['code']}"
    if unknown := sorted(set(raw) - _MEMBERS):
        raise SpecError(f"{where}: unknown member {unknown[0]}")
    if not _CODE.fullmatch(raw["code"]):
        raise SpecError(f"{where}: a code is lower-case words joined by _")
    if not isinstance(raw.get("status"), int) or not 400 <= raw["status"] <= 599:
        raise SpecError(f"{where}: status must be 400..599")
    for name in _TEXTS:
        if not isinstance(raw.get(name), str) or not raw[name].strip():
            raise SpecError(f"{where}: {name} is missing")
    if raw.get("retryable") not in ("yes", "no", "with_key"):
        raise SpecError(f'{where}: retryable must be "yes", "no" or "with_key", quoted')
    if raw.get("scope", "request") not in ("request", "item", "peer"):
        raise SpecError(f"{where}: scope must be request, item or peer")
    example = raw.get("example")
    if not isinstance(example, dict) or not isinstance(example.get("detail"), str):
        raise SpecError(f"{where}: example.detail is missing")
    return ErrorEntry(
        code=raw["code"],
        status=raw["status"],
        title=raw["title"],
        meaning=raw["meaning"],
        cause=raw["cause"],
        remedy=raw["remedy"],
        retryable=raw["retryable"],
        item_only=raw.get("scope") == "item",
        peer_only=raw.get("scope") == "peer",
        example=example,
    )
