"""Options of the themis-raft tests."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--rewrite` for scenario files, `--fuzz-messages` and `--fuzz-seed` for the fuzzer."""
    group = parser.getgroup("themis-raft")
    group.addoption("--rewrite", action="store_true", help="write the actual output into the scenario files")
    group.addoption("--fuzz-messages", type=int, default=20_000, help="mangled messages to step (default: 20000)")
    group.addoption("--fuzz-seed", type=int, default=1, help="seed of the fuzzer (default: 1)")
