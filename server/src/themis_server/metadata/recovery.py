"""What is decided when the majority of a group's voters is lost for good: from what the survivors have to a plan. Pure.

    survivors, all stopped --> Survey, one each --+
    names of those that are lost -----------------+--> make --> Plan --> applied on each survivor, then they start

A group that has a majority among the survivors is left as it is. Of one that has not, the most advanced log among the
survivors becomes the only one, whole: what was acknowledged can be missing there only if this replica took no part in
acknowledging it. The others' copies are discarded and made anew from it. The metadata is such a group as well: if it is
lost, the lost nodes are taken out of the topology by the plan itself, as `transitions.remove` would have; if it is not
(or is in etcd), they have to be taken out before, where a majority decides it.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from typing import Final, Literal, TypeAlias, TypeVar

import msgspec
from msgspec.structs import replace

from themis_server.metadata.topology import ReplicaPlace, Shard, Topology
from themis_server.statemachine.meta import GROUP

FORMAT: Final = 1
EPOCHS_SKIPPED: Final = 1000
"""The lost majority may have made changes of the topology that no survivor has seen."""
TERMS_SKIPPED: Final = 1000
"""Likewise with elections: what was sent in any term of before is refused."""
IDS_SKIPPED: Final = 1000
"""Of collections: one may have been made that no survivor knows of, and its data may be there."""
METADATA: Final = "metadata"

Action: TypeAlias = Literal["kept", "rebuilt", "empty"]


class RecoveryRefused(Exception):
    """It must not be done, or cannot; nothing was changed. The message says why, and what to do."""


class Configuration(msgspec.Struct, frozen=True):
    """A membership that is in force, or may come into force: raft ids; joint while `outgoing` is not empty."""

    voters: tuple[int, ...]
    outgoing: tuple[int, ...] = ()
    learners: tuple[int, ...] = ()

    @property
    def members(self) -> frozenset[int]:
        """Everybody in it."""
        return frozenset((*self.voters, *self.outgoing, *self.learners))

    def has_majority(self, among: Collection[int]) -> bool:
        """Tell whether these nodes can decide by themselves."""
        halves = [half for half in (self.voters, self.outgoing) if half]
        return all(2 * sum(voter in among for voter in half) > len(half) for half in halves)


class Copy(msgspec.Struct, frozen=True):
    """What a node has of a group.

    Args:
        group: Its number.
        term: The term of its hard state.
        commit: How far it knows the log to be committed.
        applied: How far its state goes.
        last_index: Where its log ends.
        last_term: The term of the last entry.
        last_version: The greatest version in it, at the end of its log.
        configurations: The membership as of `applied`, and what each change after it in the log makes of it.
    """

    group: int
    term: int
    commit: int
    applied: int
    last_index: int
    last_term: int
    last_version: int
    configurations: tuple[Configuration, ...]


class Survey(msgspec.Struct, frozen=True, kw_only=True):
    """What the directory of a stopped node has. `topology` is the newest that it knows, the end of its log included."""

    format: int = FORMAT
    cluster: str
    node_id: str
    raft_id: int
    instance: str
    topology: Topology
    groups: tuple[Copy, ...]

    @property
    def fingerprint(self) -> str:
        """What tells it from any other survey, 32 hex digits."""
        return _digest(self)


class GroupPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of a group.

    Args:
        group: Its number.
        name: The shard, or `metadata`.
        action: kept as it is; rebuilt from one copy; empty: begun anew without any data.
        node: Whose copy it goes on with; of one that is kept, empty.
        voters: Who voted.
        gone: Those of them that do not vote any more: their nodes are lost, or have lost their replicas.
        discarded: Survivors whose copies are removed; they get the group anew.
        term: In which it goes on.
        last_index: Where the log ends that it goes on with.
        last_term: The term of the entry there.
        last_version: The greatest version there.
        undecided: How many entries at the end of the log are not known to have been committed. They are kept.
        missing: What may be lost, for people.
    """

    group: int
    name: str
    action: Action
    node: str = ""
    voters: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    discarded: tuple[str, ...] = ()
    term: int = 0
    last_index: int = 0
    last_term: int = 0
    last_version: int = 0
    undecided: int = 0
    missing: str = ""


class Survivor(msgspec.Struct, frozen=True):
    """A node that goes on, in the state that was surveyed."""

    node_id: str
    instance: str
    surveyed: str


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be done on all survivors, and on them as they were surveyed only.

    `topology` is the one to go on with; None: the metadata is not lost, and has it. `plan_id` follows from the rest.
    """

    format: int = FORMAT
    plan_id: str = ""
    cluster: str
    lost: tuple[str, ...]
    survivors: tuple[Survivor, ...]
    groups: tuple[GroupPlan, ...]
    topology: Topology | None

    def check(self) -> None:
        """Raise `RecoveryRefused` if it is not as it was made."""
        if self != sealed(self):
            raise RecoveryRefused("the plan is damaged, or was changed after it was made: make it again")

    def survivor(self, node_id: str) -> Survivor | None:
        """Return a survivor by its name."""
        return next((survivor for survivor in self.survivors if survivor.node_id == node_id), None)


_Document = TypeVar("_Document", Survey, Plan)


def encode(document: Survey | Plan) -> bytes:
    """Return a survey or a plan as it is put into a file: JSON."""
    return msgspec.json.format(msgspec.json.encode(document), indent=1) + b"\n"


def decode(data: bytes, kind: type[_Document], what: str) -> _Document:
    """Return what is in a file; `what` names it in the `RecoveryRefused` that is raised if it is something else."""
    name = kind.__name__.lower()
    try:
        document = msgspec.json.decode(data, type=kind)
    except msgspec.MsgspecError as error:
        raise RecoveryRefused(f"{what} is no {name}: {error}") from error
    if document.format != FORMAT:
        raise RecoveryRefused(f"{what} is a {name} of format {document.format}; this release knows {FORMAT}")
    return document


def make(surveys: Sequence[Survey], lost: Collection[str], accept_empty: Collection[str] = ()) -> Plan:
    """Decide what becomes of each group.

    Args:
        surveys: One of each survivor.
        lost: The nodes whose directories are gone for good.
        accept_empty: The shards that may begin without data, because no survivor has a copy.

    Raises:
        RecoveryRefused: the surveys do not fit together or with `lost`, a group has no copy, or nothing is to be done.
    """
    _check_surveys(surveys, lost)
    embedded = any(survey.topology.metadata for survey in surveys)
    metadata = _Standing(GROUP, surveys) if embedded else None
    if metadata is not None and metadata.best is None:
        raise RecoveryRefused(
            "none of the survivors has a copy of the metadata, which says what there is: nothing can be recovered"
        )
    metadata_lost = metadata is not None and not metadata.has_majority
    if metadata is not None and metadata.best is not None:
        base = metadata.best[0].topology
    else:
        base = max((survey.topology for survey in surveys), key=lambda topology: topology.epoch)
    _check_members(base, surveys, lost, metadata_lost=metadata_lost)

    decided = _Decided(base, surveys)
    if metadata is not None:
        decided.group(METADATA, metadata, accept_empty=False)
    for shard in base.shards:
        decided.group(shard.shard_id, _Standing(shard.group, surveys), accept_empty=shard.shard_id in accept_empty)
    decided.check(accept_empty)
    plan = Plan(
        cluster=base.cluster,
        lost=tuple(sorted(lost)),
        survivors=tuple(
            Survivor(survey.node_id, survey.instance, survey.fingerprint)
            for survey in sorted(surveys, key=lambda survey: survey.node_id)
        ),
        groups=tuple(decided.groups),
        topology=_following(base, surveys, lost, decided.groups) if metadata_lost else None,
    )
    return sealed(plan)


def sealed(plan: Plan) -> Plan:
    """Return a plan with the id that follows from what is in it."""
    return replace(plan, plan_id=_digest(replace(plan, plan_id="")))


class _Standing:
    """What the survivors have of one group."""

    def __init__(self, group: int, surveys: Sequence[Survey]) -> None:
        self.group = group
        self.copies = [(survey, copy) for survey in surveys for copy in survey.groups if copy.group == group]
        # A replica that was taken out of its group and has not been destroyed yet lacks what came after.
        able = [(survey, copy) for survey, copy in self.copies if survey.raft_id in copy.configurations[-1].members]
        self.furthest = max(((copy.last_term, copy.last_index) for _, copy in able), default=(0, 0))
        self.equals = [(s, copy) for s, copy in able if (copy.last_term, copy.last_index) == self.furthest]
        self._able = {survey.raft_id for survey, _ in able}

    @property
    def best(self) -> tuple[Survey, Copy] | None:
        """One of the most advanced copies."""
        return self.equals[0] if self.equals else None

    @property
    def has_majority(self) -> bool:
        """Whether the survivors decide in every membership that is in force, or may come into force by their logs."""
        return self.best is not None and all(known.has_majority(self._able) for known in self.best[1].configurations)

    @property
    def committed(self) -> int:
        """How far any survivor knows the log to be committed."""
        return max((copy.commit for _, copy in self.copies), default=0)

    def votes(self, raft_id: int) -> bool:
        """Tell whether a node has a copy that counts."""
        return raft_id in self._able


class _Decided:
    """The plans of the groups, as they are made."""

    def __init__(self, base: Topology, surveys: Sequence[Survey]) -> None:
        self.groups: list[GroupPlan] = []
        self._base = base
        self._surveys = surveys
        self._names = {node.raft_id: node.node_id for survey in surveys for node in survey.topology.nodes}
        self._chosen: Counter[str] = Counter()
        self._beyond: list[str] = []

    def group(self, name: str, standing: _Standing, *, accept_empty: bool) -> None:
        """Decide about one."""
        shard = self._base.shard(name)
        desired = self._base.metadata if shard is None else shard.replicas
        wanted = frozenset(place.node_id for place in desired if place.role == "voter")
        if standing.best is None:
            if not accept_empty:
                self._beyond.append(name)
                return
            self._begin_empty(name, standing, wanted)
            return
        last = standing.best[1].configurations[-1]
        voters = sorted({*last.voters, *last.outgoing})
        gone = [self._name(voter) for voter in voters if not standing.votes(voter)]
        known = GroupPlan(
            group=standing.group,
            name=name,
            action="kept",
            voters=tuple(self._name(voter) for voter in voters),
            gone=tuple(gone),
        )
        if standing.has_majority:
            self.groups.append(known)
            return
        survey, copy = min(
            standing.equals,
            key=lambda able: (able[0].node_id not in wanted, self._chosen[able[0].node_id], able[0].node_id),
        )
        self._chosen[survey.node_id] += 1
        missing = f"what {' and '.join(gone)} acknowledged without {survey.node_id}"
        if survey.node_id not in {place.node_id for place in desired}:
            missing += ", whose copy may be old: it was to be removed"
        self.groups.append(
            replace(
                known,
                action="rebuilt",
                node=survey.node_id,
                discarded=tuple(sorted(other.node_id for other, _ in standing.copies if other is not survey)),
                term=max(other.term for _, other in standing.copies) + TERMS_SKIPPED,
                last_index=copy.last_index,
                last_term=copy.last_term,
                last_version=copy.last_version,
                undecided=max(0, copy.last_index - standing.committed),
                missing=missing,
            )
        )

    def _begin_empty(self, name: str, standing: _Standing, wanted: frozenset[str]) -> None:
        able = [
            node.node_id
            for node in self._base.nodes
            if node.kind == "data" and any(survey.node_id == node.node_id for survey in self._surveys)
        ]
        if not able:
            raise RecoveryRefused(f"{name} cannot begin anew: no survivor may hold voters")
        node_id = min(able, key=lambda able: (able not in wanted, self._chosen[able], able))
        self._chosen[node_id] += 1
        self.groups.append(
            GroupPlan(
                group=standing.group,
                name=name,
                action="empty",
                node=node_id,
                voters=tuple(sorted(wanted)),
                gone=tuple(sorted(wanted)),
                discarded=tuple(sorted(survey.node_id for survey, _ in standing.copies)),
                term=max((copy.term for _, copy in standing.copies), default=1) + TERMS_SKIPPED,
                missing="everything",
            )
        )

    def check(self, accept_empty: Collection[str]) -> None:
        """Raise `RecoveryRefused` if this cannot be a plan."""
        if self._beyond:
            names = ",".join(self._beyond)
            raise RecoveryRefused(
                f"no survivor has a copy of {', '.join(self._beyond)}: look for another disk; to go on without any of "
                f"the data in there, say --accept-empty-shards {names}"
            )
        unneeded = set(accept_empty) - {plan.name for plan in self.groups if plan.action == "empty"}
        if unneeded:
            raise RecoveryRefused(f"{', '.join(sorted(unneeded))} need not begin empty, or does not exist")
        if all(plan.action == "kept" for plan in self.groups):
            raise RecoveryRefused(
                "every group has a majority among the survivors: there is nothing to recover. Start them; a node that "
                "is lost is taken out with `themis-admin remove-node --force`"
            )

    def _name(self, raft_id: int) -> str:
        return self._names.get(raft_id, f"a removed node ({raft_id:016x})")


def _check_surveys(surveys: Sequence[Survey], lost: Collection[str]) -> None:
    if not surveys:
        raise RecoveryRefused("a plan needs a survey of each survivor")
    clusters = sorted({survey.cluster for survey in surveys} | {survey.topology.cluster for survey in surveys})
    if len({(survey.cluster, survey.topology.cluster) for survey in surveys}) > 1:
        raise RecoveryRefused(f"the surveys are of different clusters: {', '.join(clusters)}")
    for node_id, times in Counter(survey.node_id for survey in surveys).items():
        if times > 1:
            raise RecoveryRefused(f"there are {times} surveys of {node_id}")
        if node_id in lost:
            raise RecoveryRefused(f"{node_id} is called lost, and there is a survey of it")


def _check_members(base: Topology, surveys: Sequence[Survey], lost: Collection[str], *, metadata_lost: bool) -> None:
    surveyed = {survey.node_id for survey in surveys}
    for survey in surveys:
        known = base.node(survey.node_id)
        if known is None or known.instance not in ("", survey.instance) or survey.instance in base.removed:
            raise RecoveryRefused(
                f"{survey.node_id}, with this data directory, is no node of the cluster as of epoch {base.epoch}: "
                "leave its survey out, and let it join anew on an empty directory afterwards"
            )
    unknown = sorted(set(lost) - {node.node_id for node in base.nodes})
    if metadata_lost:
        if unknown:
            raise RecoveryRefused(f"the cluster has no node {', '.join(unknown)}")
    else:
        still = sorted(set(lost) - set(unknown))
        if still:
            raise RecoveryRefused(
                f"the metadata is not lost, and still has {', '.join(still)}: start the survivors, take the lost nodes "
                "out with `themis-admin remove-node --force`, stop the survivors, and survey them again"
            )
        behind = sorted(
            survey.node_id
            for survey in surveys
            if any(node.node_id in lost or base.node(node.node_id) is None for node in survey.topology.nodes)
        )
        if behind:
            raise RecoveryRefused(
                f"{', '.join(behind)} has not seen yet that the lost nodes were removed: start it until it has epoch "
                f"{base.epoch}, stop it, and survey it again"
            )
    forgotten = sorted(node.node_id for node in base.nodes if node.node_id not in surveyed and node.node_id not in lost)
    if forgotten:
        raise RecoveryRefused(
            f"{', '.join(forgotten)} is neither surveyed nor called lost: a node that is left out here would go on "
            "with what the plan discards"
        )


def _following(
    base: Topology, surveys: Sequence[Survey], lost: Collection[str], groups: Iterable[GroupPlan]
) -> Topology:
    """Return the topology to go on with: without the lost nodes, each recovered group on the node that has it."""
    epoch = max(survey.topology.epoch for survey in surveys) + EPOCHS_SKIPPED
    by_number = {plan.group: plan for plan in groups}
    survivors = [node for node in base.nodes if node.node_id not in lost]

    def shard(known: Shard) -> Shard:
        places = _places(known.replicas, lost, by_number[known.group])
        return (
            known if places == known.replicas else replace(known, replicas=places, since=epoch, before=(), replacing="")
        )

    metadata = by_number[GROUP].node
    return replace(
        base,
        epoch=epoch,
        nodes=tuple(survivors),
        shards=tuple(shard(known) for known in base.shards),
        removed=(*base.removed, *(node.instance for node in base.nodes if node.node_id in lost and node.instance)),
        metadata=tuple(
            ReplicaPlace(node.node_id, "voter" if node.node_id == metadata else "learner") for node in survivors
        ),
        metadata_since=epoch,
    )


def _places(replicas: Iterable[ReplicaPlace], lost: Collection[str], plan: GroupPlan) -> tuple[ReplicaPlace, ...]:
    left = [place for place in replicas if place.node_id not in lost]
    if plan.action != "kept":
        left = [ReplicaPlace(plan.node, "voter"), *(place for place in left if place.node_id != plan.node)]
    elif not any(place.role == "voter" for place in left):
        staying = [name for name in plan.voters if name not in plan.gone]
        left = [ReplicaPlace(name, "voter") for name in staying]
    return tuple(left)


def _digest(document: Survey | Plan) -> str:
    return hashlib.blake2b(msgspec.json.encode(document), digest_size=16).hexdigest()
