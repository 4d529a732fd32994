"""What scenario files and protocol files have in common: the suite, the defaults, `each`, the gates."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from themis_conformance.adapter import FEATURES, MODES
from themis_conformance.format.fields import Fields, check_id
from themis_conformance.makers import counts_copies
from themis_conformance.mistake import Mistake
from themis_conformance.model import Requires
from themis_conformance.variables import names_in, substitute
from themis_conformance.yaml_text import read_yaml

__all__ = ["LIMIT_S", "Entry", "check_variables", "merged", "read_suite", "take_limit", "take_requires"]

LIMIT_S: Final = 20.0
"""How long a case may take that does not say so."""

_KINDS: Final = frozenset({"uuid", "urn", "quoted"})
_FILES: Final = frozenset({"ca_file", "cert_file", "key_file"})


class Entry(NamedTuple):
    """A case as it was written, defaults and `with` put in."""

    case_id: str
    suite: str
    raw: dict[str, Any]


def read_suite(path: Path, layer: str, defaults_allowed: tuple[str, ...]) -> Iterator[Entry | Mistake]:
    """Read a file: one Entry a case, or the Mistake instead of it."""
    try:
        fields = Fields(read_yaml(path), "")
        suite = fields.need_text("suite")
        if suite != path.stem:
            raise Mistake(f"the suite is called {suite!r}, and the file {path.name}", "suite")
        check_id(suite, "suite")
        fields.need_text("about")
        defaults = fields.table("defaults")
        for key in defaults:
            if key not in defaults_allowed:
                raise Mistake(f"unknown key {key!r}", "defaults")
        cases = fields.items("cases")
        fields.end()
        if not cases:
            raise Mistake("there are no cases", "cases")
    except Mistake as mistake:
        yield mistake.at(str(path))
        return
    for where, raw in cases:
        place = str(path)
        try:
            name = check_id(Fields(raw, where).need("name"), f"{where}.name")
            place = f"{path}: {layer}/{suite}/{name}"
            yield from _expanded(layer, suite, name, merged(defaults, raw))
        except Mistake as mistake:
            yield mistake.at(place)


def _expanded(layer: str, suite: str, name: str, raw: dict[str, Any]) -> Iterator[Entry]:
    case_id = f"{layer}/{suite}/{name}"
    if "each" not in raw:
        yield Entry(case_id, suite, raw)
        return
    fields = Fields({"each": raw["each"]}, "")
    seen: set[str] = set()
    rest = {key: value for key, value in raw.items() if key != "each"}
    entries = fields.items("each")
    if not entries:
        raise Mistake("expected a list of {id, with}", "each")
    for where, element in entries:
        one = Fields(element, where)
        entry_id = check_id(str(one.need("id")), f"{where}.id")
        if entry_id in seen:
            raise Mistake(f"the id {entry_id!r} occurs twice", where)
        seen.add(entry_id)
        values = {f"with.{key}": value for key, value in one.table("with").items()}
        one.end()
        yield Entry(f"{case_id}[{entry_id}]", suite, _filled(rest, values))


def _filled(value: Any, values: dict[str, Any]) -> Any:
    """Put the values of `with` in."""
    if isinstance(value, str):
        return substitute(value, values) if "${with." in value else value
    if isinstance(value, list):
        return [_filled(element, values) for element in value]
    if isinstance(value, dict):
        return {
            _filled(key, values) if isinstance(key, str) else key: _filled(member, values)
            for key, member in value.items()
        }
    return value


def merged(below: Any, above: Any) -> Any:
    """Objects are merged member by member; anything else is replaced."""
    if not isinstance(below, dict) or not isinstance(above, dict):
        return above
    return {
        **below,
        **{key: merged(below[key], value) if key in below else value for key, value in above.items()},
    }


def take_requires(fields: Fields, derived: set[str]) -> Requires:
    """`requires:`, and the features that follow from what the case does."""
    requires = Fields(fields.take("requires", {}), fields.at("requires"))
    features, modes = requires.texts("features"), requires.texts("modes")
    requires.end()
    for feature in features:
        if feature not in FEATURES:
            raise Mistake(f"there is no feature {feature!r}", requires.at("features"))
    for mode in modes:
        if mode not in MODES:
            raise Mistake(f"there is no mode {mode!r}", requires.at("modes"))
    return Requires(frozenset(features) | derived, tuple(modes))


def take_limit(fields: Fields) -> float:
    """`limit_ms:`, how long the case may take."""
    limit_ms = fields.whole("limit_ms", int(LIMIT_S * 1000), minimum=1) or 1
    return limit_ms / 1000


def check_variables(value: Any, path: str, *, saved: set[str], nodes: int, tls: bool, copies: bool) -> None:
    """Refuse variables that stand for nothing.

    Args:
        value: Whatever may have variables in it.
        path: Its name in the complaints.
        saved: The names saved before.
        nodes: How many nodes there are.
        tls: Whether there are certificates.
        copies: Whether ${i} means something here.
    """
    for text, name in names_in(value):
        kind, _, rest = name.partition(".")
        known = (
            name == "namespace"
            or name in saved
            or (name == "i" and (copies or counts_copies(value)))
            or (kind in _KINDS and bool(rest))
            or (kind == "node" and rest.isdigit() and int(rest) < nodes)
            or (kind == "tls" and tls and rest in _FILES)
        )
        if not known:
            raise Mistake(f"${{{name}}} stands for nothing here ({text[:100]!r})", path)
