"""What a request says of how fresh it must be, and what an answer says of how fresh it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from themis_server.api.call import Call, QueryValue
from themis_server.errors import ThemisServerError
from themis_server.gateway import session
from themis_server.gateway.served import Served, Sources
from themis_server.shard.reading import STRONG, Consistency, Level

MAX_LAG_MS_DEFAULT: Final = 5000

_LEVELS: Final = {"strong": Level.STRONG, "bounded": Level.BOUNDED, "eventual": Level.EVENTUAL}


class AnsweredError(ThemisServerError):
    """An error that a replica stands behind: that there is no such entity is something a session has seen, too."""

    __slots__ = ("head",)

    def __init__(self, error: ThemisServerError, head: str) -> None:
        super().__init__(error.code, error.detail, **error.fields)
        self.head = head


def consistency_of(call: Call, query: Mapping[str, QueryValue]) -> Consistency:
    """Return how fresh the answer to a read must be.

    Raises:
        ThemisServerError: invalid_header, if Themis-Session is none.
    """
    level = query["consistency"]
    token = call.header_list(session.HEADER)
    if token is None and level == "strong":
        return STRONG
    max_lag_ms = query.get("max_lag_ms", MAX_LAG_MS_DEFAULT)
    assert isinstance(max_lag_ms, int)
    return Consistency(_LEVELS[str(level)], max_lag_ms, {} if token is None else session.parse(token))


def head_of(served: Served) -> str:
    """Return the head lines that say who answered a read of one shard, and what it has seen."""
    if served.lag_ms == 0 and served.version:
        return (
            f"Themis-Node: {served.node_id}\r\nThemis-Role: {served.role}\r\nThemis-Lag-Ms: 0\r\n"
            f"Themis-Session: {served.shard_id}:{served.version}\r\n"
        )
    lag = "" if served.lag_ms is None else f"Themis-Lag-Ms: {served.lag_ms}\r\n"
    seen = f"Themis-Session: {served.shard_id}:{served.version}\r\n" if served.version else ""
    return f"Themis-Node: {served.node_id}\r\nThemis-Role: {served.role}\r\n{lag}{seen}"


def head_of_write(served: Served) -> str:
    """Return the head lines that say who took a write, and which version it gave."""
    return (
        f"Themis-Node: {served.node_id}\r\nThemis-Role: {served.role}\r\n"
        f"Themis-Session: {served.shard_id}:{served.version}\r\n"
    )


def head_of_many(sources: Sources, *, read: bool = True) -> str:
    """Return the head lines of an answer that several shards may have part in; none if nobody answered."""
    if sources.empty:
        return ""
    head = f"Themis-Node: {sources.node_id}\r\nThemis-Role: {sources.role}\r\n"
    if read and sources.lag_ms is not None:
        head += f"Themis-Lag-Ms: {sources.lag_ms}\r\n"
    token = session.render(sources.session)
    return f"{head}Themis-Session: {token}\r\n" if token else head
