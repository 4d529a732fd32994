"""The configuration as text: a commented TOML file, and the reference page of the documentation."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from themis_server.config.sections import Config
from themis_server.config.settings import SECTIONS, Section, Setting, Value

__all__ = ["render_reference", "render_section", "render_toml"]

_WIDTH: Final = 100


def render_toml(config: Config, origins: Mapping[str, str] | None = None) -> str:
    """Return `config` as a commented TOML file that loads to the same configuration.

    A setting marked secret is not shown. `origins` (setting name -> where it came from) is noted behind the values.
    """
    known = origins or {}
    parts = [render_section(section, getattr(config, section.name), known) for section in SECTIONS]
    return "\n".join(parts)


def render_section(section: Section, values: Struct, origins: Mapping[str, str]) -> str:
    """Return one section, its settings commented; `values` is the section's Struct."""
    lines = [f"# {section.description}", f"[{section.name}]"]
    for setting in section.settings:
        lines += ["", *textwrap.wrap(setting.description, _WIDTH, initial_indent="# ", subsequent_indent="# ")]
        value = getattr(values, setting.key)
        if setting.secret:
            lines.append(f"# {setting.key} = (hidden)")
            continue
        if value != setting.default:
            lines.append(f"# Default: {_toml(setting.default)}")
        origin = origins.get(setting.name)
        lines.append(f"{setting.key} = {_toml(value)}" + (f"  # from {origin}" if origin else ""))
    return "\n".join(lines) + "\n"


def _toml(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    return "[" + ", ".join(_toml(item) for item in value) + "]"


def render_reference() -> str:
    """Return docs/reference/configuration.md: every setting with its type, bounds, default, variable and meaning."""
    lines = [
        "# Configuration",
        "",
        "<!-- Rendered from themis_server.config; change the descriptions there. -->",
        "",
        "A node reads one TOML file (`themis-server start --config FILE`), then the environment, then its flags; flags",
        "win over the environment, the environment wins over the file. A name that does not exist is an error. Any",
        "setting can be given as a flag (`--set section.key=value`) and as a variable (`THEMIS_<SECTION>_<KEY>`, lists",
        "separated by commas). `themis-server config check FILE` says whether a node would start with a file,",
        "`themis-server config print` shows what is in force and where it came from.",
    ]
    for section in SECTIONS:
        lines += ["", f"## [{section.name}]", "", section.description]
        for setting in section.settings:
            lines += ["", f"### {setting.name}", "", setting.description, "", *_facts(setting)]
    return "\n".join(lines) + "\n"


def _facts(setting: Setting) -> list[str]:
    default = "(hidden)" if setting.secret else f"`{_toml(setting.default)}`"
    return [f"- Value: {_markdown(setting.allowed)}", f"- Default: {default}", f"- Variable: `{setting.variable}`"]


def _markdown(allowed: str) -> str:
    words, matches, pattern = allowed.partition(" that matches ")
    return f"{words} that matches `{pattern}`" if matches else allowed
