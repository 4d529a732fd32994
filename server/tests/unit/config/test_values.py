from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from themis_server.config.settings import SETTINGS, Setting
from themis_server.config.values import ValueRefusedError, from_text, validate

PORT = SETTINGS["http.port"]
TIMEOUT = SETTINGS["limits.header_timeout_s"]
NAME = SETTINGS["node.id"]
HOST = SETTINGS["http.host"]
FSYNC = SETTINGS["raft.fsync"]
ORIGINS = SETTINGS["http.cors_origins"]


@given(st.integers())
def test_an_integer_is_taken_within_its_bounds_only(number: int) -> None:
    if 0 <= number <= 65535:
        assert validate(PORT, number) == number == from_text(PORT, str(number))
    else:
        with pytest.raises(ValueRefusedError, match="from 0 to 65535"):
            validate(PORT, number)
        with pytest.raises(ValueRefusedError):
            from_text(PORT, str(number))


@given(st.floats())
def test_a_number_is_taken_within_its_bounds_only(number: float) -> None:
    if 0.05 <= number <= 3600:
        assert validate(TIMEOUT, number) == number == from_text(TIMEOUT, repr(number))
    else:
        with pytest.raises(ValueRefusedError, match=r"a number from 0\.05 to 3600"):
            from_text(TIMEOUT, repr(number))


def test_a_whole_number_is_a_number_too() -> None:
    assert validate(TIMEOUT, 5) == 5.0
    assert isinstance(validate(TIMEOUT, 5), float)


@pytest.mark.parametrize(
    ("setting", "raw"),
    [
        (PORT, True),
        (PORT, 1.0),
        (PORT, "1"),
        (PORT, None),
        (TIMEOUT, True),
        (TIMEOUT, math.nan),
        (FSYNC, 1),
        (FSYNC, "true"),
        (NAME, 1),
        (NAME, ""),
        (NAME, "-a"),
        (NAME, "a" * 64),
        (NAME, "a\n"),
        (HOST, ""),
        (HOST, "a\0b"),
        (HOST, "\ud800"),
        (HOST, "127.0.0.1\n"),
        (ORIGINS, "https://a.example"),
        (ORIGINS, [1]),
        (ORIGINS, ["a\x1b"]),
    ],
)
def test_a_value_of_another_type_or_shape_is_refused(setting: Setting, raw: object) -> None:
    with pytest.raises(ValueRefusedError, match="is not allowed; allowed is"):
        validate(setting, raw)


@pytest.mark.parametrize("text", ["1e3", "0x10", "1_000", "١", "", " ", "+-1", "9" * 5000])
def test_only_plain_decimal_integers_are_read_from_text(text: str) -> None:
    with pytest.raises(ValueRefusedError):
        from_text(PORT, text)


@pytest.mark.parametrize(
    ("text", "value"), [("true", True), ("TRUE", True), ("1", True), ("false", False), (" 0", False)]
)
def test_booleans_are_read_from_text(text: str, value: bool) -> None:
    assert from_text(FSYNC, text) is value


@given(st.text())
def test_no_text_does_anything_but_pass_or_be_refused(text: str) -> None:
    for setting in SETTINGS.values():
        try:
            value = from_text(setting, text)
        except ValueRefusedError:
            continue
        assert validate(setting, list(value) if isinstance(value, tuple) else value) == value


def test_a_long_value_is_not_repeated_at_full_length() -> None:
    with pytest.raises(ValueRefusedError) as refused:
        from_text(PORT, "x" * 10_000)

    assert len(str(refused.value)) < 200


def test_a_secret_is_not_repeated() -> None:
    secret = Setting(section="s", key="token", kind="integer", default=0, description="d", maximum=1, secret=True)

    with pytest.raises(ValueRefusedError) as refused:
        from_text(secret, "hunter2")

    assert "hunter2" not in str(refused.value)
