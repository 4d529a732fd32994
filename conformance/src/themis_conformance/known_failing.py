"""Lists of cases that are known to fail: exact names, so that nothing else hides behind them.

A line is the name of a case, or the name and a mode (`scenarios/retries/x async`); what follows `#` is a remark. A
listed case that passes fails the run, and so does a name that no case has: a list is true, or it is mended.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from themis_conformance.adapter import MODES
from themis_conformance.outcome import Result, Status

__all__ = ["KnownFailing"]


@dataclass(frozen=True)
class KnownFailing:
    """A list: (name of a case, mode or "" for all) -> the line it stands in."""

    path: str
    entries: dict[tuple[str, str], int]

    @classmethod
    def none(cls) -> KnownFailing:
        """Nothing is known to fail."""
        return cls("", {})

    @classmethod
    def read(cls, path: Path) -> KnownFailing:
        """Read a file; raises ValueError for a line that is none, OSError if it cannot be read."""
        entries: dict[tuple[str, str], int] = {}
        for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1):
            words = line.partition("#")[0].split()
            if not words:
                continue
            if len(words) > 2 or (len(words) == 2 and words[1] not in MODES):
                raise ValueError(f"{path}:{number}: expected the name of a case, and perhaps a mode: {line!r}")
            key = (words[0], words[1] if len(words) == 2 else "")
            if key in entries:
                raise ValueError(f"{path}:{number}: the same stands in line {entries[key]}")
            entries[key] = number
        return cls(str(path), entries)

    def unknown(self, names: set[str]) -> list[str]:
        """Complaints about names that no case has."""
        return [
            f"{self.path}:{number}: there is no case {name!r}"
            for (name, _), number in self.entries.items()
            if name.removesuffix("@live") not in names
        ]

    def judge(self, result: Result) -> Result:
        """What a result counts as."""
        listed = (result.case_id, "") in self.entries or (result.case_id, result.mode) in self.entries
        if not listed:
            return result
        if result.status is Status.FAILED:
            return replace(result, status=Status.KNOWN_FAILING)
        if result.status is Status.PASSED:
            complaint = f"it passes, but {self.path} lists it as known to fail: take it out"
            return replace(result, status=Status.FAILED, complaints=(complaint,))
        return result
