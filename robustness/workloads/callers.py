"""Two ways to ask a cluster: by hand, one header at a time, and through the SDK. Both tell what an answer proves.

By hand a caller chooses the node, the consistency and the session, and sees who answered. The SDK routes and retries as
users' programs do. Invariant: "refused" is said of a write only when no attempt of it can have been carried out.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, Protocol
from urllib.parse import quote

import msgspec

from robustness.history import FAILED_CONDITION, Consistency, Outcome
from themis import AsyncThemisClient
from themis.errors import ApiError, PreconditionFailed, ThemisError, TimeoutError, TransportError
from themis.retry import RetryBudget, RetryPolicy
from themis.transport.message import Endpoint, FailureKind, Request, Response, TransportFailure
from themis.transport.streams import StreamTransport
from themis.urn import Urn

MODEL: Final = "document"
NAMESPACE: Final = "chaos"
_ABSENT: Final = frozenset({"entity_not_found", "collection_not_found", "namespace_not_found"})
_MAYBE_DONE: Final = frozenset({500, 502, 504})
_AGAIN: Final = frozenset({408, 421, 429, 500, 502, 503, 504, 507})
_UNTOLD: Final = f"{FAILED_CONDITION}_without_version"
_SHORTEST_ATTEMPT_S: Final = 0.01

Document = dict[str, Any]


@dataclass(frozen=True)
class Told:
    """What a caller knows after a call.

    `version` is the one made, found, or, after a failed condition, met instead (None: the key is absent). `document` is
    what a read found.
    """

    outcome: Outcome
    version: int | None = None
    document: Document | None = None
    code: str = ""
    node: str = ""
    role: str = ""
    lag_ms: float | None = None
    attempts: int = 1


@dataclass(frozen=True)
class Freshness:
    """How fresh a read must be; `session` sends what the caller has seen."""

    consistency: Consistency = "strong"
    max_lag_ms: int | None = None
    session: bool = False


STRONG: Final = Freshness()


@dataclass(frozen=True)
class Condition:
    """What a write asks for: that the entity has a version, or (`absent`) that there is none."""

    version: int | None = None
    absent: bool = False


ALWAYS: Final = Condition()


class Caller(Protocol):
    """Carries out one request, retries included, and never raises for what a cluster may answer."""

    async def get(self, urn: str, freshness: Freshness = STRONG) -> Told:
        """Read an entity."""
        ...

    async def put(self, urn: str, document: Document, condition: Condition = ALWAYS, *, session: bool = False) -> Told:
        """Write an entity."""
        ...

    async def close(self) -> None:
        """Close connections."""
        ...


class RawCaller:
    """HTTP by hand.

    It stays with a node while that answers, and goes to the next when it does not. A request that may be sent again is,
    until `timeout_s` is over: as it was, under its idempotency key.
    """

    def __init__(
        self,
        endpoints: Sequence[str],
        chance: random.Random,
        *,
        timeout_s: float = 8.0,
        attempt_timeout_s: float = 2.0,
        pinned: bool = False,
    ) -> None:
        """Prepare a caller.

        Args:
            endpoints: URLs of nodes, tried in turn from the first.
            chance: Draws keys and waits.
            timeout_s: For a request with all its attempts.
            attempt_timeout_s: For one attempt.
            pinned: Ask the first node only, and once.
        """
        self._endpoints = [Endpoint.parse(endpoint) for endpoint in endpoints]
        self._chance = chance
        self._timeout_s = timeout_s
        self._attempt_timeout_s = timeout_s if pinned else attempt_timeout_s
        self._pinned = pinned
        self._current = 0
        self._transport = StreamTransport(pool_size=4, connect_timeout_s=min(1.0, attempt_timeout_s))
        self._session: dict[str, int] = {}

    async def get(self, urn: str, freshness: Freshness = STRONG) -> Told:
        """Read an entity."""
        query = []
        if freshness.consistency != "strong":
            query.append(f"consistency={freshness.consistency}")
        if freshness.max_lag_ms is not None:
            query.append(f"max_lag_ms={freshness.max_lag_ms}")
        headers = self._session_header() if freshness.session else {}
        target = f"/entity/{quote(urn, safe='')}" + ("?" + "&".join(query) if query else "")
        return await self._ask("GET", target, headers, b"", freshness.session)

    async def put(self, urn: str, document: Document, condition: Condition = ALWAYS, *, session: bool = False) -> Told:
        """Write an entity."""
        headers = {"Content-Type": "application/json", "Idempotency-Key": f"chaos-{self._chance.getrandbits(96):024x}"}
        if condition.version is not None:
            headers["If-Match"] = f'"{condition.version}"'
        if condition.absent:
            headers["If-None-Match"] = "*"
        if session:
            headers |= self._session_header()
        body = msgspec.json.encode(document)
        return await self._ask("PUT", f"/entity/{quote(urn, safe='')}", headers, body, session)

    def _session_header(self) -> dict[str, str]:
        if not self._session:
            return {}
        return {"Themis-Session": ",".join(f"{shard}:{version}" for shard, version in sorted(self._session.items()))}

    async def _ask(self, method: str, target: str, headers: Mapping[str, str], body: bytes, session: bool) -> Told:
        deadline_s = time.monotonic() + self._timeout_s
        attempts = 0
        maybe_done = False
        told = Told("refused", code="timeout")
        while (left_s := deadline_s - time.monotonic()) > _SHORTEST_ATTEMPT_S:
            attempts += 1
            endpoint = self._endpoints[self._current]
            request = Request(method, endpoint, target, dict(headers), body)
            again = True
            try:
                response = await self._transport.asend(request, min(self._attempt_timeout_s, left_s))
            except TransportFailure as failure:
                told = Told("refused", code=f"transport_{failure.kind}")
                maybe_done |= failure.sent
                if failure.kind != FailureKind.LOST or not failure.reused:
                    self._current = (self._current + 1) % len(self._endpoints)
            else:
                told = _read_answer(method, response)
                again = response.status in _AGAIN
                maybe_done |= response.status in _MAYBE_DONE
                if told.outcome == "ok" and session:
                    self._note_session(response.headers.get("themis-session", ""))
                if again and response.status != 429:
                    self._current = (self._current + 1) % len(self._endpoints)
            if not again or self._pinned:
                break
            await asyncio.sleep(self._chance.uniform(0.0, min(0.2, 0.02 * 2.0**attempts)))
        if (
            told.outcome == "refused"
            and maybe_done
            and method != "GET"
            and told.code not in (FAILED_CONDITION, _UNTOLD)
        ):
            told = replace(told, outcome="unknown", version=None)
        return replace(told, attempts=max(attempts, 1))

    def _note_session(self, header: str) -> None:
        for part in filter(None, header.split(",")):
            shard, _, version = part.strip().rpartition(":")
            self._session[shard] = max(self._session.get(shard, 0), int(version))

    async def close(self) -> None:
        """Close connections."""
        await self._transport.aclose()


def _read_answer(method: str, response: Response) -> Told:
    """Return what one answer says by itself; that a 5xx may hide a write is the business of whoever counts attempts."""
    headers = response.headers
    lag = headers.get("themis-lag-ms")
    node, role = headers.get("themis-node", ""), headers.get("themis-role", "")
    lag_ms = float(lag) if lag is not None else None
    if response.status in (200, 201):
        version = int(headers["etag"].strip('"'))
        document = msgspec.json.decode(response.body) if method == "GET" else None
        return Told("ok", version, document, "", node, role, lag_ms)
    try:
        problem = msgspec.json.decode(response.body)
    except msgspec.DecodeError:
        problem = {}
    code = str(problem.get("code", f"status_{response.status}"))
    if method == "GET" and response.status == 404 and code in _ABSENT:
        return Told("ok", None, None, "", node, role, lag_ms)
    if code == FAILED_CONDITION and "version" in problem:
        return Told("refused", problem["version"], None, code, node, role, lag_ms)
    # A failed condition that does not say which version it met is a refusal, and no sighting of an absent key.
    code = _UNTOLD if code == FAILED_CONDITION else code
    return Told("refused", None, None, code, node, role, lag_ms)


class SdkCaller:
    """themis-python, with its own routing and retries. It tells role and lag, and not which node answered."""

    def __init__(
        self, endpoints: Sequence[str], *, timeout_s: float = 8.0, attempt_timeout_s: float = 2.0, retries_max: int = 20
    ) -> None:
        self._client = AsyncThemisClient(
            endpoints,
            namespace=NAMESPACE,
            timeout=timeout_s,
            retry=RetryPolicy(retries_max, backoff_max_s=0.3, attempt_timeout_s=attempt_timeout_s),
            retry_budget=RetryBudget(ratio=10.0),  # The load shall go on while a shard has no leader.
            connect_timeout=1.0,
            refresh_interval=2.0,
        )

    async def get(self, urn: str, freshness: Freshness = STRONG) -> Told:
        """Read an entity."""
        try:
            found = await self._client.get_entity_by_urn(
                urn,
                consistency=None if freshness.consistency == "strong" else freshness.consistency,
                max_lag_ms=freshness.max_lag_ms,
            )
        except ThemisError as error:
            return _of_error(error)
        if found is None:
            return Told("ok")
        return Told("ok", found.version, found.doc, role=found.role or "", lag_ms=found.lag_ms)

    async def put(self, urn: str, document: Document, condition: Condition = ALWAYS, *, session: bool = False) -> Told:
        """Write an entity."""
        absent: Literal["*"] | None = "*" if condition.absent else None
        try:
            done = await self._client.put_by_urn(urn, document, if_match=condition.version, if_none_match=absent)
        except ThemisError as error:
            return _of_error(error)
        return Told("ok", done.version)

    async def close(self) -> None:
        """Close connections."""
        await self._client.aclose()


def _of_error(error: ThemisError) -> Told:
    attempts = getattr(error, "attempts", 1) or 1
    if isinstance(error, PreconditionFailed) and "version" in error.problem:
        return Told("refused", error.problem["version"], code=FAILED_CONDITION, attempts=attempts)
    unknown = isinstance(error, ApiError | TransportError | TimeoutError) and error.outcome_unknown
    code = error.code if isinstance(error, ApiError) else type(error).__name__
    code = _UNTOLD if code == FAILED_CONDITION else code
    return Told("unknown" if unknown else "refused", code=code, attempts=attempts)


def urn_of(collection: str, uuid: str) -> str:
    """Return the URN of a key."""
    return str(Urn(MODEL, NAMESPACE, collection, uuid))
