"""Descriptions of the specification as comments of a language: wrapped, and with nothing in them that would act.

A description is one paragraph of plain text in which `backticks` mark code. The languages differ in what they
escape, in what a code span looks like and in where a line may be broken.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterator

__all__ = ["map_prose", "wrap_prose"]

_SPAN = re.compile(r"`([^`]*)`")
# Stands for a blank that must not become the end of a line. It is one character, as the blank is, so lengths hold.
_GLUE = "\0"


def map_prose(text: str, plain: Callable[[str], str], code: Callable[[str], str]) -> str:
    """Return `text` with `plain` applied to what stands outside of backticks and `code` to what stands between them."""
    return "".join(code(part) if is_code else plain(part) for is_code, part in _parts(text))


def _parts(text: str) -> Iterator[tuple[bool, str]]:
    position = 0
    for span in _SPAN.finditer(text):
        yield False, text[position : span.start()]
        yield True, span[1]
        position = span.end()
    yield False, text[position:]


def wrap_prose(text: str, width: int, spans: str) -> list[str]:
    """Fill lines of at most `width` characters; what the pattern `spans` finds stays on one line."""
    glued = re.sub(spans, lambda found: found[0].replace(" ", _GLUE), text)
    lines = textwrap.wrap(glued, max(width, 20), break_long_words=False, break_on_hyphens=False)
    return [line.replace(_GLUE, " ") for line in lines]
