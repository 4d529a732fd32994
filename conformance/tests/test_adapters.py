"""Adapters that lie, hang, die, answer twice or out of order: the case fails, says why, and the rest goes on."""

from __future__ import annotations

import pytest

from conformance.tests.suites import Suite, case, double
from themis_conformance.cli import main

PUT = {"call": "put", "args": {"urn": "${urn.a}", "data": {"n": 1}}, "value": {"$$subset": {"created": True}}}
GET = {"call": "get", "args": {"urn": "${urn.a}"}, "value": {"n": 1}}
LIFE = {"steps": [PUT, GET]}

# What an adapter does -> what the case it does it in is told.
MISCHIEFS = {
    "wrong-value": "steps[1].value.wrong is true; it is not expected at all",
    "hang": "it was not over after 0.4 s; the adapter was killed",
    "die": "the adapter ended (status 3) without being asked to",
    "twice": "a second reply to the command",
    "unknown-id": "a reply to a command that was never sent (id 10",
    "text-id": "a reply to a command that was never sent (id '",
    "garbage": "a line on stdout is no reply",
    "value-and-error": "a reply has exactly one of value, error, unsupported",
    "error-without-kind": "an error is an object with a kind",
}


@pytest.mark.parametrize("mischief", MISCHIEFS)
def test_mischief_fails_the_case_and_only_that(suite: Suite, mischief: str) -> None:
    only_clients = {"steps": [{"create_client": "b"}, {"close_client": "b"}], "clients": {"a": {}}}
    suite.write(case(name="a", **LIFE, limit_ms=400 if mischief == "hang" else 20_000), case(name="b", **only_clients))
    outcome = suite.run("--mode", "sync", "--jobs", "1", adapter=mischief)
    assert outcome.statuses() == {"scenarios/suite/a sync": "failed", "scenarios/suite/b sync": "passed"}
    assert MISCHIEFS[mischief] in outcome.complaints()
    assert outcome.status == 1


@pytest.mark.parametrize("cases", [1, 2])
def test_mischief_between_cases_fails_the_run(suite: Suite, cases: int, capsys: pytest.CaptureFixture[str]) -> None:
    suite.write(*[case(name=f"it-{number}", **LIFE) for number in range(cases)])
    assert suite.run("--mode", "sync", "--jobs", "1", adapter="late").status == 1
    # Of the case that follows, or of the adapter's end: it is read when it comes.
    assert "a second reply to the command" in capsys.readouterr().err


def test_an_adapter_that_always_dies_is_given_up(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("themis_conformance.run._ENDS_MAX", 2)
    suite.write(*[case(name=f"it-{number}", **LIFE) for number in range(4)])
    outcome = suite.run("--mode", "sync", "--jobs", "1", adapter="die")
    assert set(outcome.statuses().values()) == {"failed"}
    assert outcome.complaints().count("the adapter ended (status 3)") == 2
    assert outcome.complaints().count("no other is started") == 2


def test_an_honest_adapter_passes(suite: Suite) -> None:
    outcome = suite.write(case(**LIFE)).run(adapter="")
    assert outcome.statuses() == {"scenarios/suite/it sync": "passed", "scenarios/suite/it async": "passed"}
    assert outcome.status == 0


def test_replies_may_come_in_any_order(suite: Suite) -> None:
    many = {"call": "put", "args": {"urn": "${urn.k${i}}", "data": {}}, "repeat": 3, "parallel": True}
    suite.write(case(steps=[{**many, "value": {"$$subset": {"urn": "${urn.k${i}}"}}}]))
    outcome = suite.run("--mode", "sync", adapter="backwards")
    assert outcome.status == 0, outcome.complaints()


def test_what_a_dying_adapter_says_is_shown(suite: Suite) -> None:
    assert "stderr: I am dying" in suite.write(case(**LIFE)).run("--mode", "sync", adapter="die").context()


@pytest.mark.parametrize("mischief", ["leak", "leak-in-error"])
@pytest.mark.parametrize("listed", [True, False])
def test_a_secret_that_is_shown_fails_the_case(suite: Suite, mischief: str, listed: bool) -> None:
    """A token of a client's options is a secret also where the case does not say so."""
    error = {"call": "get", "args": {"urn": "${urn.a}"}, "error": {"code": "unauthorized"}}
    secrets = {"secrets": ["s3cr3t-t0ken"]} if listed else {}
    suite.write(case(server={"tokens": ["other"]}, client={"token": "s3cr3t-t0ken"}, steps=[error], **secrets))
    outcome = suite.run("--mode", "sync", adapter=mischief)
    assert outcome.status == 1
    assert "the secret 's3cr3t-t0ken' is shown" in outcome.complaints()


@pytest.mark.parametrize(("mischief", "complaint"), [("no-exit", "did not end within 5 s"), ("bad-exit", "status 7")])
def test_an_adapter_that_does_not_end_well_fails_the_run(
    suite: Suite, mischief: str, complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert suite.write(case(**LIFE)).run(adapter=mischief).status == 2
    assert complaint in capsys.readouterr().err


@pytest.mark.parametrize(
    ("mischief", "complaint"),
    [
        ("hello-protocol", "the adapter speaks protocol 2, not 1"),
        ("hello-mode", "hello's modes are a list of some of sync, async"),
        ("hello-feature", "hello's features are a list of some of vectors"),
        ("hello-member", "hello has unknown members: author"),
        ("hello-no-modes", "hello names no mode"),
        ("hello-die", "no interpreter"),
    ],
)
def test_a_hello_that_is_none_is_refused(
    suite: Suite, mischief: str, complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert suite.write(case(**LIFE)).run(adapter=mischief).status == 2
    assert complaint in capsys.readouterr().err


def test_an_adapter_that_cannot_be_started_is_refused(suite: Suite, capsys: pytest.CaptureFixture[str]) -> None:
    suite.write(case(**LIFE))
    assert main(["run", "--adapter", "/no/such/program", *suite.arguments]) == 2
    assert "cannot start '/no/such/program'" in capsys.readouterr().err


def test_cases_for_features_that_are_missing_are_skipped_and_counted(
    suite: Suite, capsys: pytest.CaptureFixture[str]
) -> None:
    suite.write(
        case(name="a", **LIFE),
        case(name="b", steps=[{"call": "list_namespaces", "value": {"$$type": "list"}}]),
        case(name="c", requires={"features": ["hooks"]}),
    )
    outcome = suite.run("--mode", "sync", adapter="few-features")
    assert outcome.statuses() == {
        "scenarios/suite/a sync": "passed",
        "scenarios/suite/b": "skipped",
        "scenarios/suite/c": "skipped",
    }
    assert outcome.status == 0
    assert "double: 1 passed, 0 failed, 2 skipped" in capsys.readouterr().out


def test_a_case_for_a_mode_that_the_sdk_lacks_is_skipped(suite: Suite) -> None:
    suite.write(case(name="a", requires={"modes": ["async"]}), case(name="b", requires={"modes": ["sync"]}))
    outcome = suite.run(adapter="sync-only")
    assert outcome.statuses() == {"scenarios/suite/a": "skipped", "scenarios/suite/b sync": "passed"}


def test_several_adapters_are_judged_one_after_another(suite: Suite, capsys: pytest.CaptureFixture[str]) -> None:
    suite.write(case(**LIFE))
    status = main(
        ["run", "--adapter", f"one={double()}", "--adapter", f"two={double('wrong-value')}", *suite.arguments]
    )
    assert status == 1
    assert capsys.readouterr().out.splitlines() == ["one: 2 passed, 0 failed", "two: 0 passed, 2 failed"]
