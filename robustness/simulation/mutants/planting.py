"""Plants a fault in the running process: a function gets another body, and its own again afterwards.

The code object is replaced, not the function, so whoever has imported the function by name runs the fault as well.
"""

from __future__ import annotations
import __future__

import importlib
import inspect
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FunctionType

import msgspec
import yaml

_CATALOG = Path(__file__).with_name("faults.yaml")


class Change(msgspec.Struct, frozen=True):
    """A piece of a function's source, within a line, and what replaces it: further lines are indented as that line."""

    function: str
    """module:name or module:Class.name"""
    old: str
    new: str


class Mutant(msgspec.Struct, frozen=True):
    """One planted fault."""

    name: str
    about: str
    """What goes wrong because of it, in a sentence."""
    changes: tuple[Change, ...]
    caught_by: tuple[str, ...]
    """The invariants that may notice; one of them must."""
    seeds: int = 100
    """How many seeds may pass before it is caught."""
    needs: tuple[str, ...] = ()
    """Kinds of faults one of which has to be in a seed's plan, or it is passed over; none: every seed is run."""


class PlantingError(Exception):
    """The source is not what the mutant expects: the code has changed, and the mutant must follow."""


def load() -> tuple[Mutant, ...]:
    """Return every mutant of the catalog."""
    return msgspec.convert(yaml.safe_load(_CATALOG.read_text()), tuple[Mutant, ...])


@contextmanager
def planted(mutant: Mutant) -> Iterator[None]:
    """Run with the fault in place. Raises `PlantingError` when it cannot be planted."""
    before: list[tuple[FunctionType, CodeType]] = []
    try:
        for change in mutant.changes:
            function = _function(change.function)
            changed = _changed(function, change)
            before.append((function, function.__code__))
            function.__code__ = changed
        yield
    finally:
        for function, code in reversed(before):
            function.__code__ = code


def _function(path: str) -> FunctionType:
    module_name, _, qualified = path.partition(":")
    found: object = importlib.import_module(module_name)
    for name in qualified.split("."):
        found = inspect.getattr_static(found, name)
    if isinstance(found, staticmethod):
        found = found.__func__
    elif isinstance(found, property):
        found = found.fget
    if not isinstance(found, FunctionType):
        raise PlantingError(f"{path} is no function")
    return found


def _changed(function: FunctionType, change: Change) -> CodeType:
    source = textwrap.dedent(inspect.getsource(function))
    if source.count(change.old) != 1:
        raise PlantingError(f"{change.function} contains {source.count(change.old)} times:\n{change.old}")
    line = source[: source.index(change.old)].rpartition("\n")[2]
    indentation = "\n" + line[: len(line) - len(line.lstrip())]
    source = source.replace(change.old, change.new.rstrip().replace("\n", indentation))
    flags = __future__.annotations.compiler_flag
    module = compile(source, inspect.getfile(function), "exec", flags, dont_inherit=True)
    code = next(
        constant
        for constant in module.co_consts
        if isinstance(constant, CodeType) and constant.co_name == function.__name__
    )
    if code.co_freevars != function.__code__.co_freevars:
        raise PlantingError(f"{change.function} cannot be given another body: it closes over other names")
    return code
