"""Keeps secrets out of the logs.

Two nets: a field whose name says that it holds a secret is hidden whatever it contains, and every text is searched for
the shapes in which secrets travel (an Authorization value, a password in a URL or a query, a private key). The first
net is the one to rely on; the second catches what foreign libraries put into messages and tracebacks.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from itertools import islice
from typing import Final

__all__ = ["HIDDEN", "redact_fields", "redact_text"]

HIDDEN: Final = "(redacted)"

# Names are compared without case and with `-` as `_`. A name that ends in "key" is hidden unless it is one of ours that
# holds no secret: a new kind of key is then hidden until somebody decides otherwise.
_SECRET_NAME: Final = re.compile(
    r"authorization|password|passwd|passphrase|secret|credential|cookie|(^|_)(api_?)?token$|key$|(^|_)pem$"
)
_HARMLESS_NAMES: Final = frozenset({"cursor_key", "raft_key", "routing_key", "state_key"})

_SECRET_TEXT: Final = re.compile(
    r"""
      (?P<scheme> \b (?:bearer|basic|digest) [ ] ) [A-Za-z0-9._~+/=-]{6,}
    | (?P<user> :// [^/?\#\s:@"']{0,256} : ) [^/?\#\s@"']{1,256} (?=@)
    | (?P<name> \b (?:[a-z0-9_-]{0,32} (?:password|passwd|passphrase|secret|token|api_?key)) ["']? \s? [=:] \s? ["']? )
      [^\s&;,"'<>(){}\[\]]{1,1024}
    | (?P<begin> -----BEGIN [ ] [A-Z ]{0,32} PRIVATE [ ] KEY----- )
      .*? (?: -----END [ ] [A-Z ]{0,32} PRIVATE [ ] KEY----- | \Z )
    """,
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)
_QUICK: Final = re.compile(r"[:=]|-----|bearer |basic |digest ", re.IGNORECASE)
# A log line is for reading: what is longer is cut, so that no request can fill the disk through the log.
TEXT_LENGTH_MAX: Final = 8_192
_ITEMS_MAX: Final = 256
_DEPTH_MAX: Final = 8


@lru_cache(maxsize=1024)
def _is_secret_name(name: str) -> bool:
    plain = name.lower().replace("-", "_")
    return plain not in _HARMLESS_NAMES and _SECRET_NAME.search(plain) is not None


def redact_text(text: str, length_max: int = TEXT_LENGTH_MAX) -> str:
    """Return `text` with the secrets in it replaced and no longer than `length_max` plus a note of what was cut."""
    if len(text) > length_max:
        # Cut first: a secret that straddles the cut loses its end, and the search then still sees its beginning.
        return f"{redact_text(text[:length_max], length_max)}...({len(text) - length_max} more)"
    if _QUICK.search(text) is None:
        return text
    return _SECRET_TEXT.sub(_hide, text)


def _hide(found: re.Match[str]) -> str:
    return (found["scheme"] or found["user"] or found["name"] or found["begin"] or "") + HIDDEN


def redact_fields(fields: Mapping[str, object]) -> dict[str, object]:
    """Return a copy of `fields` without secrets, nested mappings and sequences included."""
    return {name: HIDDEN if _is_secret_name(name) else _redact_value(value, 0) for name, value in fields.items()}


def _redact_value(value: object, depth: int) -> object:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return redact_text(value)
    if depth >= _DEPTH_MAX:
        return "..."
    if isinstance(value, Mapping):
        return {
            str(name): HIDDEN if _is_secret_name(str(name)) else _redact_value(item, depth + 1)
            for name, item in islice(value.items(), _ITEMS_MAX)
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [_redact_value(item, depth + 1) for item in islice(value, _ITEMS_MAX)]
    if isinstance(value, bytes | bytearray | memoryview):
        return f"({len(value)} bytes)"
    return redact_text(str(value))
