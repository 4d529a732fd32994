"""What is installed for tests, and where nothing is."""

from __future__ import annotations

import os
from collections.abc import Sequence

import pytest

from tools import programs


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    return []


def installed(ran: list[list[str]], *present: str, ci: str = "true", works: bool = True) -> list[programs.Program]:
    there = set(present)

    def run(command: Sequence[str]) -> bool:
        ran.append(list(command))
        if works:
            there.update(command)
        return works

    return programs.install(("strace", "wrk"), {"CI": ci}, there.__contains__, run)


def test_what_is_missing_is_installed_in_continuous_integration(ran: list[list[str]]) -> None:
    assert installed(ran, "apt-get", "strace") == []
    assert ran == [["apt-get", "update", "-q"], ["apt-get", "install", "-y", "-q", "--no-install-recommends", "wrk"]]


@pytest.mark.parametrize(("present", "ci"), [(("apt-get",), ""), (("strace",), "true")])
def test_elsewhere_nothing_is(ran: list[list[str]], present: tuple[str, ...], ci: str) -> None:
    assert "wrk" in installed(ran, *present, ci=ci)
    assert ran == []


def test_nothing_is_done_where_all_is_there(ran: list[list[str]]) -> None:
    assert installed(ran, "apt-get", "strace", "wrk") == []
    assert ran == []


def test_only_what_is_wanted_is_installed(ran: list[list[str]]) -> None:
    def run(command: Sequence[str]) -> bool:
        ran.append(list(command))
        return True

    assert programs.install((), {"CI": "true"}, {"apt-get"}.__contains__, run) == []
    assert ran == []


def test_what_cannot_be_installed_is_still_missing(ran: list[list[str]]) -> None:
    assert installed(ran, "apt-get", works=False) == ["strace", "wrk"]
