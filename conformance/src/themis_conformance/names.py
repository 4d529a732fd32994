"""Names of entities, as the scripted server reads them: the rule of spec/vectors/urn.json."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

__all__ = ["MODELS", "NAME", "EntityName", "NotAName", "parse_urn"]

MODELS: Final = ("relational", "document", "graph", "vector", "timeseries")
NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}")

# A URN that is one, by far the most frequent case; only a text that is none is taken apart to find out why.
_WHOLE: Final = re.compile(
    r"[Uu][Rr][Nn]:[Tt][Hh][Ee][Mm][Ii][Ss]:"
    rf"({'|'.join(MODELS)}):({NAME.pattern}):({NAME.pattern}):"
    r"([0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12})"
)
_UUID: Final = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}")
_NIL: Final = "00000000-0000-0000-0000-000000000000"
_UUID_CHARS: Final = 36


class NotAName(Exception):
    """The text is no URN; `position` is the first character that breaks the grammar."""

    def __init__(self, position: int, detail: str) -> None:
        super().__init__(detail)
        self.position = position


class EntityName(NamedTuple):
    """The parts of a URN, normalised."""

    model: str
    namespace: str
    collection: str
    uuid: str

    def __str__(self) -> str:
        return f"urn:themis:{self.model}:{self.namespace}:{self.collection}:{self.uuid}"


def parse_urn(text: str) -> EntityName:
    """Read a URN; raises NotAName."""
    whole = _WHOLE.fullmatch(text)
    if whole is not None and whole[4] != _NIL:
        return EntityName(whole[1], whole[2], whole[3], whole[4].lower())
    parts = text.split(":", 5)
    if not _same(parts[0], "urn"):
        raise NotAName(0, "a URN starts with urn:")
    if len(parts) < 2 or not _same(parts[1], "themis"):
        raise NotAName(min(4, len(text)), "a ThemisDB URN starts with urn:themis:")
    if len(parts) < 3 or parts[2] not in MODELS:
        raise NotAName(min(11, len(text)), f"the model is one of {', '.join(MODELS)}")
    position = 11 + len(parts[2]) + 1
    for index, what in ((3, "namespace"), (4, "collection")):
        if len(parts) <= index:
            raise NotAName(len(text), f"the {what} is missing")
        if not NAME.fullmatch(parts[index]):
            raise NotAName(position + _first_wrong(parts[index]), f"that is no name of a {what}")
        position += len(parts[index]) + 1
    if len(parts) < 6:
        raise NotAName(len(text), "the uuid is missing")
    _check_uuid(parts[5], position)
    return EntityName(parts[2], parts[3], parts[4], parts[5].lower())


def _same(part: str, name: str) -> bool:
    return part.isascii() and part.lower() == name


def _first_wrong(name: str) -> int:
    good = NAME.match(name)
    return good.end() if good else 0


def _check_uuid(uuid: str, start: int) -> None:
    if uuid == _NIL:
        raise NotAName(start, "the nil uuid names nothing")
    if _UUID.fullmatch(uuid):
        return
    for offset, char in enumerate(uuid[:_UUID_CHARS]):
        dash = offset in (8, 13, 18, 23)
        if (char == "-") != dash or (not dash and char not in "0123456789abcdefABCDEF"):
            raise NotAName(start + offset, "a uuid is 8-4-4-4-12 hexadecimal digits")
    raise NotAName(start + min(len(uuid), _UUID_CHARS), f"a uuid has 36 characters, this one {len(uuid)}")
