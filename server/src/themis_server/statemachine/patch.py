"""JSON merge patch (RFC 7396) on bytes."""

from __future__ import annotations

from typing import Any

import orjson


def merge(document: bytes, patch: bytes) -> bytes:
    """Return `document` with `patch` merged in: null removes a member, an object merges, anything else replaces.

    Both must be valid JSON; `patch` an object. Deterministic: members keep the document's order, new ones follow in
    the patch's.
    """
    return orjson.dumps(_merged(orjson.loads(document), orjson.loads(patch)))


def _merged(target: Any, patch: Any) -> Any:
    # Recursion is bounded by the depth limit that both sides passed at the edge.
    if not isinstance(patch, dict):
        return patch
    result: dict[str, Any] = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = _merged(result.get(name), value)
    return result
