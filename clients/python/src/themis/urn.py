"""Names of entities: `urn:themis:{model}:{namespace}:{collection}:{uuid}`.

One definition for the server and for this SDK. A URN is parsed once per request on the server's hot path, so the
happy way is kept short: the part before the uuid (the *prefix*) repeats from call to call and is remembered in a
bounded dictionary, the uuid is checked by one `bytes.translate`. Only a refused URN takes the slow way, which finds out
what is wrong and where.

Invariant: an `Urn` that exists is valid and normalised; two URNs that name the same entity are equal as objects and as
text. RFC 8141 makes `urn` and the namespace identifier case-insensitive, RFC 9562 the uuid: these are lowered. Model,
namespace and collection keep their case and are compared exactly.

This module knows neither HTTP nor asyncio.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple, NoReturn, Self

from themis.errors import ThemisError

__all__ = [
    "MODELS",
    "NAME_MAX_CHARS",
    "NIL_UUID",
    "InvalidUrn",
    "InvalidUrnReason",
    "Urn",
    "UrnPrefix",
    "normalize_uuid",
    "parse_prefix",
    "split_urn",
    "uuid_from_bytes",
    "uuid_to_bytes",
]

MODELS: Final = ("relational", "document", "graph", "vector", "timeseries")
NAME_MAX_CHARS: Final = 63
NIL_UUID: Final = "00000000-0000-0000-0000-000000000000"

_UUID_CHARS: Final = 36
_PREFIX_START: Final = "urn:themis:"
_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}")
_NAME_FIRST: Final = re.compile(r"[A-Za-z0-9_]")
_NAME_CHAR: Final = re.compile(r"[A-Za-z0-9_.-]")

# Maps every hex digit to "0", "-" to itself and any other byte to "?": a well-formed uuid comes out as the nil UUID.
_UUID_SHAPE_TABLE: Final = bytes(
    ord("0") if chr(byte) in "0123456789abcdefABCDEF" else byte if byte == ord("-") else ord("?") for byte in range(256)
)
_UUID_SHAPE: Final = NIL_UUID.encode()


class InvalidUrnReason(StrEnum):
    """Which part of a URN was refused (or is missing); the same words in every SDK and in spec/vectors."""

    SCHEME = "scheme"
    NID = "nid"
    MODEL = "model"
    NAMESPACE = "namespace"
    COLLECTION = "collection"
    UUID = "uuid"
    NIL_UUID = "nil_uuid"


class InvalidUrn(ThemisError, ValueError):
    """The text is not the URN of an entity.

    Attributes:
        reason: What is wrong, in the words of spec/vectors.
        position: The index of the first character that cannot stay (the length of the text when something is missing
            at its end).
        detail: What is wrong, for people.
    """

    def __init__(self, reason: InvalidUrnReason, position: int, detail: str = "") -> None:
        super().__init__(reason, position, detail)
        self.reason = reason
        self.position = position
        self.detail = detail or reason.value.replace("_", " ")

    def __str__(self) -> str:
        return f"{self.detail} (at character {self.position})"


class UrnPrefix(NamedTuple):
    """What stands before the uuid: a collection, fully named."""

    model: str
    namespace: str
    collection: str

    @property
    def text(self) -> str:
        """The prefix as written in a URN, with the colon that precedes the uuid."""
        return f"{_PREFIX_START}{self.model}:{self.namespace}:{self.collection}:"


# Prefix text as met -> its parts. Emptied when full: a hostile client can make it useless, never large.
_PREFIXES_MAX: Final = 4096
_prefixes: dict[str, UrnPrefix] = {}
_normal_prefixes: dict[str, str] = {}


@dataclass(frozen=True, slots=True, order=True)
class Urn:
    """The name of one entity.

    `Urn(...)` validates and normalises its parts; `Urn.parse(text)` reads a written URN. Both raise `InvalidUrn`.

    Attributes:
        model: relational, document, graph, vector or timeseries.
        namespace: The namespace its collection is in.
        collection: The collection's name.
        uuid: Its own part of the name, in lower case.
    """

    model: str
    namespace: str
    collection: str
    uuid: str

    def __post_init__(self) -> None:
        check_texts(self.model, self.namespace, self.collection)
        normal = Urn.parse(f"{_PREFIX_START}{self.model}:{self.namespace}:{self.collection}:{self.uuid}")
        if normal.uuid != self.uuid:
            _set_uuid(self, normal.uuid)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `urn:themis:{model}:{namespace}:{collection}:{uuid}`; raises `InvalidUrn`."""
        uuid = text[-36:]
        prefix = _prefixes.get(text[:-36])
        if prefix is None:
            prefix = _learn_prefix(text)
        try:
            if uuid.encode("ascii").translate(_UUID_SHAPE_TABLE) != _UUID_SHAPE or uuid == NIL_UUID:
                _refuse(text)
        except UnicodeEncodeError:
            _refuse(text)
        # The member descriptors write through the frozen dataclass: the generated __init__ would cost four times as
        # much and would validate what has just been validated.
        urn = _new(cls)
        _set_model(urn, prefix[0])
        _set_namespace(urn, prefix[1])
        _set_collection(urn, prefix[2])
        _set_uuid(urn, uuid.lower())
        return urn

    @property
    def prefix(self) -> UrnPrefix:
        """The collection this entity belongs to."""
        return UrnPrefix(self.model, self.namespace, self.collection)

    def __str__(self) -> str:
        return f"{_PREFIX_START}{self.model}:{self.namespace}:{self.collection}:{self.uuid}"

    def __repr__(self) -> str:
        return f"Urn({str(self)!r})"

    def quoted(self) -> str:
        """Percent-encoded for one path segment.

        Names and uuids hold unreserved characters only (RFC 3986 section 2.3), so the colons are all there is to
        encode. They must be: URL joiners read a bare `urn:` as a scheme.
        """
        return f"urn%3Athemis%3A{self.model}%3A{self.namespace}%3A{self.collection}%3A{self.uuid}"


_new = object.__new__
_set_model = Urn.__dict__["model"].__set__
_set_namespace = Urn.__dict__["namespace"].__set__
_set_collection = Urn.__dict__["collection"].__set__
_set_uuid = Urn.__dict__["uuid"].__set__


def split_urn(text: str) -> tuple[str, str]:
    """Split a URN into its normalised prefix text (`urn:themis:...:`) and its uuid (lower case).

    The cheapest way to a key: the prefix is a ready dictionary key for "which collection is this", and no object is
    made. Raises `InvalidUrn` exactly where `Urn.parse` does.
    """
    uuid = text[-36:]
    prefix = _normal_prefixes.get(text[:-36])
    if prefix is None:
        prefix = _learn_prefix(text).text
    try:
        if uuid.encode("ascii").translate(_UUID_SHAPE_TABLE) != _UUID_SHAPE or uuid == NIL_UUID:
            _refuse(text)
    except UnicodeEncodeError:
        _refuse(text)
    return prefix, uuid.lower()


def parse_prefix(text: str) -> UrnPrefix:
    """Read a prefix as `split_urn` returns it; raises `InvalidUrn`."""
    prefix = _prefixes.get(text)
    return prefix if prefix is not None else _learn_prefix(text + NIL_UUID)


def normalize_uuid(text: str) -> str:
    """The uuid in lower case; raises `InvalidUrn` (positions count from the uuid's start) when it is none, or nil."""
    shape = text.encode("ascii", "replace").translate(_UUID_SHAPE_TABLE)
    if shape != _UUID_SHAPE or text == NIL_UUID:
        _refuse_uuid(text, 0)
    return text.lower()


def uuid_to_bytes(uuid: str) -> bytes:
    """The 16 bytes of a valid uuid text."""
    return bytes.fromhex(uuid.replace("-", ""))


def uuid_from_bytes(raw: bytes) -> str:
    """The 36 characters (lower case) of a uuid's 16 bytes."""
    digits = raw.hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def check_texts(model: object, namespace: object, collection: object) -> None:
    """Refuse names that are no texts: a forgotten value would be written out, as the collection "None"."""
    position = len(_PREFIX_START)
    for part, reason in (
        (model, InvalidUrnReason.MODEL),
        (namespace, InvalidUrnReason.NAMESPACE),
        (collection, InvalidUrnReason.COLLECTION),
    ):
        if not isinstance(part, str):
            _fail(reason, position, f"the {reason.value} is a text, not {type(part).__name__}")
        position += len(part) + 1


def _learn_prefix(text: str) -> UrnPrefix:
    """Validate what stands before the last 36 characters of `text`, and remember it."""
    parts = text.split(":", 5)
    _check_prefix(parts, text)
    if len(parts[5]) != _UUID_CHARS:
        _refuse_uuid(parts[5], len(text) - len(parts[5]))
    prefix = UrnPrefix(parts[2], parts[3], parts[4])
    if len(_prefixes) >= _PREFIXES_MAX:
        _prefixes.clear()
        _normal_prefixes.clear()
    spelled = text[:-_UUID_CHARS]
    _prefixes[spelled] = prefix
    _normal_prefixes[spelled] = prefix.text
    return prefix


def _check_prefix(parts: list[str], text: str) -> None:
    """Judge the parts from left to right: the first mistake is the one to name."""
    if parts[0].lower() != "urn":
        _fail(InvalidUrnReason.SCHEME, 0, "a URN starts with urn:")
    if len(parts) < 2 or parts[1].lower() != "themis":
        _fail(InvalidUrnReason.NID, min(4, len(text)), f"a ThemisDB URN starts with {_PREFIX_START}")
    position = min(len(_PREFIX_START), len(text))
    if len(parts) < 3 or parts[2] not in MODELS:
        _fail(InvalidUrnReason.MODEL, position, f"the model is one of {', '.join(MODELS)}")
    position += len(parts[2]) + 1
    for index, reason in ((3, InvalidUrnReason.NAMESPACE), (4, InvalidUrnReason.COLLECTION)):
        if len(parts) <= index:
            _fail(reason, len(text), f"the {reason.value} is missing")
        _check_name(parts[index], position, reason)
        position += len(parts[index]) + 1
    if len(parts) < 6:
        _fail(InvalidUrnReason.UUID, len(text), "the uuid is missing")


def _check_name(name: str, start: int, reason: InvalidUrnReason) -> None:
    if _NAME.fullmatch(name):
        return
    what = reason.value
    if not name:
        _fail(reason, start, f"the {what} is empty")
    if not _NAME_FIRST.match(name):
        _fail(reason, start, f"a {what} starts with a letter, a digit or _")
    for offset, char in enumerate(name):
        if not _NAME_CHAR.match(char):
            _fail(reason, start + offset, f"a {what} holds letters, digits, _ . and - only")
        if offset == NAME_MAX_CHARS:
            break
    _fail(reason, start + NAME_MAX_CHARS, f"a {what} has at most {NAME_MAX_CHARS} characters")


def _refuse(text: str) -> NoReturn:
    """The uuid of `text`, whose prefix is known to be good, is not acceptable."""
    _refuse_uuid(text[-_UUID_CHARS:], len(text) - _UUID_CHARS)


def _refuse_uuid(uuid: str, start: int) -> NoReturn:
    if uuid == NIL_UUID:
        _fail(InvalidUrnReason.NIL_UUID, start, "the nil UUID names nothing")
    for offset, char in enumerate(uuid[:_UUID_CHARS]):
        wants_dash = offset in (8, 13, 18, 23)
        if (char == "-") != wants_dash or (not wants_dash and char not in "0123456789abcdefABCDEF"):
            _fail(InvalidUrnReason.UUID, start + offset, "a uuid is 8-4-4-4-12 hexadecimal digits (RFC 9562)")
    _fail(
        InvalidUrnReason.UUID,
        start + min(len(uuid), _UUID_CHARS),
        f"a uuid has 36 characters, this one {len(uuid)}",
    )


def _fail(reason: InvalidUrnReason, position: int, detail: str) -> NoReturn:
    raise InvalidUrn(reason, position, detail)
