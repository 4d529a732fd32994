"""The command line of ./themis: what it takes, and what it says to what it does not take."""

from __future__ import annotations

import pytest

from tools import command


@pytest.mark.parametrize(
    "verb", ["demo", "test", "conformance", "serve", "doctor", "gen", "fmt", "bench", "docs", "lock"]
)
def test_each_verb_has_help(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        command.main([verb, "--help"])

    assert end.value.code == 0
    assert f"usage: ./themis {verb}" in capsys.readouterr().out


@pytest.mark.parametrize(
    "line",
    [
        [],
        ["frobnicate"],
        ["demo", "--port", "0"],
        ["demo", "--port", "65536"],
        ["demo", "--port", "http"],
        ["doctor", "--", "x"],
    ],
)
def test_a_line_that_is_not_understood_ends_with_2(line: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        command.main(line)

    assert end.value.code == 2
    assert "usage: ./themis" in capsys.readouterr().err


def test_an_unknown_part_is_named_before_anything_is_installed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tools.bootstrap.ensure", lambda *_: pytest.fail("installed something"))

    assert command.main(["test", "lint", "unti"]) == 2
    assert "No part is called unti. The parts are: lint, types" in capsys.readouterr().err


def test_what_follows_two_hyphens_goes_to_the_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[tuple[list[str], list[str]]] = []

    def note(names: list[str], rest: list[str]) -> int:
        called.append((names, rest))
        return 0

    monkeypatch.setattr("tools.bootstrap.ensure", lambda *_: None)
    monkeypatch.setattr(command, "run_suite", note)

    assert command.main(["test", "unit", "--", "-k", "placement"]) == 0
    assert called == [(["unit"], ["-k", "placement"])]


@pytest.mark.parametrize("line", [["cluster", "--quick"], ["--", "cluster", "--quick"]])
def test_what_follows_bench_goes_to_the_benchmarks_with_or_without_two_hyphens(
    line: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[tuple[str, list[str]]] = []

    def note(name: str, arguments: list[str]) -> int:
        ran.append((name, arguments))
        return 0

    monkeypatch.setattr("tools.bootstrap.ensure", lambda *_: None)
    monkeypatch.setattr(command, "_module", note)

    assert command.main(["bench", *line]) == 0
    assert ran == [("benchmarks", ["cluster", "--quick"])]


def test_conformance_builds_what_it_judges_and_passes_its_choices_on(monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[list[str]] = []
    ran: list[tuple[str, list[str]]] = []

    def note(name: str, arguments: list[str]) -> int:
        ran.append((name, arguments))
        return 0

    monkeypatch.setattr("tools.bootstrap.ensure", lambda *_: None)
    monkeypatch.setattr("tools.sdks.ensure", lambda names: built.append([*names]))
    monkeypatch.setattr(command, "_module", note)

    command.main(["conformance", "--sdk", "java", "--sdk", "python", "--filter", "retries", "--quick"])
    command.main(["conformance", "--jobs", "2"])

    assert built == [["java", "python"], ["python", "javascript", "java"]]
    assert ran == [
        ("tools.conformance", ["--sdk", "java", "--sdk", "python", "--filter", "retries", "--quick"]),
        ("tools.conformance", ["--jobs", "2"]),
    ]


def test_serve_becomes_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    become: list[list[str]] = []

    def note(line: list[str]) -> int:
        become.append(line)
        return 0

    monkeypatch.setattr("tools.bootstrap.ensure", lambda *_: None)
    monkeypatch.setattr(command, "_become", note)

    command.main(["serve", "--data", "x", "--port", "8081", "--", "--log-level", "debug"])

    assert become[0][1:] == ["start", "--data", "x", "--port", "8081", "--log-level", "debug"]
