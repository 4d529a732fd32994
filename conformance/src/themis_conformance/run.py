"""All cases, side by side: each worker has an adapter process of its own, which it uses for one case after another."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from themis_conformance.adapter import Adapter, AdapterBroken, Hello
from themis_conformance.judge.exchange_client import run_for_client
from themis_conformance.judge.exchange_server import run_for_server
from themis_conformance.judge.scenario import run_scenario
from themis_conformance.judge.stage import Certificates
from themis_conformance.judge.vector import run_vector
from themis_conformance.known_failing import KnownFailing
from themis_conformance.live.cluster import LiveCluster
from themis_conformance.live.http import NoAnswer
from themis_conformance.live.state import LiveServer
from themis_conformance.model import ProtocolCase, ScenarioCase, VectorCase
from themis_conformance.outcome import CaseFailed, Result, Status
from themis_conformance.selection import Job

__all__ = ["Report", "SdkRun", "run_sdk", "run_server"]

_STDERR_LINES_SHOWN = 30
# An SDK that hangs in every case would take hours, and tell no more than in the first few.
_ENDS_MAX = 25

Report = Callable[[Result], None]
"""Told each result as it comes."""


@dataclass
class SdkRun:
    """One adapter and what it is to run."""

    name: str
    command: str
    hello: Hello
    jobs: list[Job]
    known_failing: KnownFailing


@dataclass
class _Ended:
    """How a job ended."""

    status: Status
    complaints: tuple[str, ...] = ()
    context: tuple[str, ...] = ()


class _Worker:
    """Takes jobs until there are none. An adapter that broke is replaced before the next job."""

    def __init__(
        self,
        run: SdkRun,
        queue: deque[Job],
        certificates: Certificates,
        live: LiveServer | LiveCluster | None,
    ) -> None:
        self._run = run
        self._queue = queue
        self._certificates = certificates
        self._live = live
        self._adapter: Adapter | None = None
        self._ends = 0
        self.bad_ends: list[str] = []

    async def work(self, report: Report) -> None:
        """Run jobs and tell their results."""
        try:
            while self._queue:
                job = self._queue.popleft()
                began = time.monotonic()
                ended = await self._one(job)
                report(_result(self._run, job, ended, time.monotonic() - began))
        finally:
            if self._adapter is not None:
                complaint = await self._adapter.close()
                if complaint is not None:
                    self.bad_ends.append(complaint)

    async def _one(self, job: Job) -> _Ended:
        try:
            if self._adapter is not None and self._adapter.broken is not None:
                # After its last case was over: that case has been judged, but the run has not.
                self.bad_ends.append(str(self._adapter.broken))
                await self._give_up(self._adapter)
            adapter = await self._ready()
        except AdapterBroken as broken:
            return _Ended(Status.FAILED, (str(broken),))
        stderr_from = adapter.stderr_position
        context: list[str] = []
        try:
            async with asyncio.timeout(job.case.limit_s):
                return _Ended(await self._carry_out(job, adapter, context))
        except CaseFailed as failed:
            complaints = failed.complaints
        except NoAnswer as error:
            complaints = [f"the live server does not answer: {error}"]
        except AdapterBroken as broken:
            complaints = [str(broken)]
        except TimeoutError:
            complaints = [f"it was not over after {job.case.limit_s:g} s; the adapter was killed"]
            await adapter.kill()
        if adapter.broken is not None:
            await self._give_up(adapter)
        context += [f"stderr: {line}" for line in adapter.stderr_since(stderr_from)[-_STDERR_LINES_SHOWN:]]
        return _Ended(Status.FAILED, tuple(complaints), tuple(context))

    async def _give_up(self, adapter: Adapter) -> None:
        await adapter.kill()
        self._adapter = None

    async def _ready(self) -> Adapter:
        if self._adapter is None:
            if self._ends >= _ENDS_MAX:
                raise AdapterBroken(
                    f"{_ENDS_MAX} processes of the adapter ended before their time; no other is started"
                )
            self._ends += 1
            self._adapter = await Adapter.start(self._run.command)
        return self._adapter

    async def _carry_out(self, job: Job, adapter: Adapter, context: list[str]) -> Status:
        case = job.case
        if isinstance(case, VectorCase):
            return Status.PASSED if await run_vector(case, adapter) else Status.ABSENT
        if isinstance(case, ScenarioCase):
            live = self._live if job.live else None
            await run_scenario(case, job.mode, adapter, self._certificates, live, context)
        else:
            assert isinstance(case, ProtocolCase)
            await run_for_client(case, job.mode, adapter, self._certificates, context)
        return Status.PASSED


def _result(run: SdkRun, job: Job, ended: _Ended, seconds: float) -> Result:
    return run.known_failing.judge(
        Result(
            subject=run.name,
            mode=job.mode,
            case_id=job.case_id,
            layer=job.case.layer,
            suite=job.case.suite,
            features=job.case.requires.features,
            status=ended.status,
            seconds=seconds,
            complaints=ended.complaints,
            context=ended.context,
        )
    )


async def run_sdk(
    run: SdkRun, workers: int, live: LiveServer | None, report: Report, harmed: LiveCluster | None = None
) -> list[str]:
    """Run all jobs of an adapter; returns what was wrong with how its processes ended.

    What does harm to the nodes of a real cluster runs at the end, one case at a time.
    """
    queue: deque[Job] = deque()
    alone: deque[Job] = deque()
    for job in run.jobs:
        if job.skipped:
            report(_result(run, job, _Ended(Status.SKIPPED, (job.skipped,)), 0.0))
        else:
            (alone if job.harms else queue).append(job)
    certificates = Certificates()
    pool = [_Worker(run, queue, certificates, live) for _ in range(max(1, min(workers, len(queue))))]
    try:
        async with asyncio.TaskGroup() as group:
            for worker in pool:
                group.create_task(worker.work(report))
        last = _Worker(run, alone, certificates, harmed)
        pool.append(last)
        await last.work(report)
    finally:
        certificates.close()
    return [f"{run.name}: an adapter ended badly: {complaint}" for worker in pool for complaint in worker.bad_ends]


async def run_server(
    name: str, jobs: list[Job], workers: int, live: LiveServer, known: KnownFailing, report: Report
) -> None:
    """Run the exchanges that judge a server."""
    queue = deque(jobs)

    async def work() -> None:
        while queue:
            job = queue.popleft()
            began = time.monotonic()
            ended = await _ask(job, live)
            result = Result(
                subject=name,
                mode="",
                case_id=job.case_id,
                layer=job.case.layer,
                suite=job.case.suite,
                features=frozenset(),
                status=ended.status,
                seconds=time.monotonic() - began,
                complaints=ended.complaints,
                context=ended.context,
            )
            report(known.judge(result))

    async with asyncio.TaskGroup() as group:
        for _ in range(max(1, workers)):
            group.create_task(work())


async def _ask(job: Job, live: LiveServer) -> _Ended:
    assert isinstance(job.case, ProtocolCase)
    context: list[str] = []
    try:
        async with asyncio.timeout(job.case.limit_s):
            await run_for_server(job.case, live, context)
    except CaseFailed as failed:
        return _Ended(Status.FAILED, tuple(failed.complaints), tuple(context))
    except NoAnswer as error:
        return _Ended(Status.FAILED, (f"no answer: {error}",), tuple(context))
    except TimeoutError:
        return _Ended(Status.FAILED, (f"it was not over after {job.case.limit_s:g} s",), tuple(context))
    return _Ended(Status.PASSED)
