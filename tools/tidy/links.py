"""Links between Markdown files lead somewhere: the file is in the tree, and the heading in the file."""

from __future__ import annotations

import posixpath
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from urllib.parse import unquote

from tools.tidy.fault import Fault, Tree

_FENCE = re.compile(r"^\s{0,3}(`{3,}|~{3,})")
_CODE = re.compile(r"(`+)(?:(?!\1).)+?\1")
_INLINE = re.compile(r"\[(?:[^\[\]]|\[[^\]]*\])*\]\(\s*<?([^)\s>]+)>?(?:\s+[\"'(][^)]*)?\)")
_REFERENCE = re.compile(r"^\s{0,3}\[[^\]]+\]:\s+<?([^\s>]+)>?")
_HTML = re.compile(r"(?:href|src)=[\"']([^\"']+)[\"']")
_HEADING = re.compile(r"^\s{0,3}#{1,6}\s+(.+?)\s*#*\s*$")
_EXPLICIT_ID = re.compile(r"\{[^}]*#([\w.:-]+)[^}]*\}|<[^>]+\b(?:id|name)=[\"']([^\"']+)[\"']")
# Added when the site is built (tools/apidocs/hook.py); MkDocs checks links to them.
_BUILT = "docs/api/"
_ABSOLUTE = re.compile(r"^(?:[a-z][a-z0-9+.-]*:|//)", re.IGNORECASE)


def check(tree: Tree) -> Iterator[Fault]:
    """Find relative links in `*.md` whose file or anchor does not exist."""
    pages = dict(tree.texts(".md"))
    anchors = {name: _anchors(text) for name, text in pages.items()}
    for name, text in pages.items():
        for number, target in _links(text):
            if _ABSOLUTE.match(target):
                continue
            path, _, anchor = target.partition("#")
            place = posixpath.normpath(posixpath.join(posixpath.dirname(name), unquote(path))) if path else name
            if path.startswith("/") or place.startswith(".."):
                yield Fault(name, number, f"{target}: a link inside the tree is relative to its file")
            elif place not in tree.names and not place.startswith(_BUILT):
                yield Fault(name, number, f"{target}: there is no {place}")
            elif anchor and place in anchors and unquote(anchor).lower() not in anchors[place]:
                yield Fault(name, number, f"{target}: {place} has no such heading")


def _prose(text: str) -> Iterator[tuple[int, str]]:
    """Yield the lines that are not code, with inline code blanked."""
    fence = ""
    for number, line in enumerate(text.splitlines(), start=1):
        mark = _FENCE.match(line)
        if fence:
            if mark and mark[1][0] == fence[0] and len(mark[1]) >= len(fence):
                fence = ""
        elif mark:
            fence = mark[1]
        else:
            yield number, line


def _links(text: str) -> Iterator[tuple[int, str]]:
    for number, line in _prose(text):
        bare = _CODE.sub("", line)
        for pattern in (_INLINE, _REFERENCE, _HTML):
            for found in pattern.finditer(bare):
                yield number, found[1]


def _anchors(text: str) -> set[str]:
    """Name the anchors of a page, as GitHub and as MkDocs number headings that occur twice."""
    known: set[str] = set()
    seen: Counter[str] = Counter()
    for _number, line in _prose(text):
        for found in _EXPLICIT_ID.finditer(line):
            known.add((found[1] or found[2]).lower())
        heading = _HEADING.match(line)
        if heading:
            slug = _slug(_EXPLICIT_ID.sub("", heading[1]))
            repeats = seen[slug]
            seen[slug] += 1
            known.update((f"{slug}-{repeats}", f"{slug}_{repeats}") if repeats else (slug,))
            # MkDocs drops what is not ASCII and joins runs of hyphens; GitHub keeps both.
            plain = unicodedata.normalize("NFKD", slug).encode("ascii", "ignore").decode()
            known.add(re.sub(r"-+", "-", plain).strip("-"))
    return known


def _slug(heading: str) -> str:
    words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").replace("*", "").strip().lower()
    return re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
