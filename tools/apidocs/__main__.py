"""`python -m tools.apidocs`: write the pages of typedoc and javadoc; fail if a public name has no documentation."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from tools import sdks, tree
from tools.apidocs import java, javascript, python
from tools.apidocs.hook import PAGES
from tools.apidocs.symbols import ApiDocsError, Symbol, sentence, undocumented

_SHOWN_MAX = 40


def main() -> int:
    """Write pages, count names; returns the exit status."""
    shutil.rmtree(tree.ROOT / PAGES, ignore_errors=True)
    try:
        counted = count(tree.ROOT / PAGES)
    except ApiDocsError as error:
        print(error, file=sys.stderr)
        return 1
    for language, symbols in counted.items():
        print(sentence(language, symbols))
        names = undocumented(symbols)
        for name in names[:_SHOWN_MAX]:
            print(f"  without documentation: {name}")
        if len(names) > _SHOWN_MAX:
            print(f"  and {len(names) - _SHOWN_MAX} more")
    return 1 if any(undocumented(symbols) for symbols in counted.values()) else 0


def count(pages: Path | None = None) -> dict[str, list[Symbol]]:
    """Name what each SDK makes public, and write its HTML pages into `pages` if asked; raises `ApiDocsError`."""
    counted = {
        "python": python.symbols("themis", tree.CLIENT / "src", ("otel", "testing")),
        "javascript": javascript.symbols(tree.JAVASCRIPT, pages=pages and pages / "javascript"),
        "java": java.symbols(_JAVA_SOURCES, sdks.java_libraries()),
    }
    if pages is not None:
        java.pages(_JAVA_SOURCES, sdks.java_libraries(), pages / "java")
    return counted


_JAVA_SOURCES = tree.JAVA / "src" / "main" / "java"

if __name__ == "__main__":
    sys.exit(main())
