"""The session by itself: merging, tokens, limits, threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from themis import AsyncThemisClient, ConfigurationError, ThemisClient
from themis.session import Session

SHARDS = st.sampled_from(["a", "b", "c", "shard_001"])
ENTRIES = st.dictionaries(SHARDS, st.integers(1, (1 << 53) - 1))


def text(entries: dict[str, int]) -> str:
    return ",".join(f"{shard}:{version}" for shard, version in entries.items())


@given(st.lists(ENTRIES))
def test_the_greatest_version_of_each_shard_stays_whatever_the_order(answers: list[dict[str, int]]) -> None:
    forwards, backwards, merged = Session(), Session(), Session()
    for answer in answers:
        forwards.note(text(answer))
    for answer in reversed(answers):
        backwards.note(text(answer))
        merged.merge(forwards.token())
    shards = sorted({shard for answer in answers for shard in answer})
    greatest = {shard: max(answer.get(shard, 0) for answer in answers) for shard in shards}
    assert forwards.token() == backwards.token() == text(greatest)
    assert merged.token() == (text(greatest) if answers else "")
    assert all(forwards.entry(shard) == f"{shard}:{version}" for shard, version in greatest.items())


@given(st.text())
def test_no_answer_makes_it_fail_and_no_token_is_half_merged(anything: str) -> None:
    session = Session()
    session.note(anything)
    noted = session.token()
    other = Session()
    try:
        other.merge(anything)
    except ConfigurationError:
        assert other.token() == ""
    else:
        assert other.token() == noted


def test_it_does_not_grow_without_end() -> None:
    session = Session()
    for number in range(5000):
        session.note(f"shard_{number}:1")
    session.note("shard_1:2,shard_4999:2")
    assert session.entry("shard_1") == "shard_1:2"
    assert session.entry("shard_4999") == ""
    assert session.token().count(":") == 4096


def test_threads_lose_nothing() -> None:
    session = Session()

    def write(number: int) -> None:
        for version in range(1, 500):
            session.note(f"s{number % 4}:{version * 8 + number}")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(8)))
    assert session.token() == "s0:3996,s1:3997,s2:3998,s3:3999"


@pytest.mark.parametrize("kind", [ThemisClient, AsyncThemisClient])
def test_a_client_gives_and_takes_a_token_without_io(kind: type[ThemisClient | AsyncThemisClient]) -> None:
    client = kind(["http://nowhere.invalid"])
    client.merge_session("b:2,a:1")
    assert client.session_token == "a:1,b:2"
    client.forget_session()
    assert client.session_token == ""
    with pytest.raises(ConfigurationError, match="token"):
        client.merge_session("a")
    without = kind(["http://nowhere.invalid"], sessions=False)
    with pytest.raises(ConfigurationError, match="keeps no session"):
        without.merge_session("a:1")
    without.forget_session()
    assert without.session_token == ""
