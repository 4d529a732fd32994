"""One logical call: attempts, waits, redirects, and the end of patience. Shared by sync and async, free of I/O.

    perform(core, call)
      ├─ no topology yet?          yield LoadTopology
      ├─ a lagging read?           says what the session has seen
      ├─ choose a node             router.choose: leader, near replica, or whoever is alive
      ├─ yield Send ──────────────▶ Response ──▶ expected? return it
      │                             421: to the owner, at once      401: a new token, once, at once
      │                             retryable: wait (full jitter, Retry-After), budget, deadline, again
      └─ TransportFailure          the node is out; again if the request may be repeated

A request *may be repeated* when it only reads, when it carries an idempotency key, when it cannot have reached the
server, or when the server says so. Anything else is given back to the caller with `outcome_unknown`.

Every answer teaches: the epoch of its topology, who leads the shard of the entity it is about, and what the session has
seen.
"""

from __future__ import annotations

import os
import random
import re
import time
from collections.abc import Callable
from typing import Any, Final, NoReturn

import msgspec

from themis._generated.operations import OPERATIONS, Operation
from themis.errors import ApiError, TimeoutError, TransportError, api_error
from themis.flow import FetchToken, Flow, LoadTopology, Send, Sleep
from themis.hooks import HookList, RequestEnd, RequestRetry, RequestStart, logger
from themis.nearness import Nearness
from themis.options import STRONG, Options, ReadOptions
from themis.retry import parse_retry_after
from themis.router import Router
from themis.session import HEADER, Session
from themis.topology import TopologyView
from themis.transport.message import Endpoint, FailureKind, Request, Response, TransportFailure

__all__ = ["OPERATION", "Answer", "Call", "Core", "load_topology", "perform"]

OPERATION: Final[dict[str, Operation]] = {operation.operation_id: operation for operation in OPERATIONS}
"""The generated operation table, by operationId."""

_REDIRECTS_MAX: Final = 3
_TOPOLOGY_TIMEOUT_S: Final = 5.0
_TOPOLOGY_ATTEMPT_S: Final = 0.5
# What a proxy in front of a node answers by itself, without a problem document.
_GATEWAY_STATUSES: Final = frozenset({429, 502, 503, 504})

# What transport and token have the last word on, whatever a hook puts into its headers.
_RESERVED_HEADERS: Final = frozenset({"authorization", "connection", "content-length", "host", "transfer-encoding"})

# Refusals that say something of the node asked, not of the shard: the next one may serve at once.
_ABOUT_THE_NODE: Final = frozenset(
    {"shutting_down", "not_ready", "node_unreachable", "stale_epoch", "lag_exceeded", "session_not_reached"}
)
_UNSAID: Final = "session_not_reached"
_ABOUT_ITS_STATE: Final = frozenset({"lag_exceeded", "session_not_reached"})
# After these the leaders are likely to be others than those known here. (A 421 has its own look at the topology.)
_MOVING: Final = frozenset({"no_leader", "node_unreachable", "stale_epoch", "shutting_down"})

# What of a session fits into a header line, with its name and room to spare.
_SESSION_BYTES_MAX: Final = 8000

_CODE: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")

_problem_decoder = msgspec.json.Decoder(dict[str, Any])


class Call(msgspec.Struct, frozen=True):
    """One logical call, ready to be sent.

    Attributes:
        operation: Its entry in the operation table.
        target: Path and query.
        timeout_s: For the whole call.
        headers: Beyond those that every request has.
        key_hash: Of the key it is about, for routing; None for any node.
        endpoint: The only node to ask; None lets the router choose.
        expected: Statuses beyond 2xx that the caller wants to see as answers.
        repeatable: Whether it may be sent again although it may have reached a server.
        read: How fresh the answer must be; its parameters are the end of `target`.
        one_entity: Whether it is about a single entity, so that who answers is who leads its shard (or follows there).
        first: The near replica to ask first, where it is not out and the read may lag.
        to_leader: Whether the leader is to answer although the read may lag: replicas could not.
        retries_max: Instead of the policy's.
    """

    operation: Operation
    target: str
    timeout_s: float
    headers: dict[str, str] = {}
    body: bytes = b""
    key_hash: int | None = None
    endpoint: Endpoint | None = None
    expected: frozenset[int] = frozenset()
    repeatable: bool = True
    read: ReadOptions = STRONG
    one_entity: bool = False
    first: Endpoint | None = None
    to_leader: bool = False
    retries_max: int | None = None


class Answer(msgspec.Struct, frozen=True):
    """The response that ended a call, and how it was come by."""

    response: Response
    endpoint: Endpoint
    attempts: int
    request_id: str
    of_write: bool

    def malformed(self, what: str) -> TransportError:
        """The error for a 2xx answer that is not what the operation promises; what it was to write may be written."""
        return TransportError(
            f"{self.endpoint.url} answered {self.response.status}, but {what}",
            kind=FailureKind.PROTOCOL.value,
            endpoint=self.endpoint.url,
            attempts=self.attempts,
            request_id=self.request_id,
            outcome_unknown=self.of_write,
        )

    def error(self) -> ApiError:
        """The error for a status that was expected, but not in this form."""
        problem = _problem(self.response)
        return api_error(self.response.status, problem, attempts=self.attempts, request_id=self.request_id)

    def problem_code(self) -> str:
        """The code of the problem document, "" if there is none."""
        code = _problem(self.response).get("code")
        return code if isinstance(code, str) else ""


class Core:
    """The state that all calls of a client share. It does no I/O.

    Args:
        options: The checked options.
        clock: Monotonic seconds.
        wall_clock: Unix seconds; only for Retry-After dates.
        uniform: Uniform in [0, 1).
    """

    def __init__(
        self,
        options: Options,
        *,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
        uniform: Callable[[], float] = random.random,
    ) -> None:
        self.options = options
        self.clock = clock
        self.wall_clock = wall_clock
        self.uniform = uniform
        self.router = Router(options.endpoints, clock, uniform, Nearness(options.datacenter, options.rack))
        self.session = Session() if options.sessions else None
        self.hooks = HookList(options.hooks)
        self.headers = {"User-Agent": options.user_agent, "Accept": "application/json, application/problem+json"}
        self.token: str | None = options.token if isinstance(options.token, str) else None
        self.token_is_fetched = options.token is not None and not isinstance(options.token, str)
        self.refresh_wanted: Callable[[], None] = _nobody_refreshes

    @staticmethod
    def new_id() -> str:
        """A random name for a request or a write: 32 hex digits."""
        return os.urandom(16).hex()


def _nobody_refreshes() -> None:
    """The driver puts its own wake-up here once it has a background refresh."""


class _Course:
    """Where a call stands: what its attempts have come to so far."""

    __slots__ = (
        "any_replica",
        "asked",
        "attempts",
        "avoid",
        "deadline",
        "endpoint",
        "redirects",
        "request_id",
        "retries",
        "status",
        "unknown",
    )

    def __init__(self, deadline: float, request_id: str, any_replica: bool) -> None:
        self.deadline = deadline
        self.request_id = request_id
        self.any_replica = any_replica
        self.asked: set[Endpoint] = set()
        self.attempts = 0
        self.retries = 0
        self.redirects = 0
        self.status: int | None = None
        self.endpoint: Endpoint | None = None
        self.avoid: Endpoint | None = None
        self.unknown = False


def perform(core: Core, call: Call) -> Flow[Answer]:
    """Carry out one logical call; returns an expected answer or raises TransportError, TimeoutError or ApiError."""
    began = core.clock()
    course = _Course(began + call.timeout_s, core.new_id(), call.read.any_replica and not call.to_leader)
    core.options.budget.earn()
    if not core.hooks:
        return (yield from _attempt_until_done(core, call, course, {}))
    operation = call.operation
    propagated: dict[str, str] = {}
    core.hooks.start(RequestStart(operation.operation_id, operation.method, call.target, course.request_id, propagated))
    error: BaseException | None = None
    try:
        return (yield from _attempt_until_done(core, call, course, propagated))
    except BaseException as caught:
        error = caught
        raise
    finally:
        endpoint = course.endpoint.url if course.endpoint is not None else ""
        duration_s = core.clock() - began
        core.hooks.end(
            RequestEnd(
                operation.operation_id, course.request_id, endpoint, course.attempts, course.status, error, duration_s
            )
        )


def _attempt_until_done(core: Core, call: Call, course: _Course, propagated: dict[str, str]) -> Flow[Answer]:
    router = core.router
    headers = {**core.headers, **call.headers, "X-Request-Id": course.request_id}
    if propagated:
        headers = {**_without_our_own(propagated, headers), **headers}
    redirect: Endpoint | None = None
    token_renewed = stale_retried = False
    while True:
        remaining = course.deadline - core.clock()
        if call.endpoint is None and router.wants_topology:
            yield LoadTopology(min(remaining, _TOPOLOGY_TIMEOUT_S))
            remaining = course.deadline - core.clock()
        # Before the choice: a read that this makes a strong one goes to the leader.
        target = _with_session(core, call, course, headers) if call.read.any_replica else call.target
        endpoint = call.endpoint or redirect or _chosen(core, call, course)
        redirect = course.avoid = None
        course.endpoint = endpoint
        if core.token_is_fetched and core.token is None:
            yield from _renew_token(core, call, course, None)
            remaining = course.deadline - core.clock()
        token = core.token
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        if remaining <= 0:
            _raise_timeout(call, course)
        course.attempts += 1
        course.status = None
        request = Request(call.operation.method, endpoint, target, headers, call.body)
        try:
            response: Response = yield Send(request, min(remaining, core.options.retry.attempt_timeout_s))
        except TransportFailure as failure:
            error: ApiError | TransportError | TimeoutError
            error, repeatable = _judge_failure(core, call, course, failure)
            error.__cause__ = failure
            if failure.reused and repeatable and not stale_retried:
                # The server had closed the idle connection: nobody failed, and the next connection is a new one.
                stale_retried = True
                _report_retry(core, call, course, failure.kind.value, 0.0)
                continue
            reason, retry_after_s = failure.kind.value, None
        else:
            course.status = status = response.status
            _learn(core, call, response)
            if status < 300 or status in call.expected:
                router.answered(endpoint)
                return Answer(response, endpoint, course.attempts, course.request_id, not call.operation.idempotent)
            problem = _problem(response)
            if problem.get("code") == "shutting_down":
                # It has answered, but is going away: one failure more, and not the end of an outage.
                router.failed(endpoint)
            else:
                router.answered(endpoint)
            if status == 401 and core.token_is_fetched and not token_renewed:
                token_renewed = True
                yield from _renew_token(core, call, course, token)
                _report_retry(core, call, course, "token_refresh", 0.0)
                continue
            if status == 421 and call.endpoint is None:
                redirect = _owner(core, course, problem)
                if redirect is not None:
                    _report_retry(core, call, course, "wrong_shard", 0.0)
                    continue
                yield LoadTopology(min(course.deadline - core.clock(), _TOPOLOGY_TIMEOUT_S))
            refusal, repeatable = _judge_status(call, course, response, problem)
            error = refusal
            course.avoid = endpoint
            course.asked.add(endpoint)
            reason = refusal.code or f"status_{status}"
            retry_after_s = parse_retry_after(response.headers.get("retry-after"), core.wall_clock())
            # A HEAD that says nothing but its status, as a node of an earlier release answers it.
            unsaid = status == 503 and call.operation.method == "HEAD" and not refusal.code
            code = _UNSAID if unsaid else refusal.code
            _heed(core, course, code)
            if code in _ABOUT_THE_NODE and router.has_another(course.asked):
                # How long to wait is told to those who have nobody else to ask.
                retry_after_s = None
        if not repeatable:
            raise error
        yield Sleep(_next_wait(core, call, course, error, reason, retry_after_s))


def _chosen(core: Core, call: Call, course: _Course) -> Endpoint:
    first = call.first if course.attempts == 0 and course.any_replica else None
    if first is not None and not core.router.is_out(first):
        return first
    return core.router.choose(call.key_hash, any_replica=course.any_replica, avoid=course.avoid)


def _with_session(core: Core, call: Call, course: _Course, headers: dict[str, str]) -> str:
    """Put what the client has seen into the headers of a lagging read; returns the target to ask for.

    A session that is too large for a header is never cut: the read becomes a strong one, which sees everything.
    """
    if core.session is None:
        return call.target
    shard_id = core.router.shard_of(call.key_hash) if call.one_entity and call.key_hash is not None else None
    seen = core.session.token() if shard_id is None else core.session.entry(shard_id)
    if len(seen) > _SESSION_BYTES_MAX:
        headers.pop(HEADER, None)
        course.any_replica = False
        return call.read.strengthened(call.target)
    if seen:
        headers[HEADER] = seen
    else:
        headers.pop(HEADER, None)
    return call.target


def _heed(core: Core, course: _Course, code: str) -> None:
    """What a refusal says beyond its call."""
    # A node that is alone has nobody to tell of.
    if code in _MOVING and core.router.is_cluster:
        core.refresh_wanted()
    if code in _ABOUT_ITS_STATE:
        course.any_replica = False


def _renew_token(core: Core, call: Call, course: _Course, stale: str | None) -> Flow[None]:
    token: str | None = yield FetchToken(stale, course.deadline - core.clock())
    if token is None:
        _raise_timeout(call, course)
    core.token = token


def _without_our_own(propagated: dict[str, str], ours: dict[str, str]) -> dict[str, str]:
    """The headers of hooks but for those the SDK sends itself, whose names know no case."""
    taken = {name.lower() for name in ours} | _RESERVED_HEADERS
    return {name: value for name, value in propagated.items() if name.lower() not in taken}


def _judge_failure(
    core: Core, call: Call, course: _Course, failure: TransportFailure
) -> tuple[TransportError | TimeoutError, bool]:
    """What an attempt without an answer means: the error it would be, and whether another may follow."""
    endpoint = course.endpoint
    assert endpoint is not None
    pool_was_busy = failure.kind is FailureKind.TIMEOUT and not failure.sent
    course.asked.add(endpoint)
    if not failure.reused and not pool_was_busy:
        core.router.failed(endpoint)
        core.refresh_wanted()
    if failure.sent and not call.operation.idempotent:
        course.unknown = True
    # Connecting ends unreachable by a limit of its own; when the deadline was the nearer one, that is what passed.
    late = failure.kind is FailureKind.CONNECT and core.clock() >= course.deadline
    if failure.kind is FailureKind.TIMEOUT or late:
        return _timeout_error(call, course, f"{endpoint.url}: {failure}"), call.repeatable or not failure.sent
    error = TransportError(
        f"{endpoint.url}: {failure}",
        kind=failure.kind.value,
        endpoint=endpoint.url,
        attempts=course.attempts,
        request_id=course.request_id,
        outcome_unknown=course.unknown,
    )
    return error, call.repeatable or not failure.sent


def _judge_status(call: Call, course: _Course, response: Response, problem: dict[str, Any]) -> tuple[ApiError, bool]:
    """What an error answer means: the error it is, and whether another attempt may follow."""
    status = response.status
    says_so = problem.get("retryable") is True
    # What a header says names the problem, and says nothing of retries.
    is_told = bool(problem and response.body)
    retryable = says_so if is_told else status in _GATEWAY_STATUSES and call.repeatable
    writes = not call.operation.idempotent
    if writes and status >= 500 and not (is_told and status in (503, 507)):
        course.unknown = True
    # A final refusal settles it: with a key, an earlier attempt that succeeded would have been answered again.
    unknown = course.unknown and (retryable or status >= 500)
    error = api_error(
        status,
        problem,
        attempts=course.attempts,
        request_id=course.request_id,
        retryable=retryable,
        outcome_unknown=unknown,
    )
    return error, retryable


def _next_wait(
    core: Core,
    call: Call,
    course: _Course,
    error: ApiError | TransportError | TimeoutError,
    reason: str,
    retry_after_s: float | None,
) -> float:
    """How long to wait before the next attempt; raises `error` when there is to be none."""
    policy = core.options.retry
    retries_max = policy.retries_max if call.retries_max is None else call.retries_max
    remaining = course.deadline - core.clock()
    if course.retries >= retries_max:
        raise error
    course.retries += 1
    wait_s = policy.wait_s(course.retries, retry_after_s, core.uniform)
    # Waiting only to find the deadline passed helps nobody: the caller learns now what it would learn then.
    if wait_s >= remaining or not core.options.budget.spend():
        raise error
    _report_retry(core, call, course, reason, wait_s)
    return wait_s


def _owner(core: Core, course: _Course, problem: dict[str, Any]) -> Endpoint | None:
    """Where a 421 points, unless it has pointed too often or nowhere."""
    owner = problem.get("owner")
    if course.redirects >= _REDIRECTS_MAX or not isinstance(owner, str):
        return None
    try:
        endpoint = Endpoint.parse(owner)
    except ValueError:
        return None
    course.redirects += 1
    core.refresh_wanted()
    return endpoint


def _learn(core: Core, call: Call, response: Response) -> None:
    """Take from the headers of an answer what it says of the cluster, and of what the client has seen."""
    headers, router = response.headers, core.router
    epoch = headers.get("themis-topology-epoch")
    news = epoch is not None and epoch.isascii() and epoch.isdigit() and router.saw_epoch(int(epoch))
    if call.one_entity and call.key_hash is not None and headers.get("themis-role") == "leader":
        # Short-circuited the other way round, a hint would be missed.
        news = router.hint(call.key_hash, headers.get("themis-node", "")) or news
    if news:
        core.refresh_wanted()
    seen = headers.get("themis-session")
    if seen is not None and core.session is not None:
        core.session.note(seen)


def _problem(response: Response) -> dict[str, Any]:
    """The problem document; of an answer without a body (to HEAD) as much as its headers say."""
    if not response.body:
        code = response.headers.get("themis-error", "")
        return {"code": code} if _CODE.fullmatch(code) else {}
    if not response.headers.get("content-type", "").startswith("application/problem+json"):
        return {}
    try:
        return _problem_decoder.decode(response.body)
    except msgspec.DecodeError:
        return {}


def _timeout_error(call: Call, course: _Course, detail: str) -> TimeoutError:
    message = f"{call.operation.operation_id} was not answered in {call.timeout_s:g} s"
    return TimeoutError(
        f"{message} ({detail})" if detail else message,
        attempts=course.attempts,
        request_id=course.request_id,
        outcome_unknown=course.unknown,
    )


def _raise_timeout(call: Call, course: _Course) -> NoReturn:
    raise _timeout_error(call, course, "")


def _report_retry(core: Core, call: Call, course: _Course, reason: str, wait_s: float) -> None:
    endpoint = course.endpoint.url if course.endpoint is not None else ""
    operation_id = call.operation.operation_id
    logger.debug(
        "%s: attempt %d at %s: %s; again in %.3f s [request %s]",
        operation_id, course.attempts, endpoint, reason, wait_s, course.request_id,
    )  # fmt: skip
    if core.hooks:
        core.hooks.retry(
            RequestRetry(operation_id, course.request_id, endpoint, course.attempts, reason, course.status, wait_s)
        )


def load_topology(core: Core, timeout_s: float) -> Flow[bool]:
    """Ask one node after another for the topology, in random order, until one answers; False if none did.

    Nothing is raised: without a topology, requests go to any node and are forwarded.
    """
    router = core.router
    deadline = core.clock() + timeout_s
    operation = OPERATION["getTopology"]
    order = router.refresh_order()
    for place, endpoint in enumerate(order):
        headers = {**core.headers, "X-Request-Id": core.new_id()}
        if core.token_is_fetched and core.token is None:
            core.token = yield FetchToken(None, deadline - core.clock())
            if core.token is None:
                break
        if core.token is not None:
            headers["Authorization"] = f"Bearer {core.token}"
        if router.view is not None and router.view.etag is not None:
            headers["If-None-Match"] = router.view.etag
        # A node that hangs must leave time to ask the others.
        remaining = deadline - core.clock()
        share = min(remaining / (len(order) - place), timeout_s / 2)
        allowed = min(remaining, max(share, _TOPOLOGY_ATTEMPT_S))
        if allowed <= 0:
            break
        try:
            response: Response = yield Send(Request(operation.method, endpoint, operation.path, headers), allowed)
        except TransportFailure as failure:
            if not failure.reused:
                router.failed(endpoint)
            logger.debug("no topology from %s: %s", endpoint.url, failure)
            continue
        router.answered(endpoint)
        if response.status == 304:
            if router.stale:
                continue
            return True
        if response.status != 200:
            logger.debug("no topology from %s: status %d", endpoint.url, response.status)
            continue
        try:
            view = TopologyView.decode(response.body, response.headers.get("etag"))
        except ValueError as error:
            logger.warning("the topology of %s makes no sense: %s", endpoint.url, error)
            continue
        router.install(view)
        router.saw_epoch(view.epoch)
        if not router.stale:
            return True
    if router.view is not None:
        return False
    router.load_failed()
    return False
