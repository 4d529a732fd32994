from __future__ import annotations

from typing import cast

import pytest

from themis_server.api.call import Call
from themis_server.api.consistency import (
    AnsweredError,
    consistency_of,
    head_of,
    head_of_many,
    head_of_write,
)
from themis_server.api.problems import problem
from themis_server.errors import ErrorCode, ThemisServerError, entity_not_found
from themis_server.gateway.served import Served, Sources
from themis_server.shard.reading import STRONG, Consistency, Level


class Asked:
    """A call, as far as consistency looks at it."""

    def __init__(self, *tokens: str) -> None:
        self._tokens = tokens

    def header_list(self, name: str) -> str | None:
        assert name == "Themis-Session"
        return ", ".join(self._tokens) if self._tokens else None


def asked(level: str, max_lag_ms: int | None = None, *tokens: str) -> Consistency:
    query: dict[str, str | int | bool] = {"consistency": level}
    if max_lag_ms is not None:
        query["max_lag_ms"] = max_lag_ms
    return consistency_of(cast(Call, Asked(*tokens)), query)


def test_without_anything_said_a_read_is_strong() -> None:
    assert asked("strong") is STRONG


@pytest.mark.parametrize(
    ("level", "max_lag_ms", "expected"),
    [
        ("bounded", None, Consistency(Level.BOUNDED, 5000)),
        ("bounded", 0, Consistency(Level.BOUNDED, 0)),
        ("bounded", 70, Consistency(Level.BOUNDED, 70)),
    ],
)
def test_a_bound_has_a_default(level: str, max_lag_ms: int | None, expected: Consistency) -> None:
    assert asked(level, max_lag_ms) == expected


def test_a_session_may_come_in_several_lines() -> None:
    assert asked("eventual", None, "s1:5,s2:6", "s1:7").session == {"s1": 7, "s2": 6}


@pytest.mark.parametrize("level", ["strong", "bounded", "eventual"])
def test_a_session_that_is_none_is_refused_at_every_level(level: str) -> None:
    with pytest.raises(ThemisServerError) as raised:
        asked(level, None, "nonsense")
    assert raised.value.code == ErrorCode.INVALID_HEADER


def test_an_answer_says_who_gave_it_and_what_it_has_seen() -> None:
    assert head_of(Served("node-2", "shard_001", "follower", 40, 7)) == (
        "Themis-Node: node-2\r\nThemis-Role: follower\r\nThemis-Lag-Ms: 40\r\nThemis-Session: shard_001:7\r\n"
    )
    assert head_of(Served("node-2", "shard_001", "leader", 0, 7)) == (
        "Themis-Node: node-2\r\nThemis-Role: leader\r\nThemis-Lag-Ms: 0\r\nThemis-Session: shard_001:7\r\n"
    )
    assert head_of(Served("node-2", "shard_001", "learner", None, 0)) == (
        "Themis-Node: node-2\r\nThemis-Role: learner\r\n"
    )
    assert head_of_write(Served("node-2", "shard_001", "leader", 0, 7)) == (
        "Themis-Node: node-2\r\nThemis-Role: leader\r\nThemis-Session: shard_001:7\r\n"
    )


def test_an_answer_of_many_is_as_weak_as_the_weakest() -> None:
    sources = Sources("node-1")
    assert head_of_many(sources) == ""
    sources.add(Served("node-2", "shard_002", "leader", 0, 9))
    assert head_of_many(sources) == (
        "Themis-Node: node-2\r\nThemis-Role: leader\r\nThemis-Lag-Ms: 0\r\nThemis-Session: shard_002:9\r\n"
    )
    sources.add(Served("node-3", "shard_001", "learner", 30, 5))
    sources.add(Served("node-3", "shard_001", "follower", 10, 4))

    assert head_of_many(sources) == (
        "Themis-Node: node-1\r\nThemis-Role: learner\r\nThemis-Lag-Ms: 30\r\n"
        "Themis-Session: shard_001:5,shard_002:9\r\n"
    )
    sources.add(Served("node-3", "shard_003", "follower", None, 1))
    assert "Themis-Lag-Ms" not in head_of_many(sources)
    assert "Themis-Lag-Ms" not in head_of_many(sources, read=False)


def test_that_there_is_no_such_entity_has_been_seen_too() -> None:
    error = AnsweredError(entity_not_found("urn"), head_of(Served("node-2", "shard_001", "leader", 0, 7)))

    answer = problem(error, instance="/", request_id="r")

    assert answer.status == 404
    assert "Themis-Session: shard_001:7\r\n" in answer.head
