from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from themis_server.observability.redaction import HIDDEN, TEXT_LENGTH_MAX, redact_fields, redact_text

SECRET = "hunter2hunter2"
PEM = f"-----BEGIN EC PRIVATE KEY-----\n{SECRET}\n-----END EC PRIVATE KEY-----"


@pytest.mark.parametrize(
    "name",
    [
        *(
            "authorization",
            "Authorization",
            "proxy-authorization",
            "cookie",
            "Set-Cookie",
            "password",
            "admin_password",
        ),
        *("passphrase", "client_secret", "token", "api_token", "access_token", "X-Api-Key", "apikey", "private_key"),
        *("encryption_key", "key", "idempotency_key", "credentials", "tls_pem", "some_new_kind_of_key"),
    ],
)
def test_a_field_whose_name_says_secret_is_hidden_at_any_depth(name: str) -> None:
    assert redact_fields({name: SECRET}) == {name: HIDDEN}
    assert SECRET not in repr(redact_fields({"a": [{"b": ({name: [SECRET]},)}]}))


@pytest.mark.parametrize("name", ["tokens", "token_count", "keys", "key_count", "routing_key", "entity", "monkeys"])
def test_a_field_with_a_similar_name_is_shown(name: str) -> None:
    assert redact_fields({name: 3}) == {name: 3}


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (f"Authorization: Bearer {SECRET}", "Bearer "),
        (f"authorization: basic {SECRET}==", "basic "),
        (f"connecting to https://admin:{SECRET}@db1:8080/x", "@db1:8080/x"),
        (f"GET /login?user=a&password={SECRET}&next=/", "&next=/"),
        (f'{{"token": "{SECRET}", "a": 1}}', '"a": 1}'),
        (f"api_key={SECRET}; more", "; more"),
        (f"before {PEM} after", " after"),
        (PEM[:50], "-----BEGIN EC PRIVATE KEY-----"),
    ],
)
def test_secrets_are_found_in_texts(text: str, kept: str) -> None:
    found = redact_text(text)

    assert SECRET not in found
    assert HIDDEN in found
    assert kept in found


@pytest.mark.parametrize(
    "text",
    [
        "",
        "urn:themis:document:shop:users:4d1f6c6e-1111-4222-8333-444455556666",
        "http://127.0.0.1:8080/entity/urn:themis:document:a:b:c",
        "shard_001: applied 12 entries in 3 ms",
        "/var/lib/themis: no space left on device",
        "basic facts",
    ],
)
def test_texts_without_secrets_stay_as_they_are(text: str) -> None:
    assert redact_text(text) == text


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_any_value_can_be_redacted(value: object) -> None:
    assert "v" in redact_fields({"v": value})


def test_bytes_and_long_texts_are_told_by_their_size() -> None:
    assert redact_fields({"body": b"secret"}) == {"body": "(6 bytes)"}
    assert redact_text("x" * (TEXT_LENGTH_MAX + 5)) == "x" * TEXT_LENGTH_MAX + "...(5 more)"


def test_a_structure_that_contains_itself_ends() -> None:
    loop: list[object] = []
    loop.append(loop)

    assert "..." in repr(redact_fields({"loop": loop}))


@pytest.mark.parametrize(
    "piece", ["password", "://a:", "-----BEGIN PRIVATE KEY-----", "token =", "bearer ", "a-_" * 9, "="]
)
def test_no_text_makes_the_search_slow(piece: str) -> None:
    text = piece * (65_536 // len(piece))

    began_s = time.process_time()
    redact_text(text, length_max=len(text))

    assert time.process_time() - began_s < 1.0
