from __future__ import annotations

import pytest

from themis_server.security.tokens import TOKEN_PREFIX, JoinToken, make_token, matching, token_hash

NOW = 1_800_000_000_000


def test_a_token_opens_until_it_ends() -> None:
    token, kept = make_token(now_ms=NOW, lifetime_s=60)

    assert matching(token, [kept], NOW) is kept
    assert matching(token, [kept], NOW + 59_999) is kept
    assert matching(token, [kept], NOW + 60_000) is None
    assert matching(f" {token}\n", [kept], NOW) is kept


def test_what_is_kept_does_not_tell_the_token() -> None:
    token, kept = make_token(now_ms=NOW, lifetime_s=60)

    assert token.startswith(TOKEN_PREFIX)
    assert len(token) == len(TOKEN_PREFIX) + 43
    assert token.removeprefix(TOKEN_PREFIX) not in repr(kept)
    assert matching(kept.sha256, [kept], NOW) is None


def test_two_tokens_differ_and_each_finds_its_own() -> None:
    tokens = [make_token(now_ms=NOW, lifetime_s=60) for _ in range(3)]

    for token, kept in tokens:
        assert matching(token, [each for _, each in tokens], NOW) is kept
    assert matching(tokens[0][0], [tokens[1][1], tokens[2][1]], NOW) is None


@pytest.mark.parametrize(
    "given", ["", "themis-join-", "themis-join-x", "x" * 200, "\ud800", "themis-join-" + "x" * 200]
)
def test_what_is_no_token_opens_nothing(given: str) -> None:
    _, kept = make_token(now_ms=NOW, lifetime_s=60)
    careless = JoinToken(sha256=token_hash(""), expires_ms=NOW + 1)

    assert matching(given, [kept, careless], NOW) is None


def test_a_token_lives_for_some_time() -> None:
    with pytest.raises(ValueError, match="for some time"):
        make_token(now_ms=NOW, lifetime_s=0)
