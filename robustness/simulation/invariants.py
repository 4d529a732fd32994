"""What must hold after every step, and what must have held at the end.

The checks know more than any node: every entry that any replica ever applied (the chronicle of a group), every answer
that a client got, and when. From the chronicle follows what each read may have returned: a read was served from the
state after some entry, and that entry must not come before anything that had been promised when the read began.

That is linearizability of the group as a whole, which is stronger than linearizability of each key, and cheap: the
order is the log's, so nothing has to be searched for.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from robustness.simulation.model import ShardModel
from robustness.simulation.serving import ReadAnswer
from themis_server.errors import ErrorCode, ThemisServerError
from themis_server.shard.refusal import Refused
from themis_server.statemachine.command import KeyReused, Mutate, Mutated, Result, decode_entry

if TYPE_CHECKING:
    from robustness.simulation.clients import Attempt, Operation
    from robustness.simulation.node import SimulatedNode
    from themis_server.replication.driver import Driver
    from themis_server.replication.group import Group

GENESIS_INDEX = 1
"""The index before a group's first entry."""


class Violation(Exception):
    """A promise was broken. The run ends here."""

    def __init__(self, invariant: str, detail: str) -> None:
        super().__init__(f"{invariant}: {detail}")
        self.invariant = invariant
        self.detail = detail


def require(condition: bool, invariant: str, detail: object) -> None:
    """Raise `Violation` unless `condition` holds."""
    if not condition:
        raise Violation(invariant, str(detail() if callable(detail) else detail))


@dataclass
class Chronicle:
    """Everything that a group ever committed, as the first replica that applied it saw it."""

    group: int
    model: ShardModel | None
    """None for the metadata."""
    entries: list[tuple[int, bytes, list[Result]]] = field(default_factory=list)
    """(term, payload, results) from `GENESIS_INDEX` + 1 on."""
    digests: dict[int, int] = field(default_factory=dict)
    """The digest of the state after an entry."""
    places: dict[bytes, list[tuple[int, Result]]] = field(default_factory=dict)
    """Where the command of an operation stands in the log, and what it was answered; by the operation's id."""
    versions: dict[tuple[int, bytes], int] = field(default_factory=dict)
    """The last version of each key, deleted or not."""
    first_with: dict[int, int] = field(default_factory=dict)
    """The first entry after which the last version given out was this one."""
    promised_at_us: list[int] = field(default_factory=list)
    promised: list[int] = field(default_factory=list)
    """From when on clients were owed the effects of which entry; both ascending."""

    @property
    def last(self) -> int:
        """The index of the last entry that any replica applied."""
        return GENESIS_INDEX + len(self.entries)

    def entry_of(self, version: int) -> int:
        """Return the entry that gave out `version`: who has a state with it, or with a later one, has that entry."""
        return min((index for given, index in self.first_with.items() if given >= version), default=GENESIS_INDEX)

    def promise(self, at_us: int, index: int) -> None:
        """From now on every strong read must see the effects of entry `index`."""
        if not self.promised or index > self.promised[-1]:
            self.promised_at_us.append(at_us)
            self.promised.append(index)

    @property
    def floor(self) -> int:
        """What a read that begins now must include."""
        return self.promised[-1] if self.promised else GENESIS_INDEX

    def floor_at(self, at_us: float) -> int:
        """Return what had been promised at `at_us`."""
        position = bisect_right(self.promised_at_us, at_us)
        return self.promised[position - 1] if position else GENESIS_INDEX


class Checks:
    """The invariants of one run."""

    def __init__(self, groups: list[int], metadata_group: int) -> None:
        self.chronicles = {
            group: Chronicle(group, None if group == metadata_group else ShardModel()) for group in groups
        }
        self._leaders: dict[tuple[int, int], int] = {}
        self._applied: dict[tuple[int, int], int] = {}
        self._promises: dict[tuple[int, int], tuple[int, int, int]] = {}
        self.reads = self.acknowledged = self.installs = 0

    # -- replicas -----------------------------------------------------------------------------------------------
    def entry_applied(
        self, node: int, group: int, index: int, term: int, payload: bytes, results: list[Result]
    ) -> None:
        """A replica applied an entry: it must be the one that every other replica applies there."""
        key = (node, group)
        before = self._applied.get(key, GENESIS_INDEX)
        require(
            index == before + 1, "entries are applied in order", lambda: f"n{node} g{group}: {index} after {before}"
        )
        self._applied[key] = index
        chronicle = self.chronicles[group]
        if index <= chronicle.last:
            known = chronicle.entries[index - GENESIS_INDEX - 1]
            require(
                known[0] == term and known[1] == payload,
                "what is committed stays committed",
                lambda: f"n{node} g{group} applied another entry {index} (term {term}) than was applied before",
            )
            require(
                known[2] == results,
                "the same entries give the same results",
                lambda: f"n{node} g{group} entry {index}: {results} here, {known[2]} before",
            )
            return
        require(
            index == chronicle.last + 1, "entries are applied in order", lambda: f"g{group}: nobody applied {index - 1}"
        )
        chronicle.entries.append((term, payload, results))
        if payload and chronicle.model is not None:
            self._entry_of_shard(chronicle, index, payload, results)

    def _entry_of_shard(self, chronicle: Chronicle, index: int, payload: bytes, results: list[Result]) -> None:
        entry = decode_entry(payload)
        assert chronicle.model is not None
        expected = chronicle.model.apply(index, entry)
        require(
            expected == results,
            "commands do what they say",
            lambda: f"g{chronicle.group} entry {index}: {results}, and the model says {expected}",
        )
        chronicle.first_with.setdefault(chronicle.model.last_version, index)
        for command, result in zip(entry.commands, results, strict=True):
            if not isinstance(command, Mutate):
                continue
            places = chronicle.places.setdefault(command.fingerprint, [])
            places.append((index, result))
            if not isinstance(result, Mutated) or result.replayed:
                continue
            if command.digest and len(places) > 1:
                where = f"g{chronicle.group}: operation {command.fingerprint.hex()} at {places}"
                raise Violation("a retried command is applied once", where)
            for write, outcome in zip(command.writes, result.outcomes, strict=True):
                if outcome.status <= 2:
                    key = (write.collection, write.uuid)
                    before = chronicle.versions.get(key, 0)
                    if outcome.version <= before:
                        raise Violation("versions rise", f"{key}: {outcome.version} after {before}")
                    chronicle.versions[key] = outcome.version

    def machine_loaded(self, node: int, group: int, applied: int) -> None:
        """A replica begins, or goes on after a snapshot, with the state that storage has."""
        if applied > self._applied.get((node, group), GENESIS_INDEX):
            self.installs += 1
        self._applied[node, group] = applied or GENESIS_INDEX

    def installed(self, node: int, group: int) -> None:
        """A start finished the installation of a snapshot, which takes the place of the whole log.

        What the log had beyond it contradicted the snapshot's own entry (Raft refuses one that the log agrees with), so
        nobody counts on it. Usually the turn that installs says so; one that ended with a power loss could not.
        """
        term, vote, _ = self._promises.get((node, group), (0, 0, 0))
        self._promises[node, group] = (term, vote, 0)

    def group_removed(self, node: int, group: int) -> None:
        """A replica is destroyed: of its promises those in votes stay."""
        term, vote, _ = self._promises.get((node, group), (0, 0, 0))
        self._promises[node, group] = (term, vote, 0)

    def turned(self, node: SimulatedNode, driver: Driver) -> None:
        """A node finished a turn: look at every group it has."""
        for group in driver.groups.values():
            raft = group.raft
            if raft.role == "leader":
                leader = self._leaders.setdefault((group.id, raft.term), node.id)
                if leader != node.id:
                    raise Violation("one leader per term", f"g{group.id} term {raft.term}: n{leader} and n{node.id}")
            promised = group.hard_state
            self._promises[node.id, group.id] = (promised.term, promised.vote, group.last_logged)
            applied = group.machine.state.applied_index
            if applied > GENESIS_INDEX and not group.view.installs & 1:
                digest = node.state.digest(group.id)
                if digest != self.chronicles[group.id].digests.setdefault(applied, digest):
                    where = f"n{node.id} g{group.id} at entry {applied} differs from another replica"
                    raise Violation("equal states at equal indexes", where)

    def broken_off(self, node: SimulatedNode, driver: Driver) -> None:
        """The power failed in a turn, which may have cut a log that contradicts its leader's: nobody counts on that."""
        for group in driver.groups.values():
            term, vote, last = self._promises.get((node.id, group.id), (0, 0, 0))
            self._promises[node.id, group.id] = (term, vote, min(last, group.last_logged))

    def started(self, node: SimulatedNode, driver: Driver) -> None:
        """A node started from its disks: nothing that it had promised to other nodes may be forgotten."""
        for group in driver.groups.values():
            self.remembers(node.id, group)

    def remembers(self, node: int, group: Group) -> None:
        """A replica was made from the disks."""
        term, vote, last = self._promises.get((node, group.id), (0, 0, 0))
        hard_state = group.hard_state
        require(
            hard_state.term > term or (hard_state.term == term and (hard_state.vote == vote or not vote)),
            "a vote is remembered",
            lambda: f"n{node} g{group.id} had term {term} vote {vote}, has {hard_state}",
        )
        require(
            group.last_logged >= last,
            "a logged entry is remembered",
            lambda: f"n{node} g{group.id} had logged entry {last}, its log ends at {group.last_logged}",
        )

    # -- clients ------------------------------------------------------------------------------------------------
    def write_acknowledged(self, at_us: int, operation: Operation, result: Result) -> None:
        """A client was told that its write succeeded: it must be committed, with this result."""
        self.acknowledged += 1
        chronicle = self.chronicles[operation.group]
        places = chronicle.places.get(operation.id, [])
        require(bool(places), "what is acknowledged is committed", lambda: f"{operation} is in no log")
        require(
            any(_same_answer(result, committed) for _, committed in places),
            "an answer tells what happened",
            lambda: f"{operation} was told {result}, and the log says {places}",
        )
        chronicle.promise(at_us, places[0][0])

    def write_ended(self, operation: Operation) -> None:
        """A client will not try again. Checked at the end of the run: what was refused must not have happened."""
        chronicle = self.chronicles[operation.group]
        places = chronicle.places.get(operation.id, [])
        possible = sum(attempt.outcome != "refused" for attempt in operation.attempts)
        require(
            len(places) <= possible,
            "what is refused did not happen",
            lambda: f"{operation}: {[attempt.outcome for attempt in operation.attempts]}, and the log has {places}",
        )

    def read_answered(self, at_us: int, operation: Operation, attempt: Attempt) -> None:
        """A client got an answer to a read."""
        self.reads += 1
        read = attempt.read
        assert read is not None
        chronicle = self.chronicles[operation.group]
        self._read_value(chronicle, operation, operation.key, read)
        require(
            read.index >= operation.session,
            "a session sees what it saw",
            lambda: f"{operation} at n{attempt.node}: entry {read.index}, the session has seen {operation.session}",
        )
        if operation.kind == "strong":
            require(
                read.index >= operation.floor,
                "strong reads are linearizable",
                lambda: f"{operation} at n{attempt.node}: entry {read.index}, promised was {operation.floor}",
            )
            chronicle.promise(at_us, read.index)

    def _read_value(self, chronicle: Chronicle, what: object, key: bytes, read: ReadAnswer) -> None:
        assert chronicle.model is not None
        expected = chronicle.model.at((1, key), read.index)
        require(
            expected == (read.version, read.document),
            "reads return what was written",
            lambda: f"{what} after {read}, expected {expected}",
        )
        require(not read.removed, "removed replicas never serve", lambda: f"{what}: {read}")
        require(not read.torn, "half a state is never served", lambda: f"{what}: {read}")
        if read.fresh_us is not None:
            owed = chronicle.floor_at(read.fresh_us)
            require(
                read.index >= owed,
                "reads are as fresh as they say",
                lambda: f"{what}: entry {read.index}, entry {owed} was promised by {read.fresh_us / 1000:.3f} ms",
            )

    def probed(self, node: int, group: int, key: bytes, kind: str, read: ReadAnswer) -> None:
        """A node answered a read, just now and at once, in the middle of a sync."""
        chronicle = self.chronicles[group]
        what = f"{kind} read of k{key[-1]} at n{node} g{group} in a sync"
        self._read_value(chronicle, what, key, read)
        require(
            kind != "strong" or read.index >= chronicle.floor,
            "strong reads are linearizable",
            lambda: f"{what}: entry {read.index}, promised was {chronicle.floor}",
        )

    def refused(self, attempt: Attempt, why: object) -> None:
        """A node refused a request: it may not say of a session that what it saw never was."""
        require(
            isinstance(why, Refused)
            or not isinstance(why, ThemisServerError)
            or why.code != ErrorCode.SESSION_NOT_REACHED,
            "a session sees what it saw",
            lambda: f"{attempt}: {why}",
        )

    # -- the end ------------------------------------------------------------------------------------------------
    def contents(self, node: SimulatedNode, group: int) -> None:
        """Compare every entity that a replica has with the model."""
        model = self.chronicles[group].model
        if model is None:
            return
        expected = {key: (held.version, held.document) for key, held in model.entities.items()}
        found = node.entities(group)
        require(
            found == expected,
            "replicas hold what was written",
            lambda: f"n{node.id} g{group}: {sorted(set(found.items()) ^ set(expected.items()), key=str)[:3]}",
        )

    def logs_match(self, nodes: list[SimulatedNode]) -> None:
        """Compare the logs on disk: where two have an entry of the same term, all before it is the same (Raft 5.3)."""
        for group in self.chronicles:
            logs = {node.id: node.logged(group) for node in nodes}
            for one, entries in logs.items():
                for other, others in logs.items():
                    if one < other:
                        _compare_logs(group, one, entries, other, others)


def _compare_logs(
    group: int, one: int, entries: dict[int, tuple[int, bytes]], other: int, others: dict[int, tuple[int, bytes]]
) -> None:
    common = sorted(entries.keys() & others.keys(), reverse=True)
    matched = False
    for index in common:
        matched = matched or entries[index][0] == others[index][0]
        require(
            not matched or entries[index] == others[index],
            "logs match",
            lambda index=index: (
                f"g{group} entry {index} differs on n{one} and n{other}, and a later one is of one term"
            ),
        )


def _same_answer(told: Result, committed: Result) -> bool:
    if isinstance(told, Mutated) and isinstance(committed, Mutated):
        return told.outcomes == committed.outcomes
    return isinstance(told, KeyReused) and isinstance(committed, KeyReused)
