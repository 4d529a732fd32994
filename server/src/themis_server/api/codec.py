"""Documents, ETags and cursors: from text to values, with a precise complaint where it does not work."""

from __future__ import annotations

import base64
import binascii
import contextlib
import json
import re
from dataclasses import dataclass
from typing import Any, Final, NoReturn, TypeVar

import msgspec
import orjson

from themis_server._generated.errors import ErrorCode
from themis_server.errors import ThemisServerError
from themis_server.statemachine.version import VERSION_MAX

_T = TypeVar("_T")

RESERVED_ATTRIBUTES: Final = ("_key", "_id", "_rev")

_INT_MIN: Final = -(1 << 63)
_INT_MAX: Final = (1 << 64) - 1
# What could be an integer beyond 64 bits, which orjson turns into a double; rare, and then looked at closely.
# (Searching the text with every digit turned into 0 takes an eighth of the time of a regular expression.)
_DIGITS_TO_ZERO: Final = bytes(ord("0") if chr(byte).isdigit() and byte < 128 else 0 for byte in range(256))
_LONG_NUMBER: Final = b"0" * 19
_ETAG: Final = re.compile(r'(?:W/)?"([1-9][0-9]{0,15})"')


@dataclass(frozen=True)
class DocumentRules:
    """What a document may be."""

    depth_max: int
    strict: bool
    """Refuse objects that name a member twice. Costs a second, slower parse."""


def check_document(raw: bytes, rules: DocumentRules, *, patch: bool = False) -> None:
    """Check that `raw` is JSON of an object that may be stored (or, with `patch`, merged).

    Raises `ThemisServerError`.
    """
    try:
        document = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        _explain(raw, error.msg, rules)
        raise ThemisServerError(ErrorCode.INVALID_JSON, f"not JSON: {error.msg}", position=error.pos) from None
    if type(document) is not dict:
        what = "merge patch" if patch else "document"
        raise ThemisServerError(ErrorCode.DOCUMENT_NOT_OBJECT, f"a {what} is a JSON object, this is {_kind(document)}")
    for name in RESERVED_ATTRIBUTES:
        if name in document:
            raise ThemisServerError(
                ErrorCode.RESERVED_ATTRIBUTE,
                f"the attribute {name} is the database's own: key and version are in URN and ETag",
                pointer=f"/{name}",
            )
    if raw.count(b"{") + raw.count(b"[") > rules.depth_max:
        _check_depth(document, rules.depth_max)
    if rules.strict or _has_long_number(raw):
        _check_closely(raw, strict=rules.strict)


def _explain(raw: bytes, complaint: str, rules: DocumentRules) -> None:
    """Raise the more precise error where what the parser could not take is JSON after all, only too much of it."""
    if "depth limit" in complaint:
        raise _too_deep(rules.depth_max)
    if "infinity" in complaint and _has_long_number(raw):
        with contextlib.suppress(ValueError, RecursionError):
            _check_closely(raw, strict=False)


def _has_long_number(raw: bytes) -> bool:
    return _LONG_NUMBER in raw.translate(_DIGITS_TO_ZERO)


def _kind(value: Any) -> str:
    names = {list: "an array", str: "a string", bool: "a boolean", type(None): "null"}
    return names.get(type(value), "a number")


def _check_depth(document: Any, depth_max: int) -> None:
    level = [document]
    depth = 0
    while level:
        depth += 1
        if depth > depth_max:
            raise _too_deep(depth_max)
        below: list[Any] = []
        for value in level:
            below.extend(value.values() if isinstance(value, dict) else value)
        level = [value for value in below if isinstance(value, dict | list)]


def _too_deep(depth_max: int) -> ThemisServerError:
    return ThemisServerError(
        ErrorCode.JSON_TOO_DEEP, f"the document nests deeper than {depth_max} levels", limit=depth_max
    )


def _check_closely(raw: bytes, *, strict: bool, integers: bool = True) -> None:
    def integer(text: str) -> int:
        # Python refuses to convert thousands of digits, and 20 are too many anyway.
        if not integers:
            return 0
        if len(text.lstrip("-")) > 20 or not _INT_MIN <= int(text) <= _INT_MAX:
            shown = text if len(text) <= 32 else f"{text[:32]}..."
            raise ThemisServerError(
                ErrorCode.INTEGER_OUT_OF_RANGE, f"the integer {shown} does not fit 64 bits; send it as a string"
            )
        return int(text)

    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if strict and len(found) != len(pairs):
            seen: set[str] = set()
            twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
            raise ThemisServerError(ErrorCode.DUPLICATE_KEY, f"an object has the member {twice[:64]!r} twice")
        return found

    json.loads(raw, parse_int=integer, object_pairs_hook=members)


def decode_body(decoder: msgspec.json.Decoder[_T], raw: bytes, *, strict: bool) -> _T:
    """Return the typed body, or raise invalid_json or invalid_body with the place; `strict`: also duplicate_key."""
    try:
        if strict:
            with contextlib.suppress(ValueError):  # what is no JSON at all is reported with its place below
                _check_closely(raw, strict=True, integers=False)
        return decoder.decode(raw)
    except msgspec.ValidationError as error:
        message, _, path = str(error).partition(" - at `$")
        raise ThemisServerError(ErrorCode.INVALID_BODY, message, pointer=_pointer(path.rstrip("`"))) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _invalid_json(raw, error) from None


def _invalid_json(raw: bytes, error: Exception) -> ThemisServerError:
    if isinstance(error, RecursionError):
        return ThemisServerError(ErrorCode.JSON_TOO_DEEP, "the body nests too deeply")
    position = re.search(r"byte (\d+)", str(error))
    where = int(position[1]) if position else len(raw)
    return ThemisServerError(ErrorCode.INVALID_JSON, f"not JSON: {error}", position=where)


def _pointer(path: str) -> str:
    """Turn msgspec's `.items[3].if_match` into /items/3/if_match (RFC 6901)."""
    return re.sub(r"\[(\d+)\]", r"/\1", path.replace("[...]", "/-").replace(".", "/"))


def etag(version: int) -> str:
    """Return the ETag of a version."""
    return f'"{version}"'


def parse_if_none_match(text: str) -> tuple[int, ...] | None:
    """Return the versions of a conditional read's If-None-Match.

    None for `*`. Weak tags compare like strong ones (RFC 9110).
    """
    return None if text.strip(" \t") == "*" else _etags("If-None-Match", text, weak=True)


def parse_if_match(text: str) -> tuple[int, ...] | None:
    """Return the versions of an If-Match; None for `*`. A weak tag is refused: it could never match."""
    return None if text.strip(" \t") == "*" else _etags("If-Match", text, weak=False)


def _etags(header: str, text: str, *, weak: bool) -> tuple[int, ...]:
    versions = []
    for part in text.split(","):
        tag = part.strip(" \t")
        if not tag:
            continue
        match = _ETAG.fullmatch(tag)
        if match is None or (tag.startswith("W/") and not weak) or int(match[1]) > VERSION_MAX:
            raise _refused_etag(header, tag, weak=weak)
        versions.append(int(match[1]))
    if not versions:
        raise _refused_etag(header, text, weak=weak)
    return tuple(versions)


def _refused_etag(header: str, tag: str, *, weak: bool) -> ThemisServerError:
    kind = "an ETag that this database gave" if weak else "a strong ETag that this database gave"
    return ThemisServerError(
        ErrorCode.INVALID_HEADER, f"{header} holds {tag[:64]!r}, which is not {kind}", parameter=header
    )


def encode_cursor(scope: str, position: str) -> str:
    """Return the cursor that continues a listing after `position`; `scope` ties it to that listing."""
    return base64.urlsafe_b64encode(orjson.dumps([scope, position])).rstrip(b"=").decode()


def decode_cursor(cursor: str, scope: str) -> str:
    """Return the position of a cursor, or raise invalid_cursor if it was not made for this listing."""
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        made_for, position = orjson.loads(raw)
    except (ValueError, TypeError, binascii.Error):
        _refuse_cursor("it is not one this server made")
    if made_for != scope or not isinstance(position, str):
        _refuse_cursor("it was made for another listing")
    return position


def _refuse_cursor(why: str) -> NoReturn:
    raise ThemisServerError(ErrorCode.INVALID_CURSOR, f"the cursor cannot be used: {why}", parameter="cursor")
