"""The sans-IO core, driven by a script: no sockets, no waiting, a clock of the test's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from themis.core import OPERATION, Answer, Call, Core, perform
from themis.errors import TimeoutError, TransportError, Unavailable
from themis.flow import Effect, FetchToken, Flow, LoadTopology, Send, Sleep
from themis.hooks import Hooks, RequestStart
from themis.surface import build_core
from themis.testing import problem_response
from themis.transport.message import FailureKind, Response, TransportFailure

OK = Response(200, {}, b"{}")
BUSY = problem_response(503, "no_leader", retryable=True)


class World:
    """Carries out effects from a script of answers, and remembers them."""

    def __init__(self, answers: list[Response | TransportFailure], **options: Any) -> None:
        self.now = 100.0
        self.answers = answers
        self.effects: list[Effect] = []
        defaults: dict[str, Any] = {
            "token": None, "hooks": (), "retry": None, "retry_budget": None, "idempotency_keys": True,
            "refresh_interval": 30.0, "user_agent": None, "parallel": 4,
        }  # fmt: skip
        checked = build_core(["http://a", "http://b"], "default", 10, 3, **{**defaults, **options}).options
        self.core = Core(checked, clock=lambda: self.now, uniform=lambda: 0.9999)

    def run(self, flow: Flow[Answer]) -> Answer:
        step: Callable[[], Effect] = lambda: next(flow)  # noqa: E731
        try:
            while True:
                effect = step()
                self.effects.append(effect)
                step = self.carry_out(flow, effect)
        except StopIteration as stop:
            answer: Answer = stop.value
            return answer

    def carry_out(self, flow: Flow[Answer], effect: Effect) -> Callable[[], Effect]:
        if isinstance(effect, Sleep):
            self.now += effect.seconds
        if isinstance(effect, LoadTopology):
            self.core.router.load_failed()
        if isinstance(effect, FetchToken):
            return lambda: flow.send(f"token-{len(self.effects)}")
        if isinstance(effect, Send):
            answer = self.answers.pop(0)
            if isinstance(answer, TransportFailure):
                self.now += effect.timeout_s if answer.kind is FailureKind.TIMEOUT else 0.0
                return lambda: flow.throw(answer)
            return lambda: flow.send(answer)
        return lambda: flow.send(None)

    def sent(self) -> list[Send]:
        return [effect for effect in self.effects if isinstance(effect, Send)]

    def slept(self) -> list[float]:
        return [effect.seconds for effect in self.effects if isinstance(effect, Sleep)]


def call(operation_id: str = "getEntity", timeout_s: float = 10.0, **more: Any) -> Call:
    return Call(OPERATION[operation_id], "/x", timeout_s, **more)


def test_the_topology_is_wanted_first_and_only_once() -> None:
    world = World([OK, OK])
    world.run(perform(world.core, call()))
    world.run(perform(world.core, call()))
    assert [type(effect) for effect in world.effects] == [LoadTopology, Send, Send]


def test_waits_double_and_stay_below_the_deadline() -> None:
    world = World([BUSY] * 9)
    with pytest.raises(Unavailable) as caught:
        world.run(perform(world.core, call()))
    assert world.slept() == pytest.approx([0.05, 0.1, 0.2], rel=0.001)
    assert caught.value.attempts == 4


def test_the_next_attempt_asks_somebody_else() -> None:
    world = World([BUSY, OK])
    world.run(perform(world.core, call()))
    first, second = world.sent()
    assert first.request.endpoint != second.request.endpoint


def test_no_wait_leads_past_the_deadline() -> None:
    world = World([BUSY] * 9)
    with pytest.raises(Unavailable):
        world.run(perform(world.core, call(timeout_s=0.12)))
    assert world.now < 100.12


def test_an_attempt_gets_what_is_left_of_the_deadline() -> None:
    slow = TransportFailure(FailureKind.TIMEOUT, "slow", sent=True)
    world = World([slow, slow, slow], retry=None)
    with pytest.raises(TimeoutError):
        world.run(perform(world.core, call(timeout_s=15.0)))
    assert [round(effect.timeout_s, 2) for effect in world.sent()] == [10.0, 4.95]


def test_a_stale_connection_is_replaced_once_without_waiting_or_blaming_the_node() -> None:
    stale = TransportFailure(FailureKind.LOST, "reset", sent=True, reused=True)
    world = World([stale, OK])
    assert world.run(perform(world.core, call("putEntity"))).attempts == 2
    assert world.slept() == []
    assert not any(world.core.router.is_out(endpoint) for endpoint in world.core.router.known())


def test_a_stale_connection_is_no_excuse_for_a_write_without_key() -> None:
    world = World([TransportFailure(FailureKind.LOST, "reset", sent=True, reused=True)])
    with pytest.raises(TransportError) as caught:
        world.run(perform(world.core, call("putEntity", repeatable=False)))
    assert caught.value.outcome_unknown
    assert isinstance(caught.value.__cause__, TransportFailure)


def test_what_was_never_sent_is_sent_again_even_without_key() -> None:
    world = World([TransportFailure(FailureKind.CONNECT, "refused", sent=False), OK])
    world.run(perform(world.core, call("putEntity", repeatable=False)))
    assert len(world.sent()) == 2


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_gateways_own_error_is_retried_only_if_repeatable(status: int) -> None:
    html = Response(status, {"content-type": "text/html"}, b"<h1>Bad gateway</h1>")
    world = World([html, OK])
    assert world.run(perform(world.core, call("putEntity"))).attempts == 2
    world = World([html])
    with pytest.raises(Exception, match=str(status)):
        world.run(perform(world.core, call("putEntity", repeatable=False)))


def test_an_empty_budget_ends_retries() -> None:
    from themis.retry import RetryBudget

    world = World([BUSY, BUSY], retry_budget=RetryBudget(ratio=0, reserve=1))
    with pytest.raises(Unavailable) as caught:
        world.run(perform(world.core, call()))
    assert caught.value.attempts == 2


def test_a_token_is_fetched_before_the_first_request_and_renewed_on_401() -> None:
    world = World([Response(401), OK], token=lambda: "unused")
    world.run(perform(world.core, call()))
    assert [type(effect) for effect in world.effects] == [LoadTopology, FetchToken, Send, FetchToken, Send]
    assert isinstance(world.effects[3], FetchToken)
    assert world.effects[3].stale == "token-2"


def test_a_hook_cannot_send_what_the_sdk_sends_in_whatever_case() -> None:
    class Intruder(Hooks):
        def on_request_start(self, start: RequestStart) -> None:
            start.headers.update(
                {"authorization": "Bearer other", "x-request-id": "other", "Host": "other", "traceparent": "00-1-2-01"}
            )

    world = World([OK], hooks=[Intruder()], token="mine")
    world.run(perform(world.core, call()))
    headers = world.sent()[0].request.headers
    assert {name.lower(): value for name, value in headers.items() if name.lower() in ("authorization", "host")} == {
        "authorization": "Bearer mine"
    }
    assert [name for name in headers if name.lower() == "x-request-id"] == ["X-Request-Id"]
    assert headers["traceparent"] == "00-1-2-01"


def test_a_connection_that_the_deadline_cut_off_is_a_timeout() -> None:
    world = World([])
    flow = perform(world.core, call(timeout_s=10.0))
    assert isinstance(next(flow), LoadTopology)
    world.core.router.load_failed()
    sent = flow.send(None)
    assert isinstance(sent, Send)
    world.now += sent.timeout_s
    with pytest.raises(TimeoutError, match="cannot connect"):
        flow.throw(TransportFailure(FailureKind.CONNECT, "cannot connect: timed out", sent=False))
    assert world.core.router.is_out(sent.request.endpoint)
