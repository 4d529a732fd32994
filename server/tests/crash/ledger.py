"""What a writer was told, and whether a server still says so: the checker of the crash tests.

Every key has one writer, which has at most one request about it under way. So after a crash an entity is in the state
of its last acknowledged write, or in that of the one write whose outcome is not known, and in nothing half.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Document = dict[str, Any]


@dataclass(frozen=True)
class State:
    """An entity: its version and document. No document: it does not exist, since `version` (0: it never did)."""

    version: int
    document: Document | None


ABSENT = State(0, None)


@dataclass(frozen=True)
class Doubt:
    """A write whose outcome is not known, and how to ask again: the request is repeated as it was, under its key."""

    document: Document | None
    idempotency_key: str


@dataclass
class Ledger:
    """What is known of the keys of one writer."""

    acknowledged: int = 0
    states: dict[str, State] = field(default_factory=dict)
    """By urn: after the last acknowledged write."""
    doubts: dict[str, Doubt] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    """What was wrong already while writing, e.g. a version that did not rise."""
    _last_version: dict[str, int] = field(default_factory=dict)

    def state(self, urn: str) -> State:
        """Return what is known of a key."""
        return self.states.get(urn, ABSENT)

    def written(self, urn: str, shard: str, version: int, document: Document | None) -> None:
        """Note an acknowledged write. Versions of a shard rise strictly, so those that one writer sees do."""
        if version <= self.state(urn).version:
            self.problems.append(f"{urn}: version {version} follows {self.state(urn).version}")
        if version <= self._last_version.get(shard, 0):
            self.problems.append(f"{shard}: version {version} of {urn} follows {self._last_version[shard]}")
        self._last_version[shard] = version
        self.acknowledged += 1
        self.states[urn] = State(version, document)

    def adopt(self, urn: str, state: State) -> None:
        """Note what became of a write in doubt."""
        self.states[urn] = state


@dataclass(frozen=True)
class Verdict:
    """What a check found."""

    lost: list[str]
    """Acknowledged writes that are not there."""
    wrong: list[str]
    """What should not be there: other contents, a deleted entity, a version that no write had, a wrong count."""

    @property
    def clean(self) -> bool:
        """Whether nothing is amiss."""
        return not self.lost and not self.wrong


def check(ledgers: Iterable[Ledger], stored: Mapping[str, State], counted: int) -> Verdict:
    """Compare what the server has, by urn, with what it acknowledged; adopt what became of writes in doubt."""
    lost: list[str] = []
    wrong: list[str] = []
    known: set[str] = set()
    for ledger in ledgers:
        wrong += ledger.problems
        for urn in {*ledger.states, *ledger.doubts}:
            known.add(urn)
            _check_key(ledger, urn, stored.get(urn, ABSENT), lost, wrong)
    wrong += [f"{urn} was never written" for urn in stored if urn not in known]
    if counted != len(stored):
        wrong.append(f"{counted} are counted, {len(stored)} are listed")
    return Verdict(lost, wrong)


def _check_key(ledger: Ledger, urn: str, found: State, lost: list[str], wrong: list[str]) -> None:
    last = ledger.state(urn)
    doubt = ledger.doubts.get(urn)
    if found == last or (found.document is None and last.document is None):
        return
    if doubt is not None and found.document == doubt.document and (found == ABSENT or found.version > last.version):
        return
    if found == ABSENT or found.version < last.version:
        lost.append(f"{urn}: {last} was acknowledged, {found} is there")
    else:
        wrong.append(f"{urn}: {last} was acknowledged, {doubt} is in doubt, {found} is there")
