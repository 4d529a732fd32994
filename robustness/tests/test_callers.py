"""What a caller says of a request is no more than its answers prove."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from robustness.history import FAILED_CONDITION
from robustness.workloads.callers import Condition, Freshness, RawCaller, SdkCaller, urn_of

URN = urn_of("things", "550e8400-e29b-41d4-a716-446655440000")
Answer = tuple[int, dict[str, str], object] | None
"""Status, headers and JSON body; None closes the connection without a word."""


class Script:
    """A server that gives prepared answers, the last one for ever, and remembers what it was asked."""

    def __init__(self, *answers: Answer) -> None:
        self._answers = list(answers)
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.endpoint = ""
        self._writers: set[asyncio.StreamWriter] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                line, *fields = head.decode().strip().split("\r\n")
                headers = {name.lower(): value.strip() for name, _, value in (field.partition(":") for field in fields)}
                await reader.readexactly(int(headers.get("content-length", "0")))
                self.asked.append((line.rsplit(" ", 1)[0], headers))
                answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
                if answer is None:
                    return
                status, more, body = answer
                data = json.dumps(body).encode()
                lines = [
                    f"HTTP/1.1 {status} x",
                    f"Content-Length: {len(data)}",
                    *(f"{n}: {v}" for n, v in more.items()),
                ]
                writer.write(("\r\n".join(lines) + "\r\n\r\n").encode() + data)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionResetError):
            pass
        finally:
            writer.close()
            self._writers.discard(writer)


@asynccontextmanager
async def serving(*scripts: Script) -> AsyncIterator[list[str]]:
    servers = []
    for script in scripts:
        server = await asyncio.start_server(script.serve, "127.0.0.1", 0)
        script.endpoint = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        servers.append(server)
    yield [script.endpoint for script in scripts]
    for server in servers:
        server.close()
        await server.wait_closed()
    await asyncio.sleep(0)


def _problem(status: int, code: str, **more: object) -> Answer:
    return status, {"Content-Type": "application/problem+json"}, {"code": code, "status": status, **more}


def _done(version: int) -> Answer:
    return 200, {"ETag": f'"{version}"', "Themis-Node": "node-2"}, {"urn": URN, "version": version}


def _raw(endpoints: list[str], timeout_s: float = 3.0, *, pinned: bool = False) -> RawCaller:
    return RawCaller(endpoints, random.Random(1), timeout_s=timeout_s, attempt_timeout_s=1.0, pinned=pinned)


async def test_a_write_that_was_answered() -> None:
    script = Script(_done(7))
    async with serving(script) as endpoints:
        caller = _raw(endpoints)
        told = await caller.put(URN, {"value": "a"}, Condition(version=3))
        await caller.close()
    assert (told.outcome, told.version, told.node, told.attempts) == ("ok", 7, "node-2", 1)
    assert script.asked[0][1]["if-match"] == '"3"'


async def test_a_condition_that_did_not_hold_is_final() -> None:
    script = Script(_problem(412, FAILED_CONDITION, version=9))
    async with serving(script) as endpoints:
        caller = _raw(endpoints)
        told = await caller.put(URN, {}, Condition(absent=True))
        await caller.close()
    assert (told.outcome, told.code, told.version) == ("refused", FAILED_CONDITION, 9)
    assert script.asked[0][1]["if-none-match"] == "*"
    assert len(script.asked) == 1


async def test_a_condition_that_names_no_version_tells_nothing_of_the_key() -> None:
    script = Script(_problem(412, FAILED_CONDITION))
    async with serving(script) as endpoints:
        for caller in (_raw(endpoints), SdkCaller(endpoints, timeout_s=1.0)):
            told = await caller.put(URN, {"value": "a"}, Condition(version=3))
            await caller.close()
            assert (told.outcome, told.version) == ("refused", None)
            assert told.code != FAILED_CONDITION


async def test_a_lost_answer_is_asked_for_again_under_the_same_key_elsewhere() -> None:
    first, second = Script(None), Script(_done(7))
    async with serving(first, second) as endpoints:
        caller = _raw(endpoints)
        told = await caller.put(URN, {})
        await caller.close()
    assert (told.outcome, told.version, told.attempts) == ("ok", 7, 2)
    assert first.asked[0][1]["idempotency-key"] == second.asked[0][1]["idempotency-key"]


async def test_a_lost_answer_and_then_refusals_are_unknown() -> None:
    first, second = Script(None), Script(_problem(503, "no_leader"))
    async with serving(first, second) as endpoints:
        caller = _raw(endpoints, 0.6)
        told = await caller.put(URN, {})
        await caller.close()
    assert told.outcome == "unknown"


@pytest.mark.parametrize("status", [500, 502, 504])
async def test_an_answer_that_may_hide_a_write_is_unknown(status: int) -> None:
    script = Script(_problem(status, "outcome_unknown"), _problem(503, "no_leader"))
    async with serving(script) as endpoints:
        caller = _raw(endpoints, 0.5)
        told = await caller.put(URN, {})
        await caller.close()
    assert told.outcome == "unknown"
    assert told.version is None


async def test_an_unknown_write_that_is_answered_later_is_known() -> None:
    script = Script(_problem(504, "outcome_unknown"), _done(7))
    async with serving(script) as endpoints:
        caller = _raw(endpoints)
        told = await caller.put(URN, {})
        await caller.close()
    assert (told.outcome, told.version) == ("ok", 7)


async def test_refusals_alone_are_a_refusal() -> None:
    script = Script(_problem(503, "no_leader"))
    async with serving(script) as endpoints:
        caller = _raw(endpoints, 0.5)
        told = await caller.put(URN, {})
        await caller.close()
    assert (told.outcome, told.code) == ("refused", "no_leader")
    assert told.attempts > 2


async def test_nobody_there_is_a_refusal() -> None:
    async with serving(Script(_done(1))) as endpoints:
        pass
    caller = _raw(endpoints, 0.4)
    told = await caller.put(URN, {})
    await caller.close()
    assert (told.outcome, told.code) == ("refused", "transport_connect")


async def test_what_is_absent_is_a_read_and_no_refusal() -> None:
    script = Script((404, {"Themis-Lag-Ms": "12"}, {"code": "collection_not_found"}))
    async with serving(script) as endpoints:
        caller = _raw(endpoints)
        told = await caller.get(URN, Freshness("bounded", 100))
        await caller.close()
    assert (told.outcome, told.version, told.document, told.lag_ms) == ("ok", None, None, 12.0)
    assert script.asked[0][0].endswith("?consistency=bounded&max_lag_ms=100")


async def test_another_404_is_none() -> None:
    script = Script((404, {}, {"code": "route_not_found"}))
    async with serving(script) as endpoints:
        caller = _raw(endpoints)
        told = await caller.get(URN)
        await caller.close()
    assert told.outcome == "refused"


async def test_a_session_is_carried_and_only_grows() -> None:
    def found(session: str) -> Answer:
        return 200, {"ETag": '"5"', "Themis-Session": session}, {"value": "a"}

    script = Script(found("s1:5,s2:9"), found("s1:3"), found("s1:6"))
    async with serving(script) as endpoints:
        caller = _raw(endpoints)
        for _ in range(3):
            await caller.get(URN, Freshness("eventual", session=True))
        await caller.get(URN, Freshness("eventual"))
        await caller.close()
    sent = [headers.get("themis-session") for _, headers in script.asked]
    assert sent == [None, "s1:5,s2:9", "s1:5,s2:9", None]


async def test_a_pinned_caller_asks_one_node_once() -> None:
    first, second = Script(_problem(503, "no_leader")), Script(_done(7))
    async with serving(first, second) as endpoints:
        caller = _raw(endpoints, pinned=True)
        told = await caller.get(URN)
        await caller.close()
    assert told.outcome == "refused"
    assert (len(first.asked), len(second.asked)) == (1, 0)


async def test_the_sdk_s_unknown_is_unknown() -> None:
    script = Script(_problem(504, "outcome_unknown", retryable=False))
    async with serving(script) as endpoints:
        caller = SdkCaller(endpoints, timeout_s=1.0)
        told = await caller.put(URN, {"value": "a"})
        await caller.close()
    assert told.outcome == "unknown"


async def test_the_sdk_s_failed_condition_says_the_version() -> None:
    script = Script(_problem(412, FAILED_CONDITION, version=9))
    async with serving(script) as endpoints:
        caller = SdkCaller(endpoints, timeout_s=1.0)
        told = await caller.put(URN, {"value": "a"}, Condition(version=3))
        await caller.close()
    assert (told.outcome, told.code, told.version) == ("refused", FAILED_CONDITION, 9)
