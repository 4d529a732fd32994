"""Short runs of the fuzzers in robustness/fuzz, which have no end of their own."""

from __future__ import annotations

import random

import pytest

from robustness.fuzz.api import fuzz
from robustness.fuzz.targets import SEEDS, TARGETS
from server.tests.process import Fleet

_INPUTS = 2_000


@pytest.mark.timeout(3600)
def test_generated_requests_find_no_failure(fleet: Fleet, request: pytest.FixtureRequest) -> None:
    node = fleet.start()
    requests = int(request.config.getoption("--fuzz-requests"))
    seed = int(request.config.getoption("--fuzz-seed"))
    findings = fuzz(node, fleet.directory, requests, seed)
    statuses = ", ".join(f"{count} x {status}" for status, count in sorted(findings.by_status.items()))
    print(
        f"\nfuzz: {findings.requests} requests: {statuses}; {node.rss_mib():.0f} MiB resident at the end (seed {seed})"
    )
    assert not findings.failed_rounds, findings.failed_rounds[0][-8000:]
    assert not findings.server_errors
    assert findings.requests >= requests
    assert node.rss_mib() < 300


@pytest.mark.parametrize("name", TARGETS)
def test_mutated_inputs(name: str, request: pytest.FixtureRequest) -> None:
    chance = random.Random(f"{request.config.getoption('--fuzz-seed')}-{name}")
    target, seeds = TARGETS[name], SEEDS[name]
    for sample in [b"", *seeds]:
        target(sample)
    for _ in range(_INPUTS):
        data = bytearray(chance.choice(seeds))
        for _ in range(chance.randint(1, 6)):
            _mutate(data, chance)
        target(bytes(data))


def _mutate(data: bytearray, chance: random.Random) -> None:
    at = chance.randrange(len(data) + 1)
    match chance.randrange(5):
        case 0:
            data[at:at] = bytes([chance.randrange(256)])
        case 1:
            del data[at : at + chance.randint(1, 8)]
        case 2:
            data[at : at + 1] = chance.choice(b'{}[]",:0123456789-.eE\\u\x00\xff%"*/').to_bytes(1)
        case 3:
            end = min(len(data), at + chance.randint(1, 16))
            data[at:at] = data[at:end] * chance.randint(1, 5)
        case _:
            data[at:] = data[at:][::-1]
