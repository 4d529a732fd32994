"""What stands behind `${...}` while a case runs.

    ${namespace}            a name that no other run of a case has
    ${uuid.a}               a random uuid, the same wherever the case says ${uuid.a}
    ${uuid.shard_002.a}     one that this shard owns
    ${urn.a}                urn:themis:document:${namespace}:things:${uuid.a}; ${urn.shard_002.a} likewise
    ${quoted.a}             ${urn.a}, percent-encoded as one path segment
    ${node.0}               the URL of a node
    ${tls.ca_file}          files of the made-up authority
    ${i}                    in makers and repeated calls: the number of the copy, from 0
    ${name}                 what a step saved under that name

A text that is nothing but one variable becomes its value, with its type; inside a longer text the value is written out.
`$${` stands for `${`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote
from uuid import UUID, uuid4

from themis_conformance.makers import deep, is_maker, repeated_text
from themis_conformance.ring import Ring, uuid_of_shard

__all__ = ["UnknownVariable", "Variables", "names_in", "substitute"]

# Innermost first, so that ${uuid.k${i}} works.
_VARIABLE: Final = re.compile(r"(?<!\$)\$\{([^${}]*)\}")
_ESCAPED: Final = "$${"


class UnknownVariable(Exception):
    """A name that stands for nothing (here)."""


def substitute(text: str, values: Mapping[str, Any]) -> Any:
    """Replace the variables that `values` has, leave the others; a text that is one variable becomes its value."""
    whole = _VARIABLE.fullmatch(text)
    if whole and whole[1] in values:
        return values[whole[1]]
    return _VARIABLE.sub(lambda found: _written(values[found[1]]) if found[1] in values else found[0], text)


def names_in(value: Any) -> Iterator[tuple[str, str]]:
    """All variables in a value: (text it stands in, name)."""
    if isinstance(value, str):
        text = value
        while found := _VARIABLE.search(text):
            yield value, found[1]
            text = f"{text[: found.start()]}0{text[found.end() :]}"
    elif isinstance(value, list):
        for element in value:
            yield from names_in(element)
    elif isinstance(value, dict):
        for name, member in value.items():
            yield from names_in(str(name))
            yield from names_in(member)


def _written(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


@dataclass
class Variables:
    """The variables of one run of a case.

    Args:
        ring: Who owns which uuid, for ${uuid.shard_002.a}; None where nobody knows.
        nodes: The URLs of the nodes.
        files: What ${tls....} stands for.
    """

    ring: Ring | None = None
    nodes: list[str] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)
    namespace: str = field(default_factory=lambda: f"case_{uuid4().hex[:16]}")
    saved: dict[str, Any] = field(default_factory=dict)
    _uuids: dict[str, str] = field(default_factory=dict)

    def lookup(self, name: str) -> Any:
        """What a variable stands for; raises UnknownVariable."""
        if name in self.saved:
            return self.saved[name]
        kind, _, rest = name.partition(".")
        if name == "namespace":
            return self.namespace
        if kind == "uuid" and rest:
            return self._uuid(rest)
        if kind == "urn" and rest:
            return self._urn(rest)
        if kind == "quoted" and rest:
            return quote(self._urn(rest), safe="")
        if kind == "node" and rest.isdigit() and int(rest) < len(self.nodes):
            return self.nodes[int(rest)]
        if kind == "tls" and rest in self.files:
            return self.files[rest]
        raise UnknownVariable(f"${{{name}}} stands for nothing here")

    def resolve(self, value: Any, **more: Any) -> Any:
        """Put values in the place of variables and makers, at any depth; `more` are further variables."""
        if isinstance(value, str):
            return self._text(value, more)
        if isinstance(value, list):
            return [self.resolve(element, **more) for element in value]
        if not isinstance(value, dict):
            return value
        if is_maker(value):
            return self._made(value, more)
        return {self._key(name, more): self.resolve(member, **more) for name, member in value.items()}

    def _key(self, name: Any, more: dict[str, Any]) -> Any:
        return str(self._text(name, more)) if isinstance(name, str) and "$" in name else name

    def _text(self, text: str, more: dict[str, Any]) -> Any:
        if "${" not in text:
            return text
        while found := _VARIABLE.search(text):
            name = found[1]
            value = more[name] if name in more else self.lookup(name)
            if found.span() == (0, len(text)):
                return value
            # What a variable stands for is not read again: its own ${ would be somebody else's.
            written = _written(value).replace("${", _ESCAPED)
            text = text[: found.start()] + written + text[found.end() :]
        return text.replace(_ESCAPED, "${")

    def _made(self, value: dict[str, Any], more: dict[str, Any]) -> Any:
        ((name, operand),) = value.items()
        if name == "$literal":
            return {key: self.resolve(member, **more) for key, member in operand.items()}
        if name == "$int":
            return int(self.resolve(operand, **more))
        if "deep" in operand:
            return deep(self.resolve(operand["deep"], **more))
        if "text" in operand:
            return repeated_text(
                self.resolve(operand["text"], **more), str(self.resolve(operand.get("of", "x"), **more))
            )
        if "list" in operand:
            size = self.resolve(operand["list"], **more)
            return [self.resolve(operand["of"], **{**more, "i": i}) for i in range(size)]
        key = operand.get("key", "k${i}")
        size = self.resolve(operand["map"], **more)
        return {
            str(self.resolve(key, **{**more, "i": i})): self.resolve(operand["of"], **{**more, "i": i})
            for i in range(size)
        }

    def _uuid(self, name: str) -> str:
        known = self._uuids.get(name)
        if known is None:
            shard, _, rest = name.partition(".")
            if rest and self.ring is not None:
                known = uuid_of_shard(self.ring, shard, _random_uuid)
            elif rest:
                raise UnknownVariable(f"${{uuid.{name}}}: nobody knows the shards here")
            else:
                known = str(_random_uuid())
            self._uuids[name] = known
        return known

    def _urn(self, name: str) -> str:
        return f"urn:themis:document:{self.namespace}:things:{self._uuid(name)}"


def _random_uuid() -> UUID:
    return uuid4()
