"""Emits the records: one for each body, and an enumeration for each named one.

As in the Python SDK an enumeration in an answer is plain text, for a newer server may know more values; in a request it
is the enumeration. A member that may be absent or null is a component that may be null. Lists are copied, so a record
cannot change; documents are Jackson's trees and are not copied.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tools.codegen.ir import Alias, Api, Array, Field, FreeMap, Named, Pair, Scalar, Struct, Type
from tools.codegen.java_text import (
    check_type_names,
    component_name,
    constant_name,
    file_head,
    javadoc,
    listed,
    quoted,
)
from tools.codegen.source import SpecError

__all__ = ["emit_java_models"]

_ANNOTATIONS: Final = "com.fasterxml.jackson.annotation"
_DATABIND: Final = "com.fasterxml.jackson.databind"
_IMPORTS: Final = {
    "Instant": "java.time.Instant",
    "JsonDeserialize": f"{_DATABIND}.annotation.JsonDeserialize",
    "JsonIgnoreProperties": f"{_ANNOTATIONS}.JsonIgnoreProperties",
    "JsonInclude": f"{_ANNOTATIONS}.JsonInclude",
    "JsonProperty": f"{_ANNOTATIONS}.JsonProperty",
    "JsonSerialize": f"{_DATABIND}.annotation.JsonSerialize",
    "List": "java.util.List",
    "Nullable": "org.jspecify.annotations.Nullable",
    "ObjectNode": f"{_DATABIND}.node.ObjectNode",
    "Objects": "java.util.Objects",
    "ToStringSerializer": f"{_DATABIND}.ser.std.ToStringSerializer",
}
_PRIMITIVES: Final = {"int": "Integer", "long": "Long", "double": "Double", "boolean": "Boolean"}

_INSTANT_READER: Final = """
/** Reads a time as RFC 3339 writes it, without Jackson's module for {@code java.time}. */
public final class InstantReader extends JsonDeserializer<Instant> {
  /** Creates one; Jackson does. */
  public InstantReader() {}

  @Override
  public Instant deserialize(JsonParser parser, DeserializationContext context) throws IOException {
    if (!parser.hasToken(JsonToken.VALUE_STRING)) {
      throw context.wrongTokenException(parser, Instant.class, JsonToken.VALUE_STRING, "a time");
    }
    String text = parser.getText();
    try {
      return Instant.parse(text);
    } catch (DateTimeParseException error) {
      throw context.weirdStringException(text, Instant.class, error.getMessage());
    }
  }
}
"""


def emit_java_models(api: Api) -> dict[str, str]:
    """Return the sources: file name and text, `package-info.java` and the reader of times among them."""
    emitter = _Emitter({alias.name: alias for alias in api.aliases})
    check_type_names([*(alias.name for alias in api.aliases), *(struct.name for struct in api.structs)])
    files = {"package-info.java": _package_info(), "InstantReader.java": _instant_reader()}
    for alias in api.aliases:
        if isinstance(alias.type, Scalar):
            files[f"{alias.name}.java"] = _enumeration(alias)
    for struct in api.structs:
        files[f"{struct.name}.java"] = emitter.record(struct)
    return files


def _package_info() -> str:
    mark, package = file_head().split("\n\n")
    about = javadoc(
        "The bodies, operations and error codes of the HTTP API, as its specification declares them.",
        more=[
            "Reading an answer ignores members that are not known, for a newer server may say more, and fails if a "
            "required one is missing. Where a member may be absent or null its component is nullable. Times are "
            "instants, integers fit 53 bits, and documents are Jackson's trees."
        ],
    )
    imported = "import org.jspecify.annotations.NullMarked;"
    return f"{mark}\n\n{about}\n@NullMarked\n{package}\n\n{imported}\n"


def _instant_reader() -> str:
    core = "com.fasterxml.jackson.core"
    imports = (
        f"{core}.JsonParser",
        f"{core}.JsonToken",
        f"{_DATABIND}.DeserializationContext",
        f"{_DATABIND}.JsonDeserializer",
        "java.io.IOException",
        "java.time.Instant",
        "java.time.format.DateTimeParseException",
    )
    return f"{file_head(imports)}\n{_INSTANT_READER}"


def _enumeration(alias: Alias) -> str:
    values = alias.type.constraints.enum if isinstance(alias.type, Scalar) else None
    if not values:
        raise SpecError(f"{alias.name}: a named scalar must be an enumeration to be a type in Java")
    constants = ",\n\n".join(
        f"  /** {{@code {value}}}. */\n  {constant_name(value, alias.name)}({quoted(value)})" for value in values
    )
    head = file_head([f"{_ANNOTATIONS}.JsonCreator", f"{_ANNOTATIONS}.JsonValue"])
    return f"""{head}

{javadoc(alias.description)}
public enum {alias.name} {{
{constants};

  private final String wire;

  {alias.name}(String wire) {{
    this.wire = wire;
  }}

  /**
   * Returns the name that the API has for it.
   *
   * @return the name, in lower case
   */
  @JsonValue
  public String wire() {{
    return wire;
  }}

  /**
   * Finds the constant of a name of the API.
   *
   * @param wire the name, in lower case
   * @return the constant
   * @throws IllegalArgumentException if there is none
   */
  @JsonCreator
  public static {alias.name} of(String wire) {{
    for ({alias.name} each : values()) {{
      if (each.wire.equals(wire)) {{
        return each;
      }}
    }}
    throw new IllegalArgumentException("there is no {alias.name} " + wire);
  }}
}}
"""


@dataclass(frozen=True, slots=True)
class _Emitter:
    aliases: dict[str, Alias]

    def record(self, struct: Struct) -> str:
        components = [self.component(field, struct) for field in struct.fields]
        tags = [(f"@param {component_name(field.name, struct.name)}", self.about(field)) for field in struct.fields]
        lines = [javadoc(struct.description, tags=tags)]
        if not struct.is_request:
            lines.append("@JsonIgnoreProperties(ignoreUnknown = true)")
        if any(not field.required for field in struct.fields):
            lines.append("@JsonInclude(JsonInclude.Include.NON_NULL)")
        checks = self.checks(struct)
        shown = self.shown(struct)
        if checks or shown:
            lines.append(listed(f"public record {struct.name}(", components, ") {", ""))
            if checks:
                about = javadoc("Checks what must be there, and copies the lists.", "  ", tags=tags)
                lines += [about, f"  public {struct.name} {{", *(f"    {check}" for check in checks), "  }"]
            lines += [*([""] if checks and shown else []), *shown, "}"]
        else:
            lines.append(listed(f"public record {struct.name}(", components, ") {}", ""))
        body = "\n".join(lines)
        used = [path for name, path in _IMPORTS.items() if _mentions(body, name)]
        return f"{file_head(used)}\n\n{body}\n"

    def shown(self, struct: Struct) -> list[str]:
        """Return a `toString` that keeps secrets to itself; no lines if there are none."""
        if not any(field.secret for field in struct.fields):
            return []
        operands, text = [], f"{struct.name}["
        for number, field in enumerate(struct.fields):
            name = component_name(field.name, struct.name)
            text += f"{', ' if number else ''}{name}="
            if field.secret:
                text += "..."
            else:
                operands += [quoted(text), name]
                text = ""
        operands.append(quoted(f"{text}]"))
        about = javadoc("Describes it without its secret.", "  ", tags=[("@return", "the components as text")])
        first, *others = operands
        lines = [f"    return {first}", *(f"        + {operand}" for operand in others)]
        return [about, "  @Override", "  public String toString() {", *lines[:-1], f"{lines[-1]};", "  }"]

    def local(self, name: str) -> str:
        return component_name(name, "exactly one of")

    def about(self, field: Field) -> str:
        text = field.description.rstrip(".")
        if text[:2].istitle():  # an ordinary word, no abbreviation
            text = text[0].lower() + text[1:]
        if field.required:
            return f"{text}; may be null" if field.nullable else text
        return f"{text}; null if absent"

    def component(self, field: Field, struct: Struct) -> str:
        name = component_name(field.name, struct.name)
        where = f"{struct.name}.{field.name}"
        kind = self.type(field.type, where, is_request=struct.is_request)
        parts = []
        if field.required and not struct.is_request:
            parts.append(f"@JsonProperty(value = {quoted(field.name)}, required = true)")
        elif name != field.name:
            parts.append(f"@JsonProperty({quoted(field.name)})")
        if kind == "Instant":
            parts.append("@JsonDeserialize(using = InstantReader.class)")
            parts.append("@JsonSerialize(using = ToStringSerializer.class)")
        if not field.required or field.nullable:
            parts.append("@Nullable")
            kind = _PRIMITIVES.get(kind, kind)
        return " ".join([*parts, kind, name])

    def checks(self, struct: Struct) -> list[str]:
        lines = []
        for field in struct.fields:
            name = component_name(field.name, struct.name)
            kind = self.type(field.type, f"{struct.name}.{field.name}", is_request=struct.is_request)
            is_optional = not field.required or field.nullable
            if kind.startswith("List<"):
                copy = f"{name}.stream().map(List::copyOf).toList()" if "<List<" in kind else f"List.copyOf({name})"
                lines.append(f"{name} = {name} == null ? null : {copy};" if is_optional else f"{name} = {copy};")
            elif kind not in _PRIMITIVES and not is_optional:
                lines.append(f"Objects.requireNonNull({name}, {quoted(field.name)});")
        if struct.exactly_one_of:
            if len(struct.exactly_one_of) != 2:
                raise SpecError(f"{struct.name}: the Java emitter knows exactly one of two, not of more")
            first, second = (self.local(name) for name in struct.exactly_one_of)
            lines += [
                f"if (({first} == null) == ({second} == null)) {{",
                f'  throw new IllegalArgumentException("exactly one of {first} and {second} must be there");',
                "}",
            ]
        return lines

    def type(self, kind: Type, where: str, *, is_request: bool) -> str:
        match kind:
            case Named(name):
                alias = self.aliases.get(name)
                if alias is None:
                    return name
                if isinstance(alias.type, FreeMap):
                    return "ObjectNode"
                return name if is_request else "String"
            case FreeMap():
                return "ObjectNode"
            case Array(item):
                return f"List<{self.boxed(item, where, is_request=is_request)}>"
            case Pair(items):
                kinds = {self.boxed(item, where, is_request=is_request) for item in items}
                if len(kinds) != 1:
                    raise SpecError(f"{where}: an array of places with different types has no type in Java")
                return f"List<{kinds.pop()}>"
            case Scalar():
                return self.scalar(kind, where, is_request=is_request)

    def boxed(self, kind: Type, where: str, *, is_request: bool) -> str:
        name = self.type(kind, where, is_request=is_request)
        return _PRIMITIVES.get(name, name)

    def scalar(self, kind: Scalar, where: str, *, is_request: bool) -> str:
        if is_request and kind.constraints.enum is not None:
            raise SpecError(f"{where}: an enumeration in a request needs a name of its own in components/schemas")
        match kind.kind:
            case "integer":
                return "int" if kind.bits == 32 else "long"
            case "number":
                return "double"
            case "boolean":
                return "boolean"
            case "datetime":
                return "Instant"
            case "string":
                return "String"


def _mentions(body: str, name: str) -> bool:
    code = "\n".join(line for line in body.splitlines() if not line.lstrip().startswith(("*", "/**")))
    return any(part == name for part in "".join(c if c.isalnum() else " " for c in code).split())
