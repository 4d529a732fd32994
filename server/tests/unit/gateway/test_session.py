from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from themis_server.errors import ErrorCode, ThemisServerError
from themis_server.gateway import session
from themis_server.statemachine.version import VERSION_MAX

shard_ids = st.from_regex(r"\A[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}\Z")
sessions = st.dictionaries(shard_ids, st.integers(1, VERSION_MAX), min_size=1, max_size=20)


@given(sessions)
def test_a_token_is_read_as_it_was_written(seen: dict[str, int]) -> None:
    assert session.parse(session.render(seen)) == seen


def test_of_a_shard_that_is_named_twice_the_greater_version_counts() -> None:
    assert session.parse("s1:5, s2:7 ,s1:9,s1:3") == {"s1": 9, "s2": 7}


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        ",",
        "s1:5,",
        ",s1:5",
        "s1",
        "s1:",
        ":5",
        "s1:0",
        "s1:05",
        "s1:-5",
        "s1:+5",
        "s1:5.0",
        "s1:5 5",
        "s1 :5",
        "s1:٣",
        f"s1:{VERSION_MAX + 1}",
        "s1:99999999999999999",
        "-s:1",
        "s" * 64 + ":1",
        "s1:5;s2:6",
        "s1:5\n",
        ",".join(["s1:5"] * 5000),
    ],
)
def test_what_is_no_token_is_refused_by_the_name_of_its_header(text: str) -> None:
    with pytest.raises(ThemisServerError) as raised:
        session.parse(text)

    assert raised.value.code == ErrorCode.INVALID_HEADER
    assert raised.value.fields == {"parameter": "Themis-Session"}
    assert len(raised.value.detail) < 300


@given(st.text(max_size=60))
def test_no_text_does_more_harm_than_to_be_refused(text: str) -> None:
    with suppress(ThemisServerError):
        assert all(0 < version <= VERSION_MAX for version in session.parse(text).values())


def test_nothing_seen_and_too_much_seen_make_no_token() -> None:
    assert session.render({}) == session.render({"s1": 0}) == ""
    assert session.render({f"s{number}": 1 for number in range(257)}) == ""
    assert len(session.render({f"s{number}": 1 for number in range(256)}).split(",")) == 256
