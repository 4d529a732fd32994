"""Vectors for URNs: what is one, how it is normalised, and where and why a text is none."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from string import ascii_letters, digits, hexdigits
from typing import Final
from urllib.parse import quote

from tools.vectors.samples import sample_uuids
from tools.vectors.vector import Suite, Vector, expect, refuse

__all__ = ["MODELS", "RefusedError", "parse", "suite"]

MODELS: Final = ("relational", "document", "graph", "vector", "timeseries")
NIL: Final = "00000000-0000-0000-0000-000000000000"
_FIRST: Final = frozenset(ascii_letters + digits + "_")
_OTHER: Final = _FIRST | {".", "-"}
_NAME_CHARS_MAX: Final = 63
_UUID_SHAPE: Final = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"
_UUID: Final = "550e8400-e29b-41d4-a716-446655440000"


class RefusedError(Exception):
    """The text is not a URN: `reason`, and the index of the first character that breaks the grammar."""

    def __init__(self, reason: str, position: int) -> None:
        super().__init__(reason, position)
        self.reason = reason
        self.position = position


def parse(text: str) -> tuple[str, str, str, str]:
    """The reference: return model, namespace, collection and uuid, normalised; raises `RefusedError`."""
    parts = text.split(":", 5)
    starts = [sum(len(part) + 1 for part in parts[:index]) for index in range(len(parts))]
    values = [check(part, start) for part, start, (_, check) in zip(parts, starts, _COMPONENTS, strict=False)]
    if len(parts) < len(_COMPONENTS):
        missing, _ = _COMPONENTS[len(parts)]
        raise RefusedError(missing, len(text))
    return values[2], values[3], values[4], values[5]


def _scheme(part: str, start: int) -> str:
    if part.lower() != "urn":
        raise RefusedError("scheme", start)
    return "urn"


def _nid(part: str, start: int) -> str:
    if part.lower() != "themis":
        raise RefusedError("nid", start)
    return "themis"


def _model(part: str, start: int) -> str:
    if part not in MODELS:
        raise RefusedError("model", start)
    return part


def _namespace(part: str, start: int) -> str:
    return _name(part, start, "namespace")


def _collection(part: str, start: int) -> str:
    return _name(part, start, "collection")


def _name(part: str, start: int, reason: str) -> str:
    if not part:
        raise RefusedError(reason, start)
    for index, char in enumerate(part):
        if index == _NAME_CHARS_MAX or char not in (_OTHER if index else _FIRST):
            raise RefusedError(reason, start + index)
    return part


def _uuid(part: str, start: int) -> str:
    if part == NIL:
        raise RefusedError("nil_uuid", start)
    for index, char in enumerate(part):
        if index == len(_UUID_SHAPE) or (char != "-" if _UUID_SHAPE[index] == "-" else char not in hexdigits):
            raise RefusedError("uuid", start + index)
    if len(part) < len(_UUID_SHAPE):
        raise RefusedError("uuid", start + len(part))
    return part.lower()


_COMPONENTS: Final[tuple[tuple[str, Callable[[str, int], str]], ...]] = (
    ("scheme", _scheme),
    ("nid", _nid),
    ("model", _model),
    ("namespace", _namespace),
    ("collection", _collection),
    ("uuid", _uuid),
)


def suite() -> Suite:
    """The vectors of urn.json."""
    return Suite(
        rule="urn",
        description=(
            "urn:themis:{model}:{namespace}:{collection}:{uuid}. `urn` and `themis` (RFC 8141) and the uuid "
            "(RFC 9562) may have any case and are normalised to lower case; model, namespace and collection are "
            "exact. There is no percent-decoding. The nil uuid is refused, the max uuid and all versions and "
            "variants are accepted. `position` is the offset of the first character that breaks the grammar, or "
            "the length of the text if something is missing at its end. Components are judged from left to "
            "right; the uuid is all that follows the fifth colon."
        ),
        operations={
            "parse": (
                "{text} -> {model, namespace, collection, uuid, text: normalised, quoted: as one path segment}, "
                "or refused {reason, position}"
            )
        },
        vectors=tuple(_accepted(*case) for case in _valid()) + tuple(_refused(*case) for case in _invalid()),
    )


def _accepted(name: str, text: str) -> Vector:
    model, namespace, collection, uuid = parse(text)
    normal = f"urn:themis:{model}:{namespace}:{collection}:{uuid}"
    result = {"model": model, "namespace": namespace, "collection": collection, "uuid": uuid}
    return expect(name, "parse", {"text": text}, {**result, "text": normal, "quoted": quote(normal, safe="")})


def _refused(name: str, text: str, reason: str, position: int) -> Vector:
    """`reason` and `position` are written by hand; the reference must agree with them."""
    try:
        parse(text)
    except RefusedError as refusal:
        if (refusal.reason, refusal.position) != (reason, position):
            raise AssertionError(f"{name}: the reference says {refusal.reason} at {refusal.position}") from refusal
        return refuse(name, "parse", {"text": text}, {"reason": reason, "position": position})
    raise AssertionError(f"{name}: the reference accepts {text!r}")


def _valid() -> Iterator[tuple[str, str]]:
    for model in MODELS:
        yield f"the model {model}", f"urn:themis:{model}:default:users:{_UUID}"
    yield "scheme in upper case", f"URN:themis:document:default:users:{_UUID}"
    yield "scheme in mixed case", f"uRn:themis:document:default:users:{_UUID}"
    yield "namespace identifier in upper case", f"urn:THEMIS:document:default:users:{_UUID}"
    yield "namespace identifier in mixed case", f"urn:Themis:document:default:users:{_UUID}"
    yield "uuid in upper case", f"urn:themis:document:default:users:{_UUID.upper()}"
    yield "uuid in mixed case", "urn:themis:document:default:users:550E8400-e29B-41d4-A716-446655440000"
    yield "all that may be in upper case", f"URN:THEMIS:vector:Default:USERS:{_UUID.upper()}"
    yield "namespace and collection keep their case", f"urn:themis:graph:Customer_A:Friends:{_UUID}"
    yield "names of one character", f"urn:themis:document:a:b:{_UUID}"
    yield "names that begin with a digit", f"urn:themis:document:1a:2b:{_UUID}"
    yield "names that begin with an underscore", f"urn:themis:document:_a:_b:{_UUID}"
    yield "names with dots and hyphens", f"urn:themis:document:a.b-c:d-e.f:{_UUID}"
    yield "names that end with dot and hyphen", f"urn:themis:document:a.:b-:{_UUID}"
    yield "two dots within a name", f"urn:themis:document:a..b:c..d:{_UUID}"
    yield "names of digits", f"urn:themis:timeseries:2013:01:{_UUID}"
    yield "names of 63 characters", f"urn:themis:document:{'n' * 63}:{'c' * 63}:{_UUID}"
    yield "names that are words of the grammar", f"urn:themis:document:urn:themis:{_UUID}"
    yield "the max uuid", "urn:themis:document:default:users:ffffffff-ffff-ffff-ffff-ffffffffffff"
    yield "the max uuid in upper case", "urn:themis:document:default:users:FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF"
    yield "one above the nil uuid", "urn:themis:document:default:users:00000000-0000-0000-0000-000000000001"
    for version in (1, 2, 3, 4, 5, 6, 7, 8):
        yield (
            f"uuid of version {version}",
            f"urn:themis:document:default:users:550e8400-e29b-{version}1d4-a716-446655440000",
        )
    for digit in "07cef":
        yield (
            f"uuid with the variant digit {digit}",
            f"urn:themis:document:d:u:550e8400-e29b-41d4-{digit}716-446655440000",
        )
    for index, uuid in enumerate(sample_uuids(8)):
        yield f"sample {index}", f"urn:themis:{MODELS[index % 5]}:default:c{index}:{uuid}"


def _invalid() -> Iterator[tuple[str, str, str, int]]:
    yield from _wrong_beginnings()
    yield from _wrong_names()
    yield from _wrong_uuids()


def _wrong_beginnings() -> Iterator[tuple[str, str, str, int]]:
    rest = f"default:users:{_UUID}"
    yield "empty text", "", "scheme", 0
    yield "a bare word", "users", "scheme", 0
    yield "a bare uuid", _UUID, "scheme", 0
    yield "no scheme", f"themis:document:{rest}", "scheme", 0
    yield "another scheme", f"url:themis:document:{rest}", "scheme", 0
    yield "a blank before", f" urn:themis:document:{rest}", "scheme", 0
    yield "a byte order mark before", f"\ufeffurn:themis:document:{rest}", "scheme", 0
    yield "another namespace identifier", f"urn:uuid:{_UUID}", "nid", 4
    yield "a longer namespace identifier", f"urn:themisdb:document:{rest}", "nid", 4
    yield "an empty namespace identifier", f"urn::document:{rest}", "nid", 4
    yield "long s in the namespace identifier (S when raised)", f"urn:themi\u017f:document:{rest}", "nid", 4
    yield "dotted capital I in the namespace identifier", f"urn:them\u0130s:document:{rest}", "nid", 4
    yield "percent-encoded as a whole", f"urn%3Athemis%3Adocument%3Adefault%3Ausers%3A{_UUID}", "scheme", 0
    yield "only the scheme", "urn", "nid", 3
    yield "scheme and colon", "urn:", "nid", 4
    yield "nothing after the namespace identifier", "urn:themis", "model", 10
    yield "an empty model", "urn:themis:", "model", 11
    yield "nothing after the model", "urn:themis:document", "namespace", 19
    yield "nothing after the namespace", "urn:themis:document:default", "collection", 27
    yield "nothing after the collection", "urn:themis:document:default:users", "uuid", 33
    yield "an unknown model", f"urn:themis:documents:{rest}", "model", 11
    yield "a model in upper case", f"urn:themis:DOCUMENT:{rest}", "model", 11
    yield "a model with a capital", f"urn:themis:Document:{rest}", "model", 11
    yield "a model with a blank", f"urn:themis:document :{rest}", "model", 11
    yield "no model", f"urn:themis:{rest}", "model", 11
    yield "a prefix of a model", f"urn:themis:time:{rest}", "model", 11
    yield "the prototype of JavaScript objects as model", f"urn:themis:__proto__:{rest}", "model", 11


def _wrong_names() -> Iterator[tuple[str, str, str, int]]:
    start = len("urn:themis:document:")
    second = len("urn:themis:document:default:")
    for what, name, at in (
        ("is empty", "", 0),
        ("begins with a dot", ".a", 0),
        ("begins with a hyphen", "-a", 0),
        ("is two dots", "..", 0),
        ("has a blank", "a b", 1),
        ("has a slash", "a/b", 1),
        ("has a backslash", "a\\b", 1),
        ("has a percent sign", "a%2Fb", 1),
        ("has a zero character", "a\0b", 1),
        ("has a line feed", "a\nb", 1),
        ("ends with a line feed", "abc\n", 3),
        ("has an umlaut", "gr\u00f6\u00dfe", 2),
        ("has an Arabic digit", "a\u0661", 1),
        ("has a letter of full width", "\uff41bc", 0),
        ("has an emoji", "ab\U0001f600", 2),
        ("has a plus sign", "a+b", 1),
        ("has a star", "*", 0),
        ("has a tilde", "a~", 1),
        ("has 64 characters", "n" * 64, 63),
        ("has 300 characters", "n" * 300, 63),
        ("is long and wrong after the limit", "n" * 63 + "/", 63),
    ):
        yield f"a namespace that {what}", f"urn:themis:document:{name}:users:{_UUID}", "namespace", start + at
        yield f"a collection that {what}", f"urn:themis:document:default:{name}:{_UUID}", "collection", second + at
    yield "two mistakes: the first is reported", "urn:themis:document:-a:-b:nil", "namespace", start
    yield "wrong and then missing: wrong is reported", "urn:themis:document:-a", "namespace", start


def _wrong_uuids() -> Iterator[tuple[str, str, str, int]]:
    prefix = "urn:themis:document:default:users:"
    for name, uuid, at in (
        ("of no characters", "", 0),
        ("without hyphens", _UUID.replace("-", ""), 8),
        ("in braces", f"{{{_UUID}}}", 0),
        ("one digit short", _UUID[:-1], 35),
        ("one digit long", f"{_UUID}0", 36),
        ("with g for a digit", _UUID.replace("e", "g", 1), 3),
        ("with a wrong last digit", f"{_UUID[:-1]}x", 35),
        ("with a hyphen displaced", "550e840-0e29b-41d4-a716-446655440000", 7),
        ("with a digit for the last hyphen", "550e8400-e29b-41d4-a7160446655440000", 23),
        ("with another hyphen", _UUID.replace("-", "\u2010"), 8),
        ("with an Arabic digit", f"\u0665{_UUID[1:]}", 0),
        ("with a digit of full width", f"{_UUID[:-1]}\uff10", 35),
        ("with a line feed after it", f"{_UUID}\n", 36),
        ("with a blank after it", f"{_UUID} ", 36),
        ("with a seventh component", f"{_UUID}:x", 36),
        ("with a colon after it", f"{_UUID}:", 36),
        ("with a slash after it", f"{_UUID}/", 36),
        ("with a fragment (an r- or f-component of RFC 8141)", f"{_UUID}#part", 36),
        ("with a query (a q-component of RFC 8141)", f"{_UUID}?=a", 36),
        ("that is a word", "alice", 1),
        ("that is a number", "42", 2),
        ("with a colon inside", "550e8400:e29b:41d4:a716:446655440000", 8),
        ("that is nil but too long", f"{NIL}0", 36),
        ("that is nil but too short", NIL[:-1], 35),
    ):
        yield f"a uuid {name}", prefix + uuid, "uuid", len(prefix) + at
    yield "the nil uuid", prefix + NIL, "nil_uuid", len(prefix)
    yield "the nil uuid under another prefix", f"URN:THEMIS:graph:a:b:{NIL}", "nil_uuid", len("urn:themis:graph:a:b:")
