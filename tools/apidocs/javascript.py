"""The public names of a TypeScript package: what its entry points export, read by typedoc."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tools import tree
from tools.apidocs.symbols import Symbol, run

# typedoc's numbers for what has a page or heading of its own (ReflectionKind); modules and namespaces are only walked.
_COUNTED = {
    8: "enum",
    16: "enum member",
    32: "variable",
    64: "function",
    128: "class",
    256: "interface",
    1024: "property",
    2048: "method",
    262144: "accessor",
    2097152: "type alias",
}
_WALKED = (1, 2, 4)


def symbols(folder: Path, options: Sequence[str] = (), pages: Path | None = None) -> list[Symbol]:
    """Name what the package in `folder` makes public.

    Args:
        folder: The package, with its own settings for typedoc.
        options: More of them.
        pages: Where to write the HTML pages, in the same run; None for no pages.

    Raises:
        ApiDocsError: typedoc does not run there, or has something to complain of.
    """
    with tempfile.TemporaryDirectory() as scratch:
        output = Path(scratch, "names.json")
        # What is missing is counted here, so that it may not stop typedoc before it has told of the rest.
        given = [*options, "--validation.notDocumented", "false", "--json", str(output)]
        run([*_TYPEDOC, *given, *([] if pages is None else ["--out", str(pages)])], folder)
        return list(_walk(json.loads(output.read_text(encoding="utf-8")), ""))


_TYPEDOC = ("node", str(tree.JAVASCRIPT / "node_modules" / "typedoc" / "bin" / "typedoc"), "--logLevel", "Warn")


def _walk(reflection: dict[str, Any], above: str) -> Iterator[Symbol]:
    for child in reflection.get("children", []):
        # What is inherited from an exported class is counted there; from a class of the package's own, here.
        if child.get("flags", {}).get("isExternal") or child.get("inheritedFrom", {}).get("target", -1) >= 0:
            continue
        if child["kind"] in _WALKED:
            yield from _walk(child, f"{above}{child['name']}/")
            continue
        name = f"{above}{child['name']}"
        if child["kind"] in _COUNTED:
            yield Symbol(name, _is_documented(child))
        yield from _walk(child, f"{name}.")
        literal = child.get("type", {})
        if child["kind"] == 2097152 and literal.get("type") == "reflection":
            yield from _walk(literal["declaration"], f"{name}.")


def _is_documented(reflection: dict[str, Any]) -> bool:
    """Whether a declaration has a comment: of its own, or of one of its signatures."""
    places = [reflection, *reflection.get("signatures", [])]
    places += [reflection[accessor] for accessor in ("getSignature", "setSignature") if accessor in reflection]
    return any(place.get("comment", {}).get("summary") or place.get("comment", {}).get("blockTags") for place in places)
