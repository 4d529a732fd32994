"""Reads cases and refuses what is not exactly of their form (CASES.md).

A case with an unknown key, a variable that stands for nothing, or two expectations where one belongs, is a mistake that
is reported with file, case and path of keys; it is never skipped. Nothing here runs anything.
"""

from themis_conformance.format.library import Library, load_library
from themis_conformance.mistake import Mistake

__all__ = ["Library", "Mistake", "load_library"]
