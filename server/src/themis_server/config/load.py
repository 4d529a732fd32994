"""From a file, the environment and flags to a `Config`.

Each source gives raw values with their origin; flags win over the environment, the environment wins over the file.
All problems of names and values are collected before anything is refused.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct

from themis_server.config.checks import check
from themis_server.config.errors import ConfigError
from themis_server.config.sections import Config
from themis_server.config.settings import SECTIONS, SETTINGS, Setting, Value
from themis_server.config.values import ValueRefusedError, from_text, validate

__all__ = ["Loaded", "load", "load_with_origins"]

_FILE_BYTES_MAX: Final = 1 << 20
_VARIABLES: Final = {setting.variable: setting for setting in SETTINGS.values()}
_SECTION_NAMES: Final = tuple(section.name for section in SECTIONS)


class Loaded(Struct, frozen=True):
    """A configuration and, by setting name, where each value that is not a default came from."""

    config: Config
    origins: dict[str, str]


class _Collector:
    """Gathers values and problems of one load; a later source replaces what an earlier one gave."""

    def __init__(self) -> None:
        self.values: dict[str, Value] = {}
        self.origins: dict[str, str] = {}
        self.problems: list[str] = []

    def take(self, setting: Setting, raw: object, origin: str, *, text: bool = False) -> None:
        try:
            value = from_text(setting, str(raw)) if text else validate(setting, raw)
        except ValueRefusedError as refused:
            self.refuse(setting.name, origin, str(refused))
        else:
            self.values[setting.name] = value
            self.origins[setting.name] = origin

    def refuse(self, name: str, origin: str, why: str) -> None:
        self.problems.append(f"{name} ({origin}): {why}")


def load(file: Path | None, env: Mapping[str, str], overrides: Mapping[str, str]) -> Config:
    """Read the configuration.

    Args:
        file: a TOML file, or None for none.
        env: the environment; only `THEMIS_<SECTION>_<KEY>` is looked at.
        overrides: `section.key` -> text, from flags.

    Raises:
        ConfigError: with every problem that was found.
    """
    return load_with_origins(file, env, overrides).config


def load_with_origins(file: Path | None, env: Mapping[str, str], overrides: Mapping[str, str]) -> Loaded:
    """Do what `load` does, and say where each value came from."""
    collector = _Collector()
    if file is not None:
        _read_file(file, collector)
    _read_environment(env, collector)
    _read_overrides(overrides, collector)
    if collector.problems:
        raise ConfigError(collector.problems)
    config = _assemble(collector.values)
    if problems := check(config):
        raise ConfigError(problems)
    return Loaded(config, collector.origins)


def _assemble(values: Mapping[str, Value]) -> Config:
    sections: dict[str, dict[str, Value]] = {name: {} for name in _SECTION_NAMES}
    for name, value in values.items():
        section, _, key = name.partition(".")
        sections[section][key] = value
    return msgspec.convert(sections, Config)


def _read_file(file: Path, collector: _Collector) -> None:
    try:
        with file.open("rb") as stream:
            content = stream.read(_FILE_BYTES_MAX + 1)
        if len(content) > _FILE_BYTES_MAX:
            raise ConfigError([f"{file}: is larger than {_FILE_BYTES_MAX} bytes, this is no configuration"])
        text = content.decode("utf-8-sig")
        tables = tomllib.loads(text)
    except OSError as failed:
        raise ConfigError([f"{file}: cannot be read: {failed.strerror or failed}"]) from failed
    except UnicodeDecodeError as failed:
        raise ConfigError([f"{file}: is not UTF-8 text (byte {failed.start})"]) from failed
    except tomllib.TOMLDecodeError as failed:
        raise ConfigError([f"{file}: is not TOML: {failed}"]) from failed
    except RecursionError as failed:
        raise ConfigError([f"{file}: is nested too deeply"]) from failed
    lines = _LineFinder(file, text)
    for section, table in tables.items():
        if section not in _SECTION_NAMES:
            known = isinstance(table, dict)
            hint = _nearest_section(section) if known else _nearest_setting(section)
            collector.refuse(section, lines.of(section), f"there is no such {'section' if known else 'setting'}{hint}")
        elif not isinstance(table, dict):
            collector.refuse(section, lines.of(section), f"is a section, write [{section}] and its settings below")
        else:
            _read_table(section, table, lines, collector)


def _read_table(section: str, table: dict[str, Any], lines: _LineFinder, collector: _Collector) -> None:
    for key, raw in table.items():
        name = f"{section}.{key}"
        setting = SETTINGS.get(name)
        if setting is None:
            hint = _nearest_setting(key, section)
            collector.refuse(name, lines.of(section, key), f"there is no such setting{hint}")
        else:
            collector.take(setting, raw, lines.of(section, key))


def _read_environment(env: Mapping[str, str], collector: _Collector) -> None:
    for variable, text in env.items():
        if not variable.startswith("THEMIS_"):
            continue
        setting = _VARIABLES.get(variable)
        if setting is not None:
            collector.take(setting, text, variable, text=True)
            continue
        # Other programs have THEMIS_ variables of their own (an SDK, a test), and Kubernetes makes some for a service
        # called themis: only what was clearly meant for a setting is refused.
        near = difflib.get_close_matches(variable, _VARIABLES, n=1, cutoff=0.88)
        meant_for_section = any(variable.startswith(f"THEMIS_{name.upper()}_") for name in _SECTION_NAMES)
        if near or meant_for_section:
            near = near or difflib.get_close_matches(variable, _VARIABLES, n=1, cutoff=0.5)
            hint = f"; did you mean {near[0]}?" if near else ""
            collector.refuse(variable, "environment", f"there is no such setting{hint}")


def _read_overrides(overrides: Mapping[str, str], collector: _Collector) -> None:
    for name, text in overrides.items():
        setting = SETTINGS.get(name)
        if setting is None:
            section, _, key = name.rpartition(".")
            collector.refuse(name, "command line", f"there is no such setting{_nearest_setting(key, section)}")
        else:
            collector.take(setting, text, "command line", text=True)


def _nearest_section(name: str) -> str:
    near = difflib.get_close_matches(name, _SECTION_NAMES, n=1, cutoff=0.5)
    return f"; did you mean [{near[0]}]?" if near else f"; the sections are {', '.join(_SECTION_NAMES)}"


def _nearest_setting(key: str, section: str = "") -> str:
    """Suggest the nearest name: the same key elsewhere, a similar key here, then a similar name anywhere."""
    for candidate in _candidates(key, section):
        return f"; did you mean {candidate}?"
    return ""


def _candidates(key: str, section: str) -> Iterator[str]:
    yield from (name for name in SETTINGS if name.endswith(f".{key}"))
    here = [setting.key for setting in SETTINGS.values() if setting.section == section]
    yield from (f"{section}.{near}" for near in difflib.get_close_matches(key, here, n=1, cutoff=0.5))
    keys = {setting.key: name for name, setting in SETTINGS.items()}
    yield from (keys[near] for near in difflib.get_close_matches(key, keys, n=1, cutoff=0.6))
    yield from difflib.get_close_matches(f"{section}.{key}", SETTINGS, n=1, cutoff=0.6)


class _LineFinder:
    """Finds the line of a section or key for a message; tomllib does not tell, and a rough search is enough."""

    def __init__(self, file: Path, text: str) -> None:
        self._file = file
        self._lines = text.splitlines()

    def of(self, section: str, key: str | None = None) -> str:
        """Return `file:line`, or the file alone when the line cannot be told."""
        number = self._find(section, key)
        return str(self._file) if number is None else f"{self._file}:{number}"

    def _find(self, section: str, key: str | None) -> int | None:
        header = re.compile(rf"\s*\[\s*{_quotable(section)}\s*[\].]")
        any_header = re.compile(r"\s*\[")
        top_level = re.compile(rf"\s*{_quotable(section)}\s*" + (rf"\.\s*{_quotable(key)}\s*[.=]" if key else "[.=]"))
        within = re.compile(rf"\s*{_quotable(key)}\s*[.=]") if key else None
        inside = False
        for number, line in enumerate(self._lines, start=1):
            if any_header.match(line):
                inside = header.match(line) is not None
                if inside and within is None:
                    return number
            elif top_level.match(line) or (inside and within is not None and within.match(line)):
                return number
        return None


def _quotable(name: str) -> str:
    return rf"""["']?{re.escape(name)}["']?"""
