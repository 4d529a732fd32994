"""Puts the cases, the vectors and the table of errors into the wheel, wherever the sources are built from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CustomBuildHook(BuildHookInterface):  # type: ignore[type-arg]  # the parameter is the builder's own affair
    """Adds the data to a wheel; an editable install reads it from the tree."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Name what goes where."""
        if version == "editable":
            return
        root = Path(self.root)
        # Beside us in the repository, inside a source distribution.
        spec = root / "spec" if (root / "spec").is_dir() else root.parent / "spec"
        build_data["force_include"] |= {
            str(root / "cases"): "themis_conformance/data/cases",
            str(spec / "vectors"): "themis_conformance/data/vectors",
            str(spec / "errors.yaml"): "themis_conformance/data/errors.yaml",
        }
