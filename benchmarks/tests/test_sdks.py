"""The clients of other languages are told what to do line by line; one that fails ends the scenario in its words."""

from __future__ import annotations

import sys

import pytest

from benchmarks.scenarios import sdks
from benchmarks.servers import ServerError

ECHO = """
import json, sys
keys, port = json.loads(sys.stdin.readline()), int(sys.argv[-1])
for line in sys.stdin:
    print(json.dumps({"requests": len(keys) * port * float(line), "cpu_s": 0.5}), flush=True)
"""


def test_a_client_says_what_a_cpu_second_came_to() -> None:
    with sdks._client([sys.executable, "-c", ECHO], 7, ["a", "b"]) as measure:
        assert measure(3.0, 0) == 2 * 7 * 3 / 0.5
        assert measure(1.0, 1) == 2 * 7 / 0.5


def test_a_client_that_fails_is_told_in_its_own_words() -> None:
    broken = [sys.executable, "-c", "raise SystemExit('answered 503')"]

    with pytest.raises(ServerError, match="answered 503"), sdks._client(broken, 7, ["a"]) as measure:
        measure(1.0, 0)


def test_an_sdk_slower_than_the_bar_misses_it() -> None:
    figure = sdks._figure("themis-js", "fetch", "get, c=16", [70.0, 79.0], [100.0, 100.0])

    assert figure.verdict == "missed"
    assert [series.name for series in figure.series] == ["themis-js get, c=16", "fetch get, c=16"]
