"""Each kind of step: what is sent to the adapter or done to the cluster, and what must come of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final

from themis_conformance.format.fields import Fields
from themis_conformance.format.server import read_fault, read_label
from themis_conformance.judge.reply import check_outcome, saved_values, value_of
from themis_conformance.judge.stage import Stage
from themis_conformance.judge.wire import wire_mismatches
from themis_conformance.live.cluster import LiveCluster
from themis_conformance.makers import counts_copies
from themis_conformance.matching import mismatches, subset_mismatches, tidy
from themis_conformance.matching.match import any_order_mismatches
from themis_conformance.mistake import Mistake
from themis_conformance.model import Step
from themis_conformance.outcome import CaseFailed
from themis_conformance.scripted import ScriptedCluster

__all__ = ["Walk"]

# While a condition is waited for that a call has to bring about.
_PAUSE_S: Final = 0.01


@dataclass
class _Started:
    """A call that is under way."""

    step: Step
    command_id: int
    future: asyncio.Future[dict[str, Any]]
    began: float
    ended: float = field(default=0.0)

    def note_end(self, _: asyncio.Future[dict[str, Any]]) -> None:
        self.ended = time.monotonic()


class Walk:
    """Takes the steps of a scenario, one after another."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._started: dict[str, _Started] = {}
        self._takers: dict[str, Callable[[Step], Awaitable[None]]] = {
            "call": self._call,
            "start": self._start,
            "wait": self._wait,
            "cancel": self._cancel,
            "iterate": self._iterate,
            "next": self._next,
            "drain": self._drain,
            "close_iterator": self._close_iterator,
            "create_client": self._create_client,
            "close_client": self._close_client,
            "events": self._events,
            "server": self._server,
            "cluster": self._harm,
            "until": self._until,
            "wire": self._wire,
        }

    async def take(self, step: Step) -> None:
        """Take a step; raises CaseFailed or AdapterBroken."""
        await self._takers[step.kind](step)

    async def finish(self) -> None:
        """Wait for started calls that no step has waited for."""
        for ref in list(self._started):
            started = self._started.pop(ref)
            await self._judge_started(started, started.step)

    # Calls

    async def _resolved(self, template: Any, **more: Any) -> Any:
        """Arguments with their values. Many copies are made aside: other cases go on meanwhile, and measure times."""
        if counts_copies(template):
            return await asyncio.to_thread(self._stage.variables.resolve, template, **more)
        return self._stage.variables.resolve(template, **more)

    async def _send(self, step: Step, index: int | None = None) -> _Started:
        stage = self._stage
        more = {} if index is None else {"i": index}
        args = await self._resolved(step.args, **more)
        client = stage.client(step.client, step.path)
        began = time.monotonic()
        command_id, future = stage.adapter.send("call", client=client, op=step.subject, args=args)
        started = _Started(step, command_id, future, began)
        future.add_done_callback(started.note_end)
        return started

    async def _judge_started(self, started: _Started, step: Step, index: int | None = None) -> dict[str, Any]:
        """Wait for a reply and compare it with what `step` expects."""
        reply = await started.future
        self._stage.note(reply)
        path = step.path if index is None else f"{step.path}#{index}"
        op = started.step.subject
        self._judge(step, reply, str(op), path, index)
        self._judge_time(started.step, started.ended - started.began, path)
        if step is not started.step:
            self._judge_time(step, started.ended - started.began, path)
        return reply

    def _judge(self, step: Step, reply: dict[str, Any], op: str, path: str, index: int | None = None) -> None:
        more = {} if index is None else {"i": index}
        check_outcome(step.outcome, self._stage.variables.resolve(step.expected, **more), reply, op, path)
        self._stage.variables.saved.update(saved_values(step.save, reply, path))

    def _judge_time(self, step: Step, seconds: float, path: str) -> None:
        if step.took_ms is not None:
            complaints = mismatches(
                self._stage.variables.resolve(step.took_ms), round(seconds * 1000), f"{path}.took_ms"
            )
            if complaints:
                raise CaseFailed(*complaints)

    async def _call(self, step: Step) -> None:
        if step.repeat == 1:
            await self._judge_started(await self._send(step), step)
            return
        assert isinstance(step.repeat, int)
        if step.parallel:
            started = [await self._send(step, index) for index in range(step.repeat)]
            for index, one in enumerate(started):
                await self._judge_started(one, step, index)
            return
        for index in range(step.repeat):
            await self._judge_started(await self._send(step, index), step, index)

    async def _start(self, step: Step) -> None:
        self._started[step.ref] = await self._send(step)

    async def _wait(self, step: Step) -> None:
        started = self._started.pop(step.ref)
        judged = step if step.outcome else started.step
        reply = await self._judge_started(started, judged)
        if judged is not step:
            self._judge_time(step, started.ended - started.began, step.path)
            self._stage.variables.saved.update(saved_values(step.save, reply, step.path))

    async def _cancel(self, step: Step) -> None:
        reply = await self._stage.adapter.ask("cancel", call=self._started[step.ref].command_id)
        self._stage.note(reply)
        value_of(reply, step.path)

    # Iterators

    async def _iterate(self, step: Step) -> None:
        stage = self._stage
        handle = f"i{stage.serial()}"
        client = stage.client(step.client, step.path)
        args = stage.variables.resolve(step.args)
        reply = await self._timed(step, "iterate", client=client, iterator=handle, args=args)
        if "value" in reply:
            stage.iterators[step.ref] = handle

    async def _timed(self, step: Step, do: str, **members: Any) -> dict[str, Any]:
        """Ask, and judge reply and time; without an expectation any value will do."""
        began = time.monotonic()
        reply = await self._stage.adapter.ask(do, **members)
        seconds = time.monotonic() - began
        self._stage.note(reply)
        if step.outcome:
            self._judge(step, reply, do, step.path)
        else:
            value_of(reply, step.path)
            self._stage.variables.saved.update(saved_values(step.save, reply, step.path))
        self._judge_time(step, seconds, step.path)
        return reply

    def _iterator(self, step: Step) -> str:
        handle = self._stage.iterators.get(step.ref)
        if handle is None:
            raise CaseFailed(f"{step.path}: the iterator {step.ref!r} was not made")
        return handle

    async def _next(self, step: Step) -> None:
        await self._timed(step, "next", iterator=self._iterator(step))

    async def _drain(self, step: Step) -> None:
        handle = self._iterator(step)
        began = time.monotonic()
        items: list[Any] = []
        while True:
            reply = await self._stage.adapter.ask("next", iterator=handle)
            self._stage.note(reply)
            if "value" not in reply:
                break
            value = tidy(reply["value"])
            if value == {"end": True}:
                reply = {"value": {"items": items}}
                break
            if not isinstance(value, dict) or set(value) != {"item"}:
                raise CaseFailed(f"{step.path}: the reply to next is neither an item nor the end: {value!r}")
            items.append(value["item"])
        self._judge(step, reply, "drain", step.path)
        self._judge_time(step, time.monotonic() - began, step.path)

    async def _close_iterator(self, step: Step) -> None:
        await self._timed(step, "closeIterator", iterator=self._iterator(step))

    # Clients and hooks

    async def _create_client(self, step: Step) -> None:
        reply = await self._stage.create_client(step.subject, step.args, step.path)
        if step.outcome:
            self._judge(step, reply, "createClient", step.path)
        else:
            value_of(reply, step.path)

    async def _close_client(self, step: Step) -> None:
        began = time.monotonic()
        await self._stage.close_client(self._stage.client(step.client, step.path), step.path)
        self._judge_time(step, time.monotonic() - began, step.path)

    async def _events(self, step: Step) -> None:
        stage = self._stage
        reply = await stage.adapter.ask("events", client=stage.client(step.client, step.path))
        value = value_of(reply, step.path)
        stage.texts.append(str(value))
        events = value.get("events") if isinstance(value, dict) else None
        expected = stage.variables.resolve(step.subject)
        actual = tidy(events)
        path = f"{step.path}.events"
        if isinstance(expected, dict) and set(expected) == {"$$any_order"}:
            complaints = any_order_mismatches(expected["$$any_order"], actual, path, subset_mismatches)
        elif isinstance(expected, dict):
            complaints = mismatches(expected, actual, path)
        else:
            complaints = _in_order(expected, actual, path)
        if complaints:
            raise CaseFailed(*complaints, f"{path}: they were {actual}")

    # The cluster

    def _cluster(self, step: Step) -> ScriptedCluster:
        if self._stage.cluster is None:
            raise CaseFailed(f"{step.path}: only a scripted cluster can do that")
        return self._stage.cluster

    async def _server(self, step: Step) -> None:
        cluster = self._cluster(step)
        change = Fields(self._stage.variables.resolve(step.subject), step.path)
        nodes = len(cluster.urls)
        try:
            for verb in list(change.raw):
                await _change(cluster, verb, change.take(verb), nodes, change.at(verb))
        except (Mistake, KeyError, IndexError, TypeError) as error:
            raise CaseFailed(f"{step.path}: the cluster cannot be changed so: {error!r}") from error

    async def _harm(self, step: Step) -> None:
        harmed = self._stage.harmed
        if harmed is None:
            raise CaseFailed(f"{step.path}: only a real cluster can be harmed")
        ((action, value),) = self._stage.variables.resolve(step.subject).items()
        if action == "settle":
            await harmed.settle()
        elif action == "lead":
            await harmed.lead(value["shard"], await self._node(harmed, value["node"]))
        else:
            await harmed.act(action, await self._node(harmed, value))

    @staticmethod
    async def _node(harmed: LiveCluster, named: Any) -> int:
        if isinstance(named, dict):
            return await harmed.leader_of(named["leader_of"])
        number: int = named
        return number

    async def _wire(self, step: Step) -> None:
        if self._stage.cluster is None:
            return  # nobody writes down what a real server is asked
        assert step.wire is not None
        complaints = wire_mismatches(step.wire, self._stage.cluster, self._stage.variables)
        if complaints:
            raise CaseFailed(*complaints)

    async def _until(self, step: Step) -> None:
        # Without a log to look at, a call alone can be waited for on what is real, too.
        cluster = self._cluster(step) if step.wire is not None or step.call is None else None
        deadline = time.monotonic() + step.within_ms / 1000
        while True:
            complaints: list[str] = []
            if step.call is not None:
                complaints += await self._try(step.call)
            if step.wire is not None and cluster is not None:
                complaints += wire_mismatches(step.wire, cluster, self._stage.variables)
            if not complaints:
                return
            left = deadline - time.monotonic()
            if left <= 0:
                raise CaseFailed(f"{step.path}: it did not come about within {step.within_ms} ms", *complaints)
            if step.call is None and cluster is not None:
                await cluster.log.wait_for_news(left)
            else:
                await asyncio.sleep(_PAUSE_S)

    async def _try(self, call: Step) -> list[str]:
        try:
            await self._judge_started(await self._send(call), call)
        except CaseFailed as failed:
            return failed.complaints
        return []


def _in_order(expected: Any, actual: Any, path: str) -> list[str]:
    if not isinstance(actual, list):
        return [f"{path} is {actual!r}; expected a list"]
    found: list[str] = []
    if len(expected) != len(actual):
        found.append(f"{path}: there were {len(actual)} events; expected {len(expected)}")
    for index, (wanted, event) in enumerate(zip(expected, actual, strict=False)):
        found += subset_mismatches(tidy(wanted), event, f"{path}[{index}]")
    return found


async def _change(cluster: ScriptedCluster, verb: str, value: Any, nodes: int, path: str) -> None:
    numbers = value if isinstance(value, list) else [value]
    if verb == "stop":
        for number in numbers:
            await cluster.stop_node(number)
    elif verb == "start":
        for number in numbers:
            cluster.start_node(number)
    elif verb == "epoch":
        cluster.set_epoch(value)
    elif verb == "answer_epoch":
        cluster.set_answer_epoch(value)
    elif verb == "lead":
        for lead in numbers:
            cluster.lead(lead["shard"], lead["node"])
    elif verb == "claim":
        for claim in numbers:
            term = cluster.term_of(claim["shard"]) + claim.get("ahead", 0)
            cluster.claim(claim["node"], claim["shard"], claim["leader"], term)
    elif verb == "label":
        for label in numbers:
            number = label["node"]
            said = {name: value for name, value in label.items() if name != "node"}
            cluster.label(number, read_label(said, cluster.label_of(number), path))
    elif verb == "hold":
        for number in numbers:
            cluster.hold(number)
    elif verb == "release":
        for number in numbers:
            cluster.release(number)
    elif verb == "drop_connections":
        await cluster.drop_connections()
    elif verb == "tokens":
        cluster.set_tokens(None if value is None else tuple(value))
    elif verb == "fault":
        for fault in numbers:
            cluster.add_fault(read_fault(fault, path, nodes))
    else:
        cluster.clear_faults()
