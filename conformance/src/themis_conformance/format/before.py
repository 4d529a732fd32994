"""`before:` of a protocol case: requests that a server is sent first, because what is judged needs more than one."""

from __future__ import annotations

from typing import Any

from themis_conformance.format.fields import ABSENT, Fields
from themis_conformance.mistake import Mistake
from themis_conformance.model import Preparation

__all__ = ["read_before"]


def read_before(fields: Fields, side: str) -> tuple[Preparation, ...]:
    """Read the key `before`; raises Mistake."""
    if "before" in fields and side != "server":
        raise Mistake("an SDK sends what its call says: `before` needs a case for servers only", "before")
    return tuple(_preparation(raw, path) for path, raw in fields.items("before"))


def _preparation(raw: Any, path: str) -> Preparation:
    fields = Fields(raw, path)
    headers = fields.table("headers")
    body = fields.take("json", ABSENT)
    save = fields.table("save")
    for name, place in save.items():
        if not isinstance(name, str) or not isinstance(place, str):
            raise Mistake(f"expected names and paths, not {name!r}: {place!r}", fields.at("save"))
    read = Preparation(
        method=fields.need_text("method"),
        path=fields.need_text("path"),
        headers={str(name).lower(): str(value) for name, value in headers.items()},
        has_body=body is not ABSENT,
        body=None if body is ABSENT else body,
        status=fields.whole("status", minimum=100),
        save=save,
    )
    fields.end()
    return read
