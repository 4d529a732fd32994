"""Waits, budgets and Retry-After."""

from __future__ import annotations

from typing import Any

import pytest

from themis import ConfigurationError
from themis.retry import RetryBudget, RetryPolicy, parse_retry_after


def test_waits_are_drawn_below_a_doubling_cap() -> None:
    policy = RetryPolicy(backoff_base_s=0.1, backoff_max_s=1.0)
    assert [policy.wait_s(retry, None, lambda: 1.0) for retry in (1, 2, 3, 4, 5, 1000)] == [
        0.1,
        0.2,
        0.4,
        0.8,
        1.0,
        1.0,
    ]
    assert policy.wait_s(3, None, lambda: 0.0) == 0.0


def test_a_wait_is_never_shorter_than_the_server_asked() -> None:
    assert RetryPolicy().wait_s(1, 3.0, lambda: 0.5) == 3.0


def test_a_budget_is_spent_and_earned() -> None:
    budget = RetryBudget(ratio=0.5, reserve=2)
    assert [budget.spend() for _ in range(3)] == [True, True, False]
    budget.earn()
    assert not budget.spend()
    budget.earn()
    assert budget.spend()
    for _ in range(100):
        budget.earn()
    assert budget.tokens == 2


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("3", 3.0),
        (" 0 ", 0.0),
        ("1.5", 1.5),
        ("Thu, 01 Jan 1970 00:01:40 GMT", 90.0),
        ("Thu, 01 Jan 1970 00:00:01 GMT", 0.0),
        ("soon", None),
        ("", None),
        (None, None),
        ("-1", None),
    ],
)
def test_retry_after(value: str | None, seconds: float | None) -> None:
    assert parse_retry_after(value, 10.0) == seconds


@pytest.mark.parametrize(
    "members",
    [
        {"retries_max": -1},
        {"backoff_base_s": -0.001},
        {"backoff_max_s": float("nan")},
        {"attempt_timeout_s": 0},
        {"attempt_timeout_s": -1},
    ],
)
def test_a_policy_that_cannot_work_is_refused(members: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        RetryPolicy(**members)


@pytest.mark.parametrize("members", [{"ratio": -0.1}, {"reserve": -1}, {"ratio": float("nan")}])
def test_a_budget_that_cannot_work_is_refused(members: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        RetryBudget(**members)
