"""Emits `models.ts`: an interface for each body, with the member names of the wire.

As in the Python SDK an enumeration in an answer is plain text, for a newer server may know more values; in a request it
is the enumeration. What is absent has no member (`?`), what is null is `null`: under exactOptionalPropertyTypes the two
are different things, as they are on the wire.
"""

from __future__ import annotations

from dataclasses import dataclass

from tools.codegen.ir import Alias, Api, Array, Field, FreeMap, Named, Pair, Scalar, Struct, Type
from tools.codegen.typescript_text import check_names, doc, header, member_name, text_literal

__all__ = ["emit_typescript_models", "enumeration"]

_SCALARS = {"string": "string", "integer": "number", "number": "number", "boolean": "boolean", "datetime": "string"}


def emit_typescript_models(api: Api) -> str:
    """Return the text of `models.ts`."""
    emitter = _Emitter({alias.name: alias for alias in api.aliases})
    check_names([*(alias.name for alias in api.aliases), *(struct.name for struct in api.structs)])
    parts = [
        header("The bodies of requests and answers."),
        *(emitter.alias(alias) for alias in api.aliases),
        *(emitter.struct(struct) for struct in api.structs),
    ]
    return "\n\n".join(parts) + "\n"


def enumeration(name: str, about: str, members: list[tuple[str, str, str]]) -> str:
    """A const object and the union of its values under one name; `members` are name, value and comment."""
    lines = [doc(about), f"export const {name} = {{"]
    for member, value, comment in members:
        lines += [comment, f"  {member}: {text_literal(value)},"]
    lines += ["} as const;", "", doc(about), f"export type {name} = (typeof {name})[keyof typeof {name}];"]
    return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class _Emitter:
    aliases: dict[str, Alias]

    def alias(self, alias: Alias) -> str:
        if isinstance(alias.type, Scalar) and alias.type.constraints.enum:
            values = [member_name(value, alias.name) for value in alias.type.constraints.enum]
            members = [(value.upper(), value, doc(f"`{value}`.", "  ")) for value in values]
            return enumeration(alias.name, alias.description, members)
        return f"{doc(alias.description)}\nexport type {alias.name} = {self.type(alias.type, is_request=True)};"

    def struct(self, struct: Struct) -> str:
        fields = "\n\n".join(self.field(field, struct) for field in struct.fields)
        return f"{doc(struct.description)}\nexport interface {struct.name} {{\n{fields}\n}}"

    def field(self, field: Field, struct: Struct) -> str:
        name = member_name(field.name, struct.name)
        kind = self.type(field.type, is_request=struct.is_request) + (" | null" if field.nullable else "")
        return f"{doc(field.description, '  ')}\n  readonly {name}{'' if field.required else '?'}: {kind};"

    def type(self, kind: Type, *, is_request: bool) -> str:
        match kind:
            case Named(name):
                alias = self.aliases.get(name)
                is_open = alias is not None and isinstance(alias.type, Scalar) and not is_request
                return "string" if is_open else name
            case FreeMap():
                return "Record<string, unknown>"
            case Array(item):
                inner = self.type(item, is_request=is_request)
                return f"readonly ({inner})[]" if " " in inner.partition("<")[0] else f"readonly {inner}[]"
            case Pair(items):
                return f"readonly [{', '.join(self.type(item, is_request=is_request) for item in items)}]"
            case Scalar():
                if is_request and kind.constraints.enum is not None:
                    return " | ".join(text_literal(value) for value in kind.constraints.enum)
                return _SCALARS[kind.kind]
