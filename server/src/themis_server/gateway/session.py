"""The session token: up to which version of which shard its holder has seen the data, as text.

    shard_001:347839217664000,shard_004:347839217668096

What a caller sends is read strictly and bounded; what is unknown in it (a shard of an older topology) does no harm.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from themis_server.errors import ErrorCode, ThemisServerError
from themis_server.statemachine.version import VERSION_MAX

HEADER: Final = "Themis-Session"
SHARDS_MAX: Final = 256
"""An answer that touched more shards has no token: it would not fit into a header, nor be worth its bytes."""

_SENT_MAX: Final = 4096
_ENTRY: Final = re.compile(r"([A-Za-z0-9_][A-Za-z0-9_.-]{0,62}):([1-9][0-9]{0,15})", re.ASCII)


def parse(text: str) -> dict[str, int]:
    """Return shard id -> version; of a shard that is named twice, the greater one.

    Raises:
        ThemisServerError: invalid_header.
    """
    session: dict[str, int] = {}
    entries = text.split(",")
    if len(entries) > _SENT_MAX:
        raise _refused(f"a session names up to {_SENT_MAX} shards, this one {len(entries)}")
    for entry in entries:
        matched = _ENTRY.fullmatch(entry.strip(" \t"))
        if matched is None:
            raise _refused(f"{entry.strip()[:80]!r} in the session is not of the form shard_id:version")
        version = int(matched[2])
        if version > VERSION_MAX:
            raise _refused(f"the session gives {matched[1]} a version above {VERSION_MAX}")
        if version > session.get(matched[1], 0):
            session[matched[1]] = version
    return session


def render(session: Mapping[str, int]) -> str:
    """Return the token; empty if there is nothing to say, or too much."""
    if len(session) > SHARDS_MAX:
        return ""
    return ",".join([f"{shard_id}:{version}" for shard_id, version in sorted(session.items()) if version > 0])


def _refused(detail: str) -> ThemisServerError:
    return ThemisServerError(ErrorCode.INVALID_HEADER, detail, parameter=HEADER)
