"""The READMEs of the SDKs: one template, and what each language says in its own words.

`clients/README.template.md` is the text; `clients/LANGUAGE/about.yaml` fills it in. Between double braces stands

    {{ key }}               a text of about.yaml
    {{ name get_entity }}   a name of the API, in the language's manner: get_entity, getEntity
    {{ error NotFound }}    a class of the error tree, with the ending it has there: NotFound, NotFoundError

What the template asks for and about.yaml lacks, or the other way round, is an error: no README says less than its
sisters by mistake. Paragraphs are filled anew, as words of different length stand in them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from tools import tree
from tools.codegen.prose import wrap_prose
from tools.codegen.source import load_yaml

__all__ = ["LANGUAGES", "PAGES", "ReadmeError", "render"]

LANGUAGES: Final = ("python", "javascript", "java")

_TEMPLATE: Final = tree.ROOT / "clients" / "README.template.md"
_PLACE: Final = re.compile(r"\{\{ (?:(name|error) )?(\w+) \}\}")
_MARK: Final = "<!-- Made of clients/README.template.md and about.yaml by `python -m tools.docgen`: do not edit. -->"
_LINE_LENGTH: Final = 120
# Two columns of a drawing in text.
_COLUMNS: Final = re.compile(r"(\S.*?) {3,}(\S.*)")
# How texts are made, not texts themselves.
_RULES: Final = frozenset({"style", "error_ending", "errors_with_ending"})
_STYLES: Final = ("snake_case", "camelCase")


class ReadmeError(Exception):
    """The template and a language's texts do not fit together; the message says where."""


def render(language: str, template: str | None = None, texts: Mapping[str, object] | None = None) -> str:
    """Return the README of a language; raises `ReadmeError`."""
    if template is None:
        template = _TEMPLATE.read_text(encoding="utf-8")
    if texts is None:
        texts = load_yaml(_texts(language))
    words = _Words(language, texts)
    page = _PLACE.sub(lambda place: words.fill(place[1], place[2]), template)
    if "{{" in page:
        line = next(line for line in page.splitlines() if "{{" in line)
        raise ReadmeError(f"{language}: not understood: {line}")
    words.check_all_used()
    return "\n\n".join([_MARK, *(_laid_out(block) for block in _blocks(page))]) + "\n"


def _blocks(page: str) -> list[str]:
    """Cut a page at blank lines, code apart, which is one block whatever stands in it."""
    blocks: list[list[str]] = [[]]
    in_code = False
    for line in page.splitlines():
        if line or in_code:
            blocks[-1].append(line.rstrip())
        elif blocks[-1]:
            blocks.append([])
        if line.startswith("```"):
            in_code = not in_code
    return ["\n".join(lines) for lines in blocks if lines]


def _laid_out(block: str) -> str:
    if block.startswith("```text"):
        return _aligned(block)
    if block.startswith(("```", "|", "#", "- ")):
        return block
    return "\n".join(wrap_prose(" ".join(block.split()), _LINE_LENGTH, r"`[^`]{0,60}`"))


def _aligned(block: str) -> str:
    rows = [(line, _COLUMNS.fullmatch(line)) for line in block.splitlines()]
    width = max((len(found[1]) for _, found in rows if found), default=0) + 3
    return "\n".join(f"{found[1]:<{width}}{found[2]}" if found else line for line, found in rows)


def _texts(language: str) -> Path:
    return tree.ROOT / "clients" / language / "about.yaml"


class _Words:
    """What a language says, and which of it has been said."""

    def __init__(self, language: str, texts: Mapping[str, object]) -> None:
        self._language = language
        self._texts = texts
        self._used: set[str] = set()
        if texts.get("style") not in _STYLES:
            raise ReadmeError(f"{language}: style is one of {', '.join(_STYLES)}")

    def fill(self, kind: str | None, word: str) -> str:
        if kind == "name":
            return self._name(word)
        if kind == "error":
            return self._error(word)
        text = self._texts.get(word)
        if not isinstance(text, str) or word in _RULES:
            raise ReadmeError(f"{self._language}: about.yaml has no text {word!r}")
        self._used.add(word)
        return text.rstrip("\n")

    def _name(self, word: str) -> str:
        if self._texts["style"] == "snake_case":
            return word
        first, *others = word.split("_")
        return first + "".join(part.capitalize() for part in others)

    def _error(self, word: str) -> str:
        chosen = self._texts.get("errors_with_ending")
        has_ending = chosen is None or (isinstance(chosen, list) and word in chosen)
        return f"{word}{self._texts['error_ending']}" if has_ending else word

    def check_all_used(self) -> None:
        if left := sorted(set(self._texts) - self._used - _RULES):
            raise ReadmeError(f"{self._language}: the template has no place for {left[0]!r}")


def _page(language: str) -> Callable[[], str]:
    return lambda: render(language)


PAGES: Final[Mapping[str, Callable[[], str]]] = {
    f"clients/{language}/README.md": _page(language) for language in LANGUAGES if _texts(language).exists()
}
