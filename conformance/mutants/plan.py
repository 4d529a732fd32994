"""What is planted: the lists of mutants, read and checked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias, get_args

import yaml

__all__ = ["ROOT", "TARGETS", "Mutant", "PlanError", "Target", "load", "load_all"]

ROOT: Final = Path(__file__).resolve().parents[2]
HERE: Final = Path(__file__).resolve().parent

Target: TypeAlias = Literal["python", "javascript", "java", "server"]
TARGETS: Final[tuple[Target, ...]] = get_args(Target)

SOURCES: Final[dict[Target, Path]] = {
    "python": ROOT / "clients/python/src",
    "javascript": ROOT / "clients/javascript/src",
    "java": ROOT / "clients/java/src/main/java",
    "server": ROOT / "server/src",
}
"""Where the sources of each target begin; `Mutant.file` is below it."""

_MEMBERS: Final = frozenset({"name", "about", "file", "find", "replace", "cases"})


class PlanError(Exception):
    """A list of mutants that is not one, or no longer fits the source."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """One planted fault.

    Attributes:
        target: What it is planted in.
        name: Unique in its target, kebab-case.
        about: What a programmer would have got wrong, in a sentence.
        file: Below the sources of the target.
        find: What is replaced; occurs exactly once in the file.
        replace: What stands there instead.
        cases: Ids of cases, each of which runs against it; one at least has to fail.
    """

    target: Target
    name: str
    about: str
    file: str
    find: str
    replace: str
    cases: tuple[str, ...]

    @property
    def path(self) -> Path:
        """The file it is planted in."""
        return SOURCES[self.target] / self.file

    def apply(self, source: str) -> str:
        """Return the source with the fault in it.

        Raises:
            PlanError: The piece to replace is not there, or more than once: the source has moved on.
        """
        found = source.count(self.find)
        if found != 1:
            raise PlanError(f"{self.target}/{self.name}: {self.file} has {found} times, not once: {self.find!r}")
        return source.replace(self.find, self.replace)


def load(target: Target, *, finished: bool = True) -> tuple[Mutant, ...]:
    """Read the list of one target.

    Args:
        target: Whose.
        finished: Whether each mutant has to name the cases that notice it; `discover` finds them.

    Raises:
        PlanError: A member is missing, unknown or twice, or a piece to replace is not in its source.
    """
    entries = yaml.safe_load((HERE / f"{target}.yaml").read_text(encoding="utf-8"))
    mutants = tuple(_mutant(target, entry) for entry in entries)
    names = [mutant.name for mutant in mutants]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise PlanError(f"{target}: twice: {', '.join(sorted(twice))}")
    for mutant in mutants:
        mutant.apply(mutant.path.read_text(encoding="utf-8"))
        if finished and not mutant.cases:
            raise PlanError(f"{target}/{mutant.name}: no case is named that has to notice it")
    return mutants


def load_all() -> tuple[Mutant, ...]:
    """Read all lists."""
    return tuple(mutant for target in TARGETS for mutant in load(target))


def _mutant(target: Target, entry: Any) -> Mutant:
    if not isinstance(entry, dict) or set(entry) != _MEMBERS:
        raise PlanError(f"{target}: a mutant has exactly {', '.join(sorted(_MEMBERS))}: {entry!r}")
    texts = {key: str(entry[key]) for key in ("name", "about", "file", "find", "replace")}
    return Mutant(target, **texts, cases=tuple(entry["cases"]))
