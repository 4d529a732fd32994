"""What the tests of real processes share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from server.tests.process import Fleet


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("themis")
    group.addoption("--kills", type=int, default=8, help="how often the crash test kills the node (8)")
    group.addoption("--fuzz-requests", type=int, default=1500, help="how many requests the API fuzzer makes (1500)")
    group.addoption("--fuzz-seed", type=int, default=20261123, help="seed of the fuzzers")


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    with Fleet(tmp_path) as started:
        yield started
    started.check_logs()
