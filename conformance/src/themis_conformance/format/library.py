"""All cases there are, and all mistakes in them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from themis_conformance.format.protocol import read_protocol
from themis_conformance.format.scenario import read_scenarios
from themis_conformance.format.vectors import read_vectors
from themis_conformance.mistake import Mistake
from themis_conformance.model import Case

__all__ = ["Library", "load_library"]


@dataclass(frozen=True)
class Library:
    """The cases in the order of layers, suites and files, and what is wrong with the others."""

    cases: list[Case]
    mistakes: list[Mistake]

    @property
    def ids(self) -> set[str]:
        """The names of all cases."""
        return {case.case_id for case in self.cases}


def load_library(cases: Path, vectors: Path) -> Library:
    """Read everything below two directories. A directory that is not there has no cases."""
    found = Library([], [])
    seen: set[str] = set()
    for case in _read(cases, vectors):
        if isinstance(case, Mistake):
            found.mistakes.append(case)
        elif case.case_id in seen:
            found.mistakes.append(Mistake("there is another case of this name", place=case.case_id))
        else:
            seen.add(case.case_id)
            found.cases.append(case)
    return found


def _read(cases: Path, vectors: Path) -> Iterator[Case | Mistake]:
    for path in sorted(vectors.glob("*.json")):
        yield from read_vectors(path)
    for path in sorted((cases / "scenarios").glob("*.yaml")):
        yield from read_scenarios(path)
    for path in sorted((cases / "protocol").glob("*.yaml")):
        yield from read_protocol(path)
    for path in sorted(cases.rglob("*")):
        known = path.parent.name in ("scenarios", "protocol") and path.suffix == ".yaml"
        if path.is_file() and not known and path.suffix in (".yaml", ".yml", ".json"):
            yield Mistake("cases are *.yaml files in scenarios/ and protocol/", place=str(path))
