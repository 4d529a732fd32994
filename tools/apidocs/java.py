"""The public names of a Java library: what javadoc shows of it, read by a doclet of our own (PublicNames.java)."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tools.apidocs.symbols import ApiDocsError, Symbol, run

_DOCLET = Path(__file__).with_name("PublicNames.java")


def symbols(sources: Path, libraries: Sequence[Path] = ()) -> list[Symbol]:
    """Name what the sources make public: in a module, the exported packages.

    Args:
        sources: The directory of packages (and of `module-info.java`).
        libraries: What they are compiled with.

    Raises:
        ApiDocsError: javadoc does not accept the sources.
    """
    files = sorted(map(str, sources.rglob("*.java")))
    if not files:
        raise ApiDocsError(f"{sources} has no Java sources")
    with tempfile.TemporaryDirectory() as scratch:
        output = Path(scratch, "names.txt")
        run(["javac", "-d", scratch, str(_DOCLET)], sources)
        doclet = ["-docletpath", scratch, "-doclet", "PublicNames", "--names", str(output)]
        run([*_JAVADOC, *doclet, *_path(sources, libraries), *files], sources)
        lines = output.read_text(encoding="utf-8").splitlines()
    return [Symbol(line[2:], line.startswith("+ ")) for line in lines]


def pages(sources: Path, libraries: Sequence[Path], site: Path) -> None:
    """Write the HTML pages of the sources into `site`, without a warning; raises `ApiDocsError`."""
    files = sorted(map(str, sources.rglob("*.java")))
    # Whether something is missing, `symbols` says; the library's own build is stricter still.
    looks = [
        "-notimestamp",
        "-Xdoclint:all,-missing",
        "-Werror",
        "-windowtitle",
        "themis-java",
        "-doctitle",
        "themis-java",
    ]
    run([*_JAVADOC, *looks, *_path(sources, libraries), "-d", str(site), *files], sources)


_JAVADOC = ("javadoc", "-quiet", "-encoding", "UTF-8")


def _path(sources: Path, libraries: Sequence[Path]) -> list[str]:
    """Say where the libraries are: with a module's own declaration among the sources, they have to be modules too."""
    kind = "--module-path" if (sources / "module-info.java").exists() else "--class-path"
    return [kind, os.pathsep.join(map(str, libraries))] if libraries else []
