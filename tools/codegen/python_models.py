"""Emits `models.py`: msgspec Structs for server and Python SDK.

The two sides differ in three things, and only in these. A document is `msgspec.Raw` in the server, which stores the
bytes as they came and never looks at most of them; in the SDK it is a dictionary. The server checks what it decodes;
the SDK does not, because a newer server may widen a limit. And an enumeration in an answer is plain text for the SDK,
for a newer server may know more values.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tools.codegen.ir import Alias, Api, Array, Constraints, Field, FreeMap, Named, Pair, Scalar, Struct, Type
from tools.codegen.python_text import docstring, format_python, literal, python_pattern

__all__ = ["Side", "emit_models"]

Side = Literal["server", "client"]


def emit_models(api: Api, side: Side) -> str:
    """Return the text of `models.py` for one side."""
    return _Emitter(api, side).emit()


@dataclass(frozen=True, slots=True)
class _Emitter:
    api: Api
    side: Side

    def emit(self) -> str:
        names = sorted([alias.name for alias in self.api.aliases] + [struct.name for struct in self.api.structs])
        parts = [
            docstring(
                "The bodies of requests and answers, as spec/openapi.yaml declares them. Generated: do not edit.",
                self._explanation(),
            ),
            "from __future__ import annotations",
            "import datetime\nfrom typing import Annotated, Any, Literal, TypeAlias\n\nimport msgspec",
            f"__all__ = {list(names)!r}",
            *(self._alias(alias) for alias in self.api.aliases),
            *(self._struct(struct) for struct in self.api.structs),
        ]
        return format_python("\n\n".join(parts), "models.py")

    def _explanation(self) -> str:
        if self.side == "server":
            return (
                "Requests refuse unknown members and check their scalars. How many items a list may have is not "
                "checked here: that limit has an error code of its own. Documents stay the bytes that came "
                "(`msgspec.Raw`); an absent one is UNSET, never empty: empty bytes would be written as they are."
            )
        return "Unknown members of an answer are ignored, and its values are not checked: a newer server may say more."

    def _alias(self, alias: Alias) -> str:
        return f"{alias.name}: TypeAlias = {self._type(alias.type, is_request=True)}\n{docstring(alias.description)}"

    def _struct(self, struct: Struct) -> str:
        options = ["kw_only=True", "frozen=True"]
        if struct.is_request:
            options.append("forbid_unknown_fields=True")
        if any(not field.required for field in struct.fields):
            # What is absent stays absent when this side encodes it.
            options.append("omit_defaults=True")
        if all(self._is_leaf(field.type) for field in struct.fields):
            # Holds nothing that could hold it: the collector need not look at it. Decodes batches a tenth faster.
            options.append("gc=False")
        lines = [f"class {struct.name}(msgspec.Struct, {', '.join(options)}):", indented(docstring(struct.description))]
        for field in struct.fields:
            lines += ["", indented(self._field(field, struct)), indented(docstring(field.description))]
        if any(field.secret for field in struct.fields):
            shown = ", ".join(
                f"{field.name}=..." if field.secret else f"{field.name}={{self.{field.name}!r}}"
                for field in struct.fields
            )
            about = indented(docstring("Describe it without its secret."))
            method = f'def __repr__(self) -> str:\n{about}\n    return f"{struct.name}({shown})"'
            lines += ["", indented(method)]
        return "\n".join(lines)

    def _field(self, field: Field, struct: Struct) -> str:
        kind = self._type(field.type, is_request=struct.is_request)
        if field.required:
            return f"{field.name}: {kind} | None" if field.nullable else f"{field.name}: {kind}"
        if field.nullable:
            return f"{field.name}: {kind} | None | msgspec.UnsetType = msgspec.UNSET"
        # In a request null is not the same as absent, and not allowed; and msgspec has no union of Raw and None.
        if self._is_raw(field.type) or (struct.is_request and self.side == "server"):
            return f"{field.name}: {kind} | msgspec.UnsetType = msgspec.UNSET"
        return f"{field.name}: {kind} | None = None"

    def _is_leaf(self, kind: Type) -> bool:
        if isinstance(kind, Named):
            alias = next((alias for alias in self.api.aliases if alias.name == kind.name), None)
            return alias is not None and (isinstance(alias.type, Scalar) or self._is_raw(kind))
        return isinstance(kind, Scalar)

    def _is_raw(self, kind: Type) -> bool:
        if self.side == "client" or not isinstance(kind, Named):
            return False
        return any(alias.name == kind.name and isinstance(alias.type, FreeMap) for alias in self.api.aliases)

    def _type(self, kind: Type, *, is_request: bool) -> str:
        match kind:
            case Named(name):
                alias = next((alias for alias in self.api.aliases if alias.name == name), None)
                if alias and isinstance(alias.type, Scalar) and self.side == "client" and not is_request:
                    return "str"
                return name
            case FreeMap():
                return "msgspec.Raw" if self.side == "server" else "dict[str, Any]"
            case Array(item):
                return f"list[{self._type(item, is_request=is_request)}]"
            case Pair(items):
                return f"tuple[{', '.join(self._type(item, is_request=is_request) for item in items)}]"
            case Scalar():
                return self._scalar(kind, is_request=is_request)

    def _scalar(self, kind: Scalar, *, is_request: bool) -> str:
        enum = kind.constraints.enum
        if enum is not None and (is_request or self.side == "server"):
            return f"Literal[{', '.join(literal(value) for value in enum)}]"
        name = {
            "string": "str",
            "integer": "int",
            "number": "float",
            "boolean": "bool",
            "datetime": "datetime.datetime",
        }[kind.kind]
        limits = _meta(kind.constraints) if is_request and self.side == "server" else ""
        return f"Annotated[{name}, msgspec.Meta({limits})]" if limits else name


def _meta(constraints: Constraints) -> str:
    arguments = {
        "ge": constraints.minimum,
        "le": constraints.maximum,
        "min_length": constraints.min_length,
        "max_length": constraints.max_length,
        "pattern": python_pattern(constraints.pattern),
    }
    return ", ".join(f"{name}={literal(value)}" for name, value in arguments.items() if value is not None)


def indented(text: str) -> str:
    """Indent every line that is not empty by four spaces."""
    return "\n".join(f"    {line}" if line else line for line in text.split("\n"))
