"""The public names of a Python package: its `__all__`, and what those classes offer, read by griffe."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from pathlib import Path

import griffe

from tools.apidocs.symbols import ApiDocsError, Symbol


def symbols(package: str, sources: Path, modules: Sequence[str] = ()) -> list[Symbol]:
    """Name what `package` makes public, and those of its modules that are public beside it.

    An attribute may be described where it stands, or in the section `Attributes:` or (as a dataclass's fields, and what
    a constructor takes) `Args:` of its class.

    Args:
        package: The package's name.
        sources: The directory it lies in.
        modules: Names of modules in it; their symbols are told with the module's name.

    Raises:
        ApiDocsError: There is no such package, or a name of its `__all__` leads nowhere.
    """
    try:
        top = griffe.load(package, search_paths=[sources], resolve_aliases=True, try_relative_path=False)
        assert isinstance(top, griffe.Module)
        listed = [("", top), *((f"{name}.", _module(top, name)) for name in modules)]
        public = {f"{prefix}{name}": found for prefix, module in listed for name, found in _exports(module)}
    except (ImportError, KeyError, griffe.GriffeError) as error:
        raise ApiDocsError(f"{package}: {error!r}") from error
    paths = {found.path for found in public.values()}
    return [symbol for name, found in public.items() for symbol in _of(name, found, paths)]


def _module(top: griffe.Module, name: str) -> griffe.Module:
    module = top[name]
    assert isinstance(module, griffe.Module)
    return module


def _exports(module: griffe.Module) -> Iterator[tuple[str, griffe.Object]]:
    if not module.exports:
        raise ApiDocsError(f"{module.path} has no __all__")
    for name in sorted(map(str, module.exports)):
        yield name, _target(module[name])


def _target(found: griffe.Object | griffe.Alias) -> griffe.Object:
    return found.final_target if isinstance(found, griffe.Alias) else found


def _of(name: str, found: griffe.Object, public: Set[str]) -> Iterator[Symbol]:
    yield Symbol(name, found.has_docstring)
    if not isinstance(found, griffe.Class):
        return
    # What it inherits from a public class is counted there; from one of the package's own, here.
    inherited = {member for base in found.mro() if base.path in public for member in _all_members(base)}
    bases = [base for base in found.mro() if base.path not in public]
    described = {described for place in (found, *bases) for described in _described(place)}
    members = {own: place for base in bases for own, place in base.members.items() if own not in inherited}
    members |= found.members
    for member, place in sorted(members.items()):
        if not member.startswith("_"):
            yield Symbol(f"{name}.{member}", _target(place).has_docstring or member in described)


def _all_members(found: griffe.Class) -> set[str]:
    return {member for place in (found, *found.mro()) for member in place.members}


def _described(found: griffe.Class) -> Iterator[str]:
    """Name what the sections of a class's docstring, and of its constructor's, describe."""
    for place in (found, found.members.get("__init__")):
        docstring = place.docstring if place is not None else None
        for section in docstring.parse("google", warnings=False) if docstring else ():
            if isinstance(section, griffe.DocstringSectionAttributes | griffe.DocstringSectionParameters):
                yield from (item.name for item in section.value if item.description)
