"""Small suites for tests of the runner: cases written into a directory, and run."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from themis_conformance.cli import main

DOUBLE = Path(__file__).with_name("doubles") / "adapter.py"

PUT = {"call": "put", "args": {"urn": "${urn.a}", "data": {"n": 1}}, "any": True}
"""A step that is good for nothing but being there."""


def double(mischief: str = "") -> str:
    """The command of the adapter that tests use."""
    return f"{sys.executable} {DOUBLE} {mischief}".strip()


def case(**members: Any) -> dict[str, Any]:
    """A scenario; what is not said is as simple as can be."""
    return {"name": "it", "about": "It is so.", "steps": [PUT], **members}


@dataclass
class Suite:
    """A directory with cases, and what became of running them."""

    root: Path

    @property
    def directory(self) -> Path:
        """Of the cases."""
        return self.root / "cases"

    @property
    def vectors(self) -> Path:
        """The directory of the vectors."""
        return self.root / "vectors"

    def write(self, *cases: dict[str, Any], layer: str = "scenarios", suite: str = "suite", **more: Any) -> Suite:
        """Write a file of cases. JSON is YAML."""
        document = {"suite": suite, "about": "A suite.", "cases": list(cases), **more}
        return self.write_text(json.dumps(document), layer, suite)

    def write_text(self, text: str, layer: str = "scenarios", suite: str = "suite") -> Suite:
        """Write a file as it is."""
        path = self.directory / layer / f"{suite}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        return self

    def write_vectors(self, *vectors: dict[str, Any]) -> Suite:
        """Write a file of vectors for the op `same`."""
        document = {
            "format": 1,
            "rule": "rule",
            "description": "A rule.",
            "operations": {"same": "x -> x", "missing": "x -> x"},
            "vectors": list(vectors),
        }
        path = self.vectors / "rule.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(document), "utf-8")
        return self

    @property
    def arguments(self) -> list[str]:
        """Where the cases are, for the command line."""
        return ["--cases", str(self.directory), "--vectors", str(self.vectors)]

    def run(self, *arguments: str, adapter: str | None = None) -> Outcome:
        """Run all cases; `adapter` is a mischief, "" for an honest one."""
        report = self.root / "report.json"
        report.unlink(missing_ok=True)
        with_adapter = [] if adapter is None else ["--adapter", f"double={double(adapter)}"]
        status = main(["run", *with_adapter, *self.arguments, "--json", str(report), "--quiet", *arguments])
        results = json.loads(report.read_text("utf-8"))["results"] if report.exists() else []
        return Outcome(status, results)


@dataclass
class Outcome:
    """The exit status and the results of a run."""

    status: int
    results: list[dict[str, Any]]

    def statuses(self) -> dict[str, str]:
        """Case and mode -> status."""
        return {f"{one['case']} {one['mode']}".strip(): one["status"] for one in self.results}

    def complaints(self) -> str:
        """All complaints of all results."""
        return "\n".join(line for one in self.results for line in one["complaints"])

    def context(self) -> str:
        """What was shown along with failures."""
        return "\n".join(line for one in self.results for line in one["context"])
