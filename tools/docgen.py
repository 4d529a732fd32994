"""`python -m tools.docgen [--check]`: the pages that are rendered from what is written down elsewhere.

The settings and the metrics are described once, where the server declares them; these pages are that, as Markdown. The
READMEs of the SDKs are one text, told in three languages, and Grafana's dashboard is a table of panels. What is
rendered from spec/ (the HTTP API, the errors) is the work of tools/codegen.
"""

from __future__ import annotations

import argparse
import difflib
import sys
from collections.abc import Callable
from pathlib import Path

from themis_server import config
from themis_server.observability import catalogue
from tools import dashboard, readmes, tree

PAGES: dict[str, Callable[[], str]] = {
    "docs/reference/configuration.md": config.render_reference,
    "docs/reference/metrics.md": catalogue.render_reference,
    "deploy/grafana/dashboards/themis.json": dashboard.render,
    **readmes.PAGES,
}
_DIFF_LINES_MAX = 40


def main(arguments: list[str] | None = None, root: Path = tree.ROOT) -> int:
    """Write the pages, or compare them; returns the exit status. `root` is the tree to write into."""
    parser = argparse.ArgumentParser(prog="python -m tools.docgen", description="Render pages.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 with a diff if a page would change")
    check = parser.parse_args(arguments).check
    drifted = 0
    for name, render in PAGES.items():
        path, text = root / name, render()
        found = path.read_text(encoding="utf-8") if path.exists() else ""
        if found == text:
            if not check:
                print(f"unchanged  {name}")
        elif check:
            drifted += 1
            diff = difflib.unified_diff(
                found.splitlines(), text.splitlines(), name, f"{name} (as rendered)", lineterm=""
            )
            print("\n".join(list(diff)[:_DIFF_LINES_MAX]))
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            print(f"written    {name}")
    if check:
        print(
            f"{drifted} of {len(PAGES)} pages differ from their sources; run python -m tools.docgen"
            if drifted
            else f"{len(PAGES)} pages are as their sources say"
        )
    return 1 if drifted else 0


if __name__ == "__main__":
    sys.exit(main())
