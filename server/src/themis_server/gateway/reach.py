"""Requests in parts, one for each shard, brought to the nodes that can carry them out, again where they were refused.

    parts -> the node of each -> one request a node -> answers, refusals, silence
               ^                                          |
               |         a moment, or word of a leader    |
               +------------------------------------------+

The origin, and only the origin, tries again: a node that is asked by another one answers for itself or refuses, so a
request is forwarded at most once at a time. What may be tried again:

    refused    nothing happened: always, until `leader_wait_s` has passed; so is a write by a full disk, if others may
               lead
    lost       the node was asked and is silent, or leads no more and is silent (see `deposed`): reads, and writes with
               an idempotency key; any other write has an unknown outcome, and is never sent twice
    an error   never: it is the answer
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from themis_server.clock import Clock
from themis_server.errors import ErrorCode, ThemisServerError, outcome_unknown, wrong_shard
from themis_server.gateway.deposed import Waits
from themis_server.gateway.hedge import Hedge
from themis_server.gateway.news import News
from themis_server.gateway.routing import Place, Routing
from themis_server.shard.host import ShardHost
from themis_server.shard.reading import Level
from themis_server.shard.refusal import Lost, Reason, Refused
from themis_server.shard.wire import Ask, Failure

P = TypeVar("P")
R = TypeVar("R")

_FIRST_PAUSE_S: Final = 0.005
_LONGEST_PAUSE_S: Final = 0.1
_HOPS_MAX: Final = 2
"""So often in a row a part follows the word of a replica that another one leads, before it pauses."""
_FIRST_PATIENCE_S: Final = 1.0
"""How long a node may be silent on a request that may be repeated; doubled at each silence."""
_ABOUT_STATE: Final = (Reason.TOO_OLD, Reason.UNSEEN)
"""Refusals that say how old the state of a replica is, and nothing about who leads."""


@dataclass(frozen=True)
class ReachLimits:
    """How long requests are tried."""

    leader_wait_s: float
    """So long a part is tried that is refused everywhere: a new leader is elected meanwhile."""
    request_timeout_s: float
    """So long a request may take altogether."""


class Job(Generic[P, R]):
    """A part on its way, and its end: `answer` by `node_id`, or `error`."""

    __slots__ = ("answer", "asked", "avoid", "doubtful", "error", "hops", "node_id", "part", "place", "waits_until_s")

    def __init__(self, place: Place, part: P) -> None:
        self.place = place
        self.part = part
        self.answer: R | None = None
        self.node_id = ""
        self.error: ThemisServerError | None = None
        """Why it has no answer (yet)."""
        self.asked: set[str] = set()
        """Replicas that could not serve it; a read that any replica may serve goes to each once."""
        self.avoid: str | None = None
        """The node that has just said that it does not lead."""
        self.doubtful = False
        """Whether a node that was asked to write may have done so without being heard."""
        self.hops = 0
        self.waits_until_s: float | None = None
        """When patience with refusals ends; None before the first."""

    @property
    def open(self) -> bool:
        """Whether the part is still without an end."""
        return self.answer is None and (self.error is None or isinstance(self.error, Refused))


@dataclass(frozen=True)
class Errand(Generic[P, R]):
    """What is done with parts: how a node is asked, and what may be repeated."""

    call: Callable[[ShardHost, Ask[P]], Awaitable[list[R | Failure]]]
    level: Level = Level.STRONG
    max_lag_ms: int = 0
    bytes_max: int = 8 << 20
    read: bool = True
    """Reads change nothing, so they may be sent again, and twice."""
    repeatable: bool = True
    """Whether it may be sent again after silence."""


class Reach:
    """Carries parts of requests to where they can be carried out. Belongs to the event loop."""

    def __init__(self, routing: Routing, news: News, clock: Clock, limits: ReachLimits, hedge: Hedge) -> None:
        self._routing = routing
        self._news = news
        self._now_s = clock.monotonic_s
        self._limits = limits
        self._hedge = hedge
        self._waits = Waits(routing, clock)
        self.forwarded = 0
        """Requests sent to other nodes so far."""
        self.repeated = 0
        """Parts that were tried again so far."""
        self.hedged = 0
        """Reads that were sent to a second node because the first was slow."""

    async def settle(self, jobs: Sequence[Job[P, R]], errand: Errand[P, R]) -> None:
        """Bring every job to its end; nothing is raised for what a job ends in."""
        deadline_s = self._now_s() + self._limits.request_timeout_s
        by_node, stuck = self._assign(jobs, errand)
        strands = [self._strand({target: group}, [], errand, deadline_s) for target, group in by_node.items()]
        if stuck:
            strands.append(self._strand({}, stuck, errand, deadline_s))
        await _all(strands)
        for job in jobs:
            if job.error is not None and job.doubtful:
                # A later attempt was refused, but what became of the earlier one nobody has said.
                job.error = outcome_unknown(f"{job.error.detail}; an earlier attempt may have taken effect")

    # A strand: parts that went to one node at first, and are followed wherever they go

    async def _strand(
        self,
        by_node: dict[tuple[str, Level], list[Job[P, R]]],
        stuck: list[Job[P, R]],
        errand: Errand[P, R],
        deadline_s: float,
    ) -> None:
        pause_s, patience_s = _FIRST_PAUSE_S, _FIRST_PATIENCE_S
        open_jobs = [job for group in by_node.values() for job in group] + stuck
        while True:
            silent = await self._round(by_node, errand, deadline_s, patience_s)
            if silent:
                patience_s *= 2
            open_jobs = self._still_open(open_jobs, errand, deadline_s)
            if not open_jobs:
                return
            self.repeated += len(open_jobs)
            if stuck or not all(self._knows_better(job, errand) for job in open_jobs):
                await self._news.wait(min(pause_s, max(deadline_s - self._now_s(), 0)))
                pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)
                for job in open_jobs:
                    job.avoid, job.hops = None, 0
                    if job.asked.issuperset(job.place.nodes):
                        job.asked.clear()
            by_node, stuck = self._assign(open_jobs, errand)

    async def _round(
        self,
        by_node: dict[tuple[str, Level], list[Job[P, R]]],
        errand: Errand[P, R],
        deadline_s: float,
        patience_s: float,
    ) -> bool:
        """Ask every node once; return whether one was silent."""
        silent = False

        async def visit(node_id: str, level: Level, jobs: list[Job[P, R]]) -> None:
            nonlocal silent
            budget_s = deadline_s - self._now_s()
            if errand.repeatable:
                budget_s = min(budget_s, patience_s)
            silent = await self._visit(node_id, level, jobs, errand, max(budget_s, 0.001)) or silent

        await _all([visit(node_id, level, jobs) for (node_id, level), jobs in by_node.items()])
        return silent

    def _still_open(self, jobs: Iterable[Job[P, R]], errand: Errand[P, R], deadline_s: float) -> list[Job[P, R]]:
        """Return the jobs to be tried again; those whose time is up get their end."""
        now_s = self._now_s()
        still = []
        for job in jobs:
            if not job.open:
                continue
            if job.waits_until_s is None:
                job.waits_until_s = now_s + self._limits.leader_wait_s
            if now_s >= min(job.waits_until_s, deadline_s) or self._is_hopeless(job):
                job.error = self._last_word(job, errand)
            else:
                still.append(job)
        return still

    def _is_hopeless(self, job: Job[P, R]) -> bool:
        """Whether this node stops, and nobody else has the shard."""
        error = job.error
        return (
            isinstance(error, Refused)
            and error.reason == Reason.STOPPING
            and set(job.place.nodes) <= {self._routing.me}
        )

    def _last_word(self, job: Job[P, R], errand: Errand[P, R]) -> ThemisServerError:
        error = job.error
        if error is None:
            return ThemisServerError(
                ErrorCode.NO_LEADER,
                f"{job.place.shard_id} has no leader at the moment; nothing happened",
                retry_after_s=1,
            )
        if error.code == ErrorCode.WRONG_SHARD or (error.code == ErrorCode.STALE_EPOCH and errand.read):
            owner = self._routing.endpoint(self._routing.leader(job.place))
            return wrong_shard(owner, self._routing.topology.epoch)
        # No longer a refusal that somebody may try again, but what the caller is told.
        return ThemisServerError(error.code, error.detail, **error.fields)

    # Whom to ask

    def _assign(
        self, jobs: Iterable[Job[P, R]], errand: Errand[P, R]
    ) -> tuple[dict[tuple[str, Level], list[Job[P, R]]], list[Job[P, R]]]:
        """Return the jobs by the node to ask (and the level to ask for), and those that nobody can be asked for now."""
        by_node: dict[tuple[str, Level], list[Job[P, R]]] = {}
        stuck: list[Job[P, R]] = []
        for job in jobs:
            target = self._target(job, errand)
            if target is None:
                stuck.append(job)
            else:
                by_node.setdefault(target, []).append(job)
        return by_node, stuck

    def _target(self, job: Job[P, R], errand: Errand[P, R], without: str = "") -> tuple[str, Level] | None:
        routing = self._routing
        if errand.level != Level.STRONG:
            for node_id in routing.nearest(job.place, anew=not job.asked and not without):
                if node_id not in job.asked and node_id != without and routing.host(node_id) is not None:
                    return node_id, errand.level
            if without:
                return None
        # The leader serves every read; asked for a strong one it answers where a proof of age would come too late.
        leader = routing.leader(job.place, job.avoid) or routing.anybody(job.place, job.avoid)
        return None if leader is None or routing.host(leader) is None else (leader, Level.STRONG)

    def _knows_better(self, job: Job[P, R], errand: Errand[P, R]) -> bool:
        """Whether there is somebody to be asked at once: another replica, or the leader that the last one named."""
        if job.hops >= _HOPS_MAX + (len(job.place.nodes) if errand.level != Level.STRONG else 0):
            return False
        job.hops += 1
        target = self._target(job, errand)
        return target is not None and target[0] != job.avoid

    # Asking

    async def _visit(
        self, node_id: str, level: Level, jobs: list[Job[P, R]], errand: Errand[P, R], budget_s: float
    ) -> bool:
        """Ask one node; return whether it was silent."""
        me = self._routing.me
        if level == Level.STRONG or node_id == me or not errand.read or not self._hedge.enabled:
            return await self._send(node_id, level, jobs, errand, budget_s)
        first = asyncio.ensure_future(self._send(node_id, level, jobs, errand, budget_s))
        try:
            await asyncio.wait([first], timeout=self._hedge.delay_s)
            if first.done():
                return first.result()
            seconds = self._second_choices(node_id, jobs, errand)
            if not seconds:
                return await first
            return await self._race(first, seconds, jobs, errand, budget_s)
        finally:
            first.cancel()

    def _second_choices(
        self, first: str, jobs: list[Job[P, R]], errand: Errand[P, R]
    ) -> dict[tuple[str, Level], list[Job[P, R]]]:
        seconds: dict[tuple[str, Level], list[Job[P, R]]] = {}
        for job in jobs:
            target = self._target(job, errand, first)
            if target is not None:
                seconds.setdefault(target, []).append(job)
        return seconds

    async def _race(
        self,
        first: asyncio.Future[bool],
        seconds: dict[tuple[str, Level], list[Job[P, R]]],
        jobs: list[Job[P, R]],
        errand: Errand[P, R],
        budget_s: float,
    ) -> bool:
        """Let a slow node and others in its stead answer the same; each part takes the first answer it gets."""
        self.hedged += 1
        racing: set[asyncio.Future[bool]] = {first}
        racing |= {
            asyncio.ensure_future(self._send(node_id, level, some, errand, budget_s))
            for (node_id, level), some in seconds.items()
        }
        silent = False
        try:
            left = set(racing)
            while left and any(job.open for job in jobs):
                done, left = await asyncio.wait(left, return_when=asyncio.FIRST_COMPLETED)
                for ended in done:
                    silent = ended.result() or silent
            return silent
        finally:
            for one in racing:
                one.cancel()

    async def _send(
        self, node_id: str, level: Level, jobs: list[Job[P, R]], errand: Errand[P, R], budget_s: float
    ) -> bool:
        host = self._routing.host(node_id)
        if host is None:
            return False
        ask = Ask(
            self._routing.topology.epoch,
            max(int(budget_s * 1000), 1),
            tuple([job.part for job in jobs]),
            level,
            errand.max_lag_ms,
            errand.bytes_max,
        )
        remote = node_id != self._routing.me
        began_s = self._now_s()
        try:
            if remote:
                self.forwarded += 1
            if remote and level == Level.STRONG:
                answers = await self._ask_leader(host, node_id, jobs, ask, errand)
            else:
                answers = await errand.call(host, ask)
        except Lost as lost:
            for job in jobs:
                if job.open:
                    self._was_lost(job, node_id, lost, errand)
            return True
        except ThemisServerError as error:
            for job in jobs:
                if job.open:
                    self._failed(job, node_id, error)
            return False
        if remote and errand.read:
            self._hedge.observe(self._now_s() - began_s)
        for job, answer in zip(jobs, answers, strict=True):
            if not job.open:
                continue
            if not isinstance(answer, Failure):
                job.answer, job.node_id, job.error = answer, node_id, None
            elif answer.code == ErrorCode.OUTCOME_UNKNOWN and not answer.reason and errand.repeatable:
                self._was_lost(job, node_id, Lost(answer.detail), errand)
            else:
                self._failed(job, node_id, answer.error())
        return False

    async def _ask_leader(
        self, host: ShardHost, node_id: str, jobs: list[Job[P, R]], ask: Ask[P], errand: Errand[P, R]
    ) -> list[R | Failure]:
        """Ask another node that is taken for a leader. Raises `Lost` also once it is none and nothing comes of it."""
        asked = self._waits.asked(node_id, [job.place for job in jobs])
        try:
            async with asked:
                return await errand.call(host, ask)
        except TimeoutError:
            if not asked.given_up:
                raise
            raise Lost(f"node {node_id} was asked, leads no more and did not answer") from None

    def _failed(self, job: Job[P, R], node_id: str, error: ThemisServerError) -> None:
        if error.code == ErrorCode.DISK_FULL and len(job.place.nodes) > 1:
            # Nothing was written, and a node whose disk is full gives up what it leads.
            error = Refused(Reason.DISK_FULL, error.detail, 0, **error.fields)
        if isinstance(error, Refused):
            if error.reason in (Reason.NOT_LEADER, Reason.BUSY):
                self._routing.hint(job.place.group, error.leader)
            if error.reason not in _ABOUT_STATE:
                job.avoid = node_id
            job.asked.add(node_id)
            if _says_less(error, job.error):
                return
        job.error = error

    def _was_lost(self, job: Job[P, R], node_id: str, lost: Lost, errand: Errand[P, R]) -> None:
        job.avoid = node_id
        job.asked.add(node_id)
        job.doubtful = not errand.read
        if errand.repeatable:
            # It may have been carried out, which nobody minds; patience starts anew with who is asked next.
            job.waits_until_s = None
            job.error = Refused(Reason.UNREACHABLE, f"{lost}", retry_after_s=1)
        else:
            job.error = outcome_unknown(f"{lost}; the write may or may not take effect")


def _says_less(new: Refused, old: ThemisServerError | None) -> bool:
    """Whether an earlier refusal tells a caller more: how far the replicas lag, rather than that one does not lead."""
    if not isinstance(old, Refused):
        return False
    if old.reason in _ABOUT_STATE and new.reason not in _ABOUT_STATE:
        return True
    old_ms, new_ms = old.fields.get("lag_ms"), new.fields.get("lag_ms")
    return isinstance(old_ms, int) and (not isinstance(new_ms, int) or new_ms >= old_ms)


async def _all(coroutines: Sequence[Coroutine[Any, Any, None]]) -> None:
    if len(coroutines) == 1:
        await coroutines[0]
    elif coroutines:
        await asyncio.gather(*coroutines)
