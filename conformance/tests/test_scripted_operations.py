"""The scripted cluster answers as a ThemisDB does, asked by the server's own table of requests and the protocol cases.

Every answer is checked against the specification, as the server's own answers are.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.tests.conformance import SpecClient
from server.tests.integration.cases import CASES, Case, Stage
from themis_conformance.cli import main
from themis_conformance.operations import OPERATIONS
from themis_conformance.plan import ServerPlan
from themis_conformance.scripted import ScriptedCluster


class Background:
    """A scripted cluster in a thread with a loop of its own, for those who ask it by blocking sockets."""

    def __init__(self, plan: ServerPlan) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._plan = plan
        self.cluster: ScriptedCluster

    def __enter__(self) -> ScriptedCluster:
        self._thread.start()
        self.cluster = self._do(self._start())
        return self.cluster

    def __exit__(self, *_: object) -> None:
        self._do(self.cluster.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _start(self) -> ScriptedCluster:
        cluster = ScriptedCluster(self._plan)
        cluster.start()
        return cluster

    def _do(self, coroutine: object) -> ScriptedCluster:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(10)  # type: ignore[arg-type]  # either


@pytest.fixture(scope="module")
def cluster() -> Iterator[ScriptedCluster]:
    with Background(ServerPlan(nodes=3, shards=4)) as running:
        yield running
        assert running.defects == []


@pytest.fixture(scope="module")
def stage(cluster: ScriptedCluster) -> Stage:
    return Stage(SpecClient(int(cluster.urls[0].rpartition(":")[2])))


@pytest.fixture(scope="module")
def alone() -> Iterator[Stage]:
    """A node that is alone: the table says what an operator may do with one."""
    with Background(ServerPlan(nodes=1, shards=4)) as running:
        yield Stage(SpecClient(int(running.urls[0].rpartition(":")[2])))
        assert running.defects == []


@pytest.mark.parametrize("case", CASES, ids=[f"{number}-{case.id}" for number, case in enumerate(CASES)])
def test_it_answers_as_the_server_does(stage: Stage, alone: Stage, case: Case) -> None:
    on = alone if case.operation_id.startswith("admin") else stage
    made = case.make(on)
    on.client.call(
        case.operation_id, made.body, query=made.query, headers=made.headers, at=made.parameters, expect=case.expect
    )


def test_the_table_has_every_operation() -> None:
    assert {case.operation_id for case in CASES} == set(OPERATIONS)


def test_it_passes_the_cases_for_servers(cluster: ScriptedCluster, tmp_path: Path) -> None:
    """An SDK is judged by a server that passes as one."""
    assert main(["run", "--server", cluster.urls[0], "--quiet", "--vectors", str(tmp_path)]) == 0
