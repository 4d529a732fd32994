"""Which cases are run, by whom, how often."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from themis_conformance.adapter import Hello
from themis_conformance.model import Case, ProtocolCase, ScenarioCase, VectorCase

__all__ = ["Job", "filtered", "jobs_for_adapter", "jobs_for_server"]


@dataclass(frozen=True)
class Job:
    """One run of a case. `skipped` says why it is not run after all."""

    case: Case
    mode: str = ""
    live: bool = False
    skipped: str = ""

    @property
    def harms(self) -> bool:
        """Whether it does something to the nodes of a real cluster, and so must run alone."""
        return isinstance(self.case, ScenarioCase) and self.case.on == "cluster"

    @property
    def case_id(self) -> str:
        """The name of the case, with @live if it is run there."""
        return f"{self.case.case_id}@live" if self.live else self.case.case_id


def filtered(cases: Iterable[Case], filters: list[str]) -> list[Case]:
    """The cases that any filter names: a part of the name, or a pattern with * and ?."""
    if not filters:
        return list(cases)
    return [case for case in cases if any(_named(case.case_id, text) for text in filters)]


def _named(case_id: str, text: str) -> bool:
    # Brackets are part of names (put[empty]), so they stand for themselves in patterns, too.
    return fnmatchcase(case_id, text.replace("[", "[[]")) if set(text) & set("*?") else text in case_id


def jobs_for_adapter(
    cases: Iterable[Case], hello: Hello, mode: str | None, *, live: bool, cluster_nodes: int = 0
) -> list[Job]:
    """What one adapter runs: each case in each of its modes, vectors once.

    `cluster_nodes`: how many nodes the cluster has that cases may harm; 0 without one.
    """
    jobs: list[Job] = []
    for case in cases:
        if isinstance(case, ProtocolCase) and case.side == "server":
            continue
        if isinstance(case, ScenarioCase) and case.on == "cluster":
            if not cluster_nodes:
                continue
            if cluster_nodes < case.server.get("nodes", 1):
                jobs.append(Job(case, live=True, skipped=f"the cluster has {cluster_nodes} nodes"))
                continue
        missing = sorted(case.requires.features - hello.features)
        modes = [one for one in hello.modes if mode in (None, one)]
        fitting = [one for one in modes if not case.requires.modes or one in case.requires.modes]
        if missing:
            jobs.append(Job(case, skipped=f"the adapter lacks {', '.join(missing)}"))
        elif isinstance(case, VectorCase):
            jobs.append(Job(case))
        elif not fitting:
            # A case for modes that were not asked for is none of this run's; one for modes the SDK lacks is skipped.
            if not set(case.requires.modes) & set(hello.modes):
                jobs.append(Job(case, skipped=f"the SDK has no mode {' or '.join(case.requires.modes)}"))
        else:
            jobs += [Job(case, one, place) for one in fitting for place in _places(case, live=live)]
    return jobs


def _places(case: Case, *, live: bool) -> list[bool]:
    """Whether on the live server: never, too, or only."""
    on = case.on if isinstance(case, ScenarioCase) else "scripted"
    if on == "cluster":
        return [True]
    places = [] if on == "live" else [False]
    return [*places, True] if live and on != "scripted" else places


def jobs_for_server(cases: Iterable[Case]) -> list[Job]:
    """What a server is judged by: the exchanges that are not for SDKs only."""
    return [Job(case, live=False) for case in cases if isinstance(case, ProtocolCase) and case.side != "client"]
