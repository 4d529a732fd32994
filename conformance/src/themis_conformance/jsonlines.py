"""The lines between the runner and an adapter: JSON in which large integers survive every parser.

9007199254740993              <->  {"$int": "9007199254740993"}
{"$int": 5}  (a document)     <->  {"$literal": {"$int": 5}}
"""

from __future__ import annotations

import json
from typing import Any, Final

__all__ = ["decode_line", "encode_line"]

_SAFE_MAX: Final = (1 << 53) - 1
_TAGS: Final = ({"$int"}, {"$literal"})


def encode_line(command: dict[str, Any]) -> bytes:
    """One command as a line, its end included."""
    # Most commands have nothing to tag, and a copy of a batch of ten thousand items is not made for nothing.
    tagged = _tagged(command) if _needs_tags(command) else command
    text = json.dumps(tagged, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "surrogatepass") + b"\n"


def decode_line(line: bytes) -> dict[str, Any]:
    """One reply; raises ValueError when the line is no JSON object in UTF-8, or a tag is misused."""
    reply = json.loads(line.decode("utf-8"))
    if not isinstance(reply, dict):
        raise ValueError("the line is no JSON object")
    if b"$int" not in line and b"$literal" not in line and b"\\u0024" not in line:
        return reply
    return {name: _untagged(value) for name, value in reply.items()}


def _needs_tags(value: Any) -> bool:
    if isinstance(value, dict):
        return set(value) in _TAGS or any(_needs_tags(member) for member in value.values())
    if isinstance(value, list):
        return any(_needs_tags(element) for element in value)
    return isinstance(value, int) and not -_SAFE_MAX <= value <= _SAFE_MAX


def _tagged(value: Any) -> Any:
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if -_SAFE_MAX <= value <= _SAFE_MAX else {"$int": str(value)}
    if isinstance(value, list):
        return [_tagged(element) for element in value]
    if isinstance(value, dict):
        tagged = {name: _tagged(member) for name, member in value.items()}
        return {"$literal": tagged} if set(tagged) in _TAGS else tagged
    return value


def _untagged(value: Any) -> Any:
    if isinstance(value, list):
        return [_untagged(element) for element in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {"$int"}:
        digits = value["$int"]
        if not isinstance(digits, str):
            raise ValueError(f"$int takes the digits as text, not {digits!r}")
        return int(digits)
    if set(value) == {"$literal"}:
        literal = value["$literal"]
        if not isinstance(literal, dict):
            raise ValueError("$literal takes an object")
        return {name: _untagged(member) for name, member in literal.items()}
    return {name: _untagged(member) for name, member in value.items()}
