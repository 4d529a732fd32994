"""What a document may be, and how a merge patch changes one."""

from __future__ import annotations

from typing import Any, Final

from themis_conformance.scripted.call import read_json
from themis_conformance.scripted.problems import Refusal

__all__ = ["check_document", "merge", "read_document"]

_RESERVED: Final = ("_key", "_id", "_rev")
_DEPTH_MAX: Final = 64
_INT_MIN: Final = -(1 << 63)
_INT_MAX: Final = (1 << 64) - 1


def read_document(raw: bytes) -> dict[str, Any]:
    """Parse a document or a merge patch, or refuse it."""
    value = read_json(raw)
    check_document(value)
    assert isinstance(value, dict)
    return value


def check_document(value: Any) -> None:
    """Refuse what cannot be stored."""
    if not isinstance(value, dict):
        raise Refusal("document_not_object", "A document is a JSON object.")
    for name in _RESERVED:
        if name in value:
            raise Refusal("reserved_attribute", f"The attribute {name!r} is reserved.", {"pointer": f"/{name}"})
    _check_level([value])


def _check_level(level: list[Any]) -> None:
    """Walk down level by level: recursion would end before a hostile document does."""
    depth = 0
    while level:
        below: list[Any] = []
        for value in level:
            if isinstance(value, int) and not isinstance(value, bool) and not _INT_MIN <= value <= _INT_MAX:
                raise Refusal("integer_out_of_range", "An integer of the document needs more than 64 bits.")
            if isinstance(value, dict):
                below.extend(value.values())
            elif isinstance(value, list):
                below.extend(value)
        if any(isinstance(value, dict | list) for value in level):
            depth += 1
        if depth > _DEPTH_MAX:
            raise Refusal(
                "json_too_deep", f"The document nests deeper than {_DEPTH_MAX} levels.", {"limit": _DEPTH_MAX}
            )
        level = below


def merge(target: Any, patch: Any) -> Any:
    """JSON Merge Patch (RFC 7396)."""
    if not isinstance(patch, dict):
        return patch
    result: dict[str, Any] = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merge(result.get(name), value)
    return result
