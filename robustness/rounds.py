"""One round: load, a fault under it, its end, and the verdicts. Every round has keys and collections of its own."""

from __future__ import annotations

import asyncio
import contextlib
import random
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from robustness.checkers import (
    Result,
    Verdict,
    bank,
    linearizability,
    load,
    logs,
    replicas,
    sessions,
    sets,
    staleness,
    versions,
    worst,
)
from robustness.checkers.bank import Bank
from robustness.cluster import Cluster, Node
from robustness.faults import Fault, Stage, blocking
from robustness.history import Operation, Recorder, now
from robustness.survey import SurveyFailed, listed, listing, when_quiet
from robustness.timeline import Band, Timeline
from robustness.workloads import loads
from robustness.workloads.callers import Caller, RawCaller, SdkCaller
from robustness.workloads.client import VALUE, Client
from robustness.workloads.keys import KeyRing
from themis.placement import TokenTable

RECOVERY: Final = "recovery"
_SETTLE_TIMEOUT_S: Final = 60.0
_QUIET_TIMEOUT_S: Final = 30.0
_DRAIN_TIMEOUT_S: Final = 30.0
_REGISTER_CLIENTS: Final = 5
_REGISTER_KEYS: Final = 10
_PROBE_CLIENT: Final = 900
_LAST_CLIENT: Final = 990
_PROBE_TIMEOUT_S: Final = 20.0
_MINIMUM: Final = load.Minimum()


@dataclass(frozen=True)
class Pace:
    """How long the parts of a round take, in seconds, and the least load it must have."""

    warm_s: float = 2.0
    hold_s: float = 6.0
    recover_s: float = 4.0
    pause_s: float = loads.PAUSE_S
    minimum: load.Minimum = _MINIMUM

    @classmethod
    def within(cls, seconds: float, pause_s: float = loads.PAUSE_S) -> Pace:
        """Divide the time of one round."""
        return cls(max(1.0, seconds * 0.15), max(2.0, seconds * 0.5), max(2.0, seconds * 0.35), pause_s)


class Round(msgspec.Struct):
    """What came of a round.

    Attributes:
        fault: Its name.
        begun: When the load began, in ns.
        ended: When it ended.
        outcomes: How many operations were ok, conflict, refused, unknown.
        codes: Why operations were refused or unknown, and how often.
        gaps_s: By shard, the longest time without an acknowledged write.
        verdicts: What the checkers said.
        notes: What the fault did.
    """

    fault: str
    begun: int
    ended: int
    outcomes: dict[str, int]
    codes: dict[str, int]
    gaps_s: dict[str, float]
    verdicts: list[Verdict]
    notes: list[str]

    @property
    def result(self) -> Result:
        """The worst verdict."""
        return worst(self.verdicts)

    @property
    def operations(self) -> int:
        """How many there were."""
        return sum(self.outcomes.values())


class Load:
    """The clients of one round."""

    def __init__(self, cluster: Cluster, table: TokenTable, recorder: Recorder, name: str, seed: str, pause_s: float):
        """Make the clients; `start` lets them go."""
        self.collections = {kind: _collection(name, kind) for kind in ("register", "inserts", "bank", "session")}
        self.shared = loads.Shared(asyncio.Event(), pause_s)
        self._cluster = cluster
        self._table = table
        self._recorder = recorder
        self._seed = seed
        self._clients: list[Client] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._probes = 0
        self.register_ring = KeyRing(_REGISTER_KEYS, self._chance("register"), table)
        self._rings = {kind: KeyRing(8, self._chance(kind), table) for kind in ("inserts", "bank", "session")}

    def _chance(self, what: object) -> random.Random:
        return random.Random(f"{self._seed}-{what}")

    def _client(self, number: int, kind: str, caller: Caller) -> Client:
        made = Client(number, caller, self._recorder, self._table, self.collections[kind])
        self._clients.append(made)
        return made

    def _raw(self, number: int, *, pinned: Node | None = None) -> RawCaller:
        endpoints = list(self._cluster.endpoints)
        start = number % len(endpoints)
        order = [pinned.endpoint] if pinned is not None else endpoints[start:] + endpoints[:start]
        if pinned is not None:
            return RawCaller(order, self._chance(number), timeout_s=_PROBE_TIMEOUT_S, pinned=True)
        return RawCaller(order, self._chance(number))

    def start(self) -> None:
        """Let the clients go."""
        shared = self.shared
        work: list[Coroutine[Any, Any, None]] = []
        for number in range(_REGISTER_CLIENTS):
            caller: Caller = SdkCaller(self._cluster.endpoints) if number % 2 == 0 else self._raw(number)
            client = self._client(number, "register", caller)
            work.append(loads.register(client, self.register_ring, self._chance(f"r{number}"), shared))
        for number in (10, 11):
            caller = SdkCaller(self._cluster.endpoints) if number % 2 == 0 else self._raw(number)
            client = self._client(number, "inserts", caller)
            work.append(loads.inserts(client, self._rings["inserts"], self._chance(f"i{number}"), shared))
        for number in (20, 21):
            caller = SdkCaller(self._cluster.endpoints) if number % 2 == 0 else self._raw(number)
            client = self._client(number, "bank", caller)
            work.append(loads.bank(client, self._rings["bank"], self._chance(f"b{number}"), shared))
        for number in (30, 31):
            client = self._client(number, "session", self._raw(number))
            work.append(loads.session(client, self._rings["session"], self._chance(f"s{number}"), shared))
        client = self._client(40, "session", self._raw(40))
        work.append(loads.bounded(client, self._rings["session"], self._chance("l40"), shared))
        self._tasks = [asyncio.create_task(each) for each in work]

    def probe(self, node: Node) -> None:
        """Begin to read some keys in use from one node, and from no other."""
        for key in self.register_ring.keys[:_REGISTER_KEYS]:
            self._probes += 1
            client = self._client(_PROBE_CLIENT + self._probes, "register", self._raw(0, pinned=node))
            self._tasks.append(asyncio.create_task(_one_read(client, key)))

    async def finish(self) -> list[str]:
        """Tell the clients to stop and wait for them; returns what went wrong with a client itself."""
        self.shared.stop.set()
        done, late = await asyncio.wait(self._tasks, timeout=_DRAIN_TIMEOUT_S)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late)
        problems = [f"{len(late)} clients did not end"] if late else []
        problems += [f"a client failed: {task.exception()!r}" for task in done if task.exception() is not None]
        return problems

    async def read_last(self, operations: Sequence[Operation]) -> dict[str, Bank]:
        """Read every register and bank once more, and return the banks."""
        client = self._client(_LAST_CLIENT, "register", self._raw(0))
        for key in sorted({each.key for each in operations if each.client < 10}):
            await client.read(key)
        teller = self._client(_LAST_CLIENT + 1, "bank", self._raw(0))
        found: dict[str, Bank] = {}
        for key in self.shared.banks:
            _, document = await teller.read(key)
            if document is not None:
                found[key] = msgspec.convert({k: v for k, v in document.items() if k != VALUE}, Bank)
        return found

    async def close(self) -> None:
        """Close all connections."""
        for client in self._clients:
            with contextlib.suppress(Exception):
                await client.close()


async def _one_read(client: Client, key: str) -> None:
    await client.read(key)


def _collection(name: str, kind: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.-]", "-", f"{name}-{kind}")[:63]


async def run(
    fault: Fault,
    stage: Stage,
    recorder: Recorder,
    timeline: Timeline,
    pace: Pace,
    name: str,
    say: Callable[[str], None] = lambda text: None,
) -> Round:
    """Let one fault happen under load, and judge.

    Args:
        fault: What goes wrong.
        stage: What it happens to.
        recorder: Takes the operations, under `name`.
        timeline: Takes the fault's beginning and end.
        pace: How long the parts last.
        name: The round's, unique in the run.
        say: Is told what happens, in a few words.

    Returns:
        The verdicts. A cluster that does not come back is one: `recovery` fails.
    """
    recorder.round = name
    cluster = stage.cluster
    table = await blocking(cluster.table)
    work = Load(cluster, table, recorder, name, f"{stage.chance.random()}", pace.pause_s)
    stage.probe = work.probe
    stage.notes.clear()
    stage.victims.clear()
    logged = {node.id: node.log_size for node in cluster.nodes.values()}
    begun = now()
    work.start()
    problems: list[str] = []
    try:
        say("warming up")
        await asyncio.sleep(pace.warm_s)
        band = Band(fault.name, now(), 0, 0)
        timeline.bands.append(band)
        say(fault.about)
        problems += await _attempt("it could not be done", fault.start(stage))
        if not problems:
            await asyncio.sleep(pace.hold_s if fault.hold_s is None else fault.hold_s)
        band.healed = now()
        say("taken back")
        problems += await _attempt("it could not be taken back", fault.stop(stage))
        problems += await _attempt("the cluster did not come back", blocking(cluster.wait_settled, _SETTLE_TIMEOUT_S))
        band.ended = now()
        band.notes = list(stage.notes)
        await asyncio.sleep(pace.recover_s)
        problems += await work.finish()
        ended = now()
        say("checking")
        operations = recorder.of_round(name)
        verdicts = await _judge(work, cluster, recorder, name, (ended - begun) / 1e9, pace)
    finally:
        work.shared.stop.set()
        await work.close()
        cluster.save()
    said = {node.id: node.said(logged[node.id]) for node in cluster.nodes.values()}
    verdicts.append(logs.check(said, fault.expected_errors))
    verdicts.insert(0, Verdict(RECOVERY, "fail" if problems else "pass", tuple(problems), 1))
    return Round(
        fault.name,
        begun,
        ended,
        dict(Counter(each.standing for each in operations)),
        dict(Counter(each.code for each in operations if each.standing in ("refused", "unknown")).most_common(12)),
        dict(load.longest_gaps(operations, begun, ended)),
        verdicts,
        [note for note in stage.notes if note],
    )


async def _attempt(what: str, work: Awaitable[object]) -> list[str]:
    """Carry out a step; what it raises is a finding about the cluster, not an end of the run."""
    try:
        await work
    except Exception as error:
        return [f"{what}: {type(error).__name__}: {error}"[:600]]
    return []


async def _judge(
    work: Load, cluster: Cluster, recorder: Recorder, name: str, took_s: float, pace: Pace
) -> list[Verdict]:
    during = recorder.of_round(name)
    last = await work.read_last(during)
    operations = recorder.of_round(name)
    of = {
        "register": [each for each in operations if each.client < 10 or each.client >= _PROBE_CLIENT],
        "inserts": [each for each in operations if 10 <= each.client < 20],
        "bank": [each for each in operations if 20 <= each.client < 30 or each.client == _LAST_CLIENT + 1],
        "session": [each for each in operations if 30 <= each.client < 50],
    }
    verdicts = [
        load.check(during, took_s, pace.minimum),
        await blocking(linearizability.check, operations),
        versions.check(operations),
        bank.check(of["bank"], work.shared.banks, last),
        sessions.check(of["session"]),
        staleness.check(of["session"]),
    ]
    endpoints = {node.id: node.endpoint for node in cluster.nodes.values()}
    try:
        inserted = await listing(cluster.endpoints[0], work.collections["inserts"], "strong")
        verdicts.append(sets.check(of["inserts"], listed(inserted)))
        by_node = await when_quiet(endpoints, list(work.collections.values()), _QUIET_TIMEOUT_S)
        verdicts.append(replicas.check(by_node, nodes_min=min(2, len(endpoints))))
    except SurveyFailed as failure:
        verdicts.append(Verdict("survey", "fail", (str(failure),), 0))
    return verdicts
