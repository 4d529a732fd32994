"""The settings as data: what the loader and the printer need to know about each field of `sections`."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

from msgspec import Struct, inspect

from themis_server.config.sections import Config

__all__ = ["SECTIONS", "SETTINGS", "Kind", "Section", "Setting", "Value"]

Kind: TypeAlias = Literal["boolean", "integer", "number", "string", "list of strings"]
Value: TypeAlias = bool | int | float | str | tuple[str, ...]


class Setting(Struct, frozen=True, kw_only=True):
    """One setting: its name, its type and bounds, its default and its description."""

    section: str
    key: str
    kind: Kind
    default: Value
    description: str
    minimum: float = 0
    maximum: float = 0
    length_min: int = 0
    pattern: str | None = None
    choices: tuple[str, ...] = ()
    secret: bool = False

    @property
    def name(self) -> str:
        """`section.key`, the name in messages and of `--set`."""
        return f"{self.section}.{self.key}"

    @property
    def variable(self) -> str:
        """The environment variable that sets it."""
        return f"THEMIS_{self.section}_{self.key}".upper()

    @property
    def allowed(self) -> str:
        """What may be given, in words."""
        if self.choices:
            return "one of " + ", ".join(self.choices)
        if self.kind == "boolean":
            return "true or false"
        if self.kind == "integer":
            return f"an integer from {self.minimum} to {self.maximum}"
        if self.kind == "number":
            return f"a number from {self.minimum:g} to {self.maximum:g}"
        if self.pattern is not None:
            return f"a string that matches {self.pattern}"
        return "a string that is not empty" if self.length_min else f"a {self.kind}"


class Section(Struct, frozen=True, kw_only=True):
    """One section of the file, its settings in the order in which they are printed."""

    name: str
    description: str
    settings: tuple[Setting, ...]


def _describe_sections(config_type: type[Struct]) -> tuple[Section, ...]:
    """Read sections and settings out of a Struct of Structs whose fields are `Annotated[..., Meta(...)]`."""
    info = inspect.type_info(config_type)
    if not isinstance(info, inspect.StructType):
        raise TypeError(f"{config_type} is not a Struct")
    sections = []
    for section in info.fields:
        if not isinstance(section.type, inspect.StructType):
            raise TypeError(f"{section.name} is not a section")
        settings = tuple(_describe_setting(section.name, item) for item in section.type.fields)
        first_line = (section.type.cls.__doc__ or "").strip().splitlines()[0]
        sections.append(Section(name=section.name, description=first_line, settings=settings))
    return tuple(sections)


def _describe_setting(section: str, item: inspect.Field) -> Setting:
    kind: Kind
    described = item.type
    if not isinstance(described, inspect.Metadata) or not described.extra_json_schema:
        raise TypeError(f"{section}.{item.name} has no description")
    schema, extra, bare = described.extra_json_schema, described.extra or {}, described.type
    minimum: float = 0
    maximum: float = 0
    length_min = 0
    pattern: str | None = None
    choices: tuple[str, ...] = ()
    match bare:
        case inspect.BoolType():
            kind = "boolean"
        case inspect.IntType(ge=ge, le=le) if ge is not None and le is not None:
            kind, minimum, maximum = "integer", ge, le
        case inspect.FloatType(ge=ge, le=le) if ge is not None and le is not None:
            kind, minimum, maximum = "number", ge, le
        case inspect.StrType():
            kind, length_min, pattern = "string", bare.min_length or 0, bare.pattern
        case inspect.LiteralType():
            kind, choices = "string", tuple(str(value) for value in bare.values)
        case inspect.VarTupleType(item_type=inspect.StrType()):
            kind = "list of strings"
        case _:
            raise TypeError(f"{section}.{item.name}: {bare} is not a type of settings, or it has no bounds")
    return Setting(
        section=section,
        key=item.name,
        kind=kind,
        default=item.default,
        description=schema["description"],
        minimum=minimum,
        maximum=maximum,
        length_min=length_min,
        pattern=pattern,
        choices=choices,
        secret=bool(extra.get("secret", False)),
    )


SECTIONS: Final = _describe_sections(Config)
SETTINGS: Final = {setting.name: setting for section in SECTIONS for setting in section.settings}
