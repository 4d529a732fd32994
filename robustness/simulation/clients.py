"""Clients: who writes and reads, retries, and remembers what was promised.

A client does one operation at a time, and an operation may take several attempts. A refusal says that nothing happened,
so the client goes on at another node. An attempt without an answer may have happened: only an operation with an
idempotency key is tried again, with the very same command, at whatever node comes next.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING

from robustness.simulation.plan import MAX_LAG_MS
from robustness.simulation.serving import COLLECTION, ReadAnswer
from themis_server.errors import ErrorCode, ThemisServerError
from themis_server.shard.refusal import Refused
from themis_server.statemachine.command import KeyReused, Mutate, Mutated, Status, Write, WriteOp, encode_command

if TYPE_CHECKING:
    from robustness.simulation.world import World

_WRITES = 0.55
"""The share of writes among operations."""
_ATTEMPTS_MAX = 8
_RETRY_US = 20_000
_DOCUMENT_BYTES_MAX = 1 << 20
_KEY_LIFE_MS = 24 * 3600 * 1000
READS = ("strong", "strong", "bounded", "eventual")


@dataclass(eq=False)
class Attempt:
    """One request to one node."""

    operation: Operation
    client: Client
    node: int
    outcome: str = "open"
    """open, then acknowledged, refused (nothing happened) or unknown."""
    read: ReadAnswer | None = None

    def __str__(self) -> str:
        return f"{self.operation}@n{self.node}"


@dataclass(eq=False)
class Operation:
    """What a client wants, and what came of it."""

    id: bytes
    kind: str
    group: int
    key: bytes
    start_us: int
    floor: int
    """The entry whose effects had been promised to somebody when the operation began."""
    session: int
    """The entry whose effects this client has seen in the group."""
    session_version: int
    """The same as a version: what the client sends along."""
    max_lag_ms: int
    command: bytes = b""
    idempotent: bool = False
    attempts: list[Attempt] = field(default_factory=list)

    def __str__(self) -> str:
        return f"{self.kind} {self.id.hex().lstrip('0')} g{self.group} k{self.key[-1]}"


class Client:
    """One client; the world calls it when its time comes."""

    def __init__(self, world: World, number: int, random: Random) -> None:
        self._world = world
        self._number = number
        self._random = random
        self._count = 0
        self._leaders: dict[int, int] = {}
        self._seen: dict[tuple[int, bytes], int] = {}
        self._session: dict[int, tuple[int, int]] = {}
        self.operations: list[Operation] = []
        self.current: Operation | None = None
        self.stopping = False

    def act_once(self, leader: int, group: int, read: str) -> None:
        """Do one write, or one read, and then nothing more (`World.one_shot`)."""
        self._leaders = dict.fromkeys(range(1, self._world.plan.shards + 1), leader)
        self._begin(writes=0.0 if read else 1.0, group=group, read=read)
        self.stopping = True

    def begin(self) -> None:
        """Start the next operation, unless the run is over."""
        if self.stopping:
            self.current = None
        else:
            self._begin(_WRITES)

    def _begin(self, writes: float, group: int = 0, read: str = "") -> None:
        random, plan = self._random, self._world.plan
        group = group or random.randrange(plan.shards) + 1
        key = random.randrange(plan.keys).to_bytes(16)
        self._count += 1
        session, session_version = self._session.get(group, (0, 0))
        operation = Operation(
            id=(self._number << 32 | self._count).to_bytes(16),
            kind="",
            group=group,
            key=key,
            start_us=self._world.now_us,
            floor=self._world.checks.chronicles[group].floor,
            session=session,
            session_version=session_version,
            max_lag_ms=random.choice(MAX_LAG_MS),
        )
        if random.random() < writes:
            self._prepare_write(operation)
        else:
            operation.kind = read or random.choice(READS)
        self.operations.append(operation)
        self.current = operation
        self._attempt(operation)

    def _prepare_write(self, operation: Operation) -> None:
        random = self._random
        seen = self._seen.get((operation.group, operation.key), 0)
        kind = operation.kind = random.choice(("put", "put", "put", "cas", "cas", "insert", "patch", "delete", "pair"))
        mark = operation.id.hex().lstrip("0")
        document = b'{"by":"%s"}' % mark.encode()
        expect = {"cas": (seen,), "insert": (0,)}.get(kind)
        op = {"patch": WriteOp.PATCH, "delete": WriteOp.DELETE}.get(kind, WriteOp.PUT)
        if kind == "patch":
            document = b'{"%s":"%s"}' % (random.choice((b"a", b"b")), mark.encode())
        writes = [Write(op, COLLECTION, operation.key, document if op != WriteOp.DELETE else b"", expect)]
        if kind == "pair":
            other = random.randrange(self._world.plan.keys).to_bytes(16)
            writes.append(Write(WriteOp.PUT, COLLECTION, other, document, None))
        operation.idempotent = random.random() < 0.6
        now_ms = self._world.unix_ms()
        command = Mutate(
            tuple(writes),
            _DOCUMENT_BYTES_MAX,
            digest=operation.id if operation.idempotent else b"",
            fingerprint=operation.id,
            expires_ms=now_ms + _KEY_LIFE_MS,
        )
        operation.command = encode_command(command)

    def _attempt(self, operation: Operation) -> None:
        nodes = self._world.nodes
        node = self._leaders.pop(operation.group, 0)
        if node not in nodes or operation.kind in ("bounded", "eventual"):
            node = self._random.choice(list(nodes))
        attempt = Attempt(operation, self, node)
        operation.attempts.append(attempt)
        self._world.note(0, "request", attempt)
        self._world.after(self._world.network.latency_us(), nodes[node].request, attempt)
        self._world.after(self._world.plan.client_timeout_us, self._time_out, attempt)

    def _time_out(self, attempt: Attempt) -> None:
        if attempt.outcome == "open":
            self.lost(attempt)

    def lost(self, attempt: Attempt) -> None:
        """The connection broke, or the answer is overdue: the request may have happened."""
        if attempt.outcome != "open":
            return
        attempt.outcome = "unknown"
        self._world.note(0, "no answer", attempt)
        operation = attempt.operation
        if operation.command and not operation.idempotent:
            self._end(operation)
        else:
            self._again(operation)

    def answered(self, attempt: Attempt, result: object) -> None:
        """An answer arrived."""
        if attempt.outcome != "open":
            return
        operation = attempt.operation
        self._world.note(0, "answer", attempt, result)
        if isinstance(result, ReadAnswer):
            attempt.outcome, attempt.read = "acknowledged", result
            self._world.checks.read_answered(self._world.now_us, operation, attempt)
            self._leaders[operation.group] = attempt.node
            self._seen[operation.group, operation.key] = result.version
            self._advance_session(operation.group, result.session)
            self._end(operation)
        elif isinstance(result, Mutated | KeyReused):
            attempt.outcome = "acknowledged"
            self._world.checks.write_acknowledged(self._world.now_us, operation, result)
            self._leaders[operation.group] = attempt.node
            self._learn(operation, result)
            self._end(operation)
        elif isinstance(result, ThemisServerError) and result.code == ErrorCode.OUTCOME_UNKNOWN:
            self.lost(attempt)
        else:
            attempt.outcome = "refused"
            self._world.checks.refused(attempt, result)
            if isinstance(result, Refused) and result.leader:
                self._leaders[operation.group] = result.leader
            self._again(operation)

    def _learn(self, operation: Operation, result: Mutated | KeyReused) -> None:
        if not isinstance(result, Mutated):
            return
        outcome = result.outcomes[0]
        self._seen[operation.group, operation.key] = outcome.version
        version = max(outcome.version for outcome in result.outcomes)
        if all(outcome.status <= Status.DELETED for outcome in result.outcomes):
            self._advance_session(operation.group, version)

    def _advance_session(self, group: int, version: int) -> None:
        if version > self._session.get(group, (0, 0))[1]:
            self._session[group] = (self._world.checks.chronicles[group].entry_of(version), version)

    def _again(self, operation: Operation) -> None:
        if len(operation.attempts) >= _ATTEMPTS_MAX or (self.stopping and not operation.command):
            self._end(operation)
        else:
            self._world.after(self._random.randrange(1, _RETRY_US), self._attempt, operation)

    def _end(self, operation: Operation) -> None:
        self.current = None
        self._world.after(int(self._random.expovariate(1 / self._world.plan.think_us)), self.begin)
