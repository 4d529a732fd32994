"""Are all makers in a case of their form?"""

from __future__ import annotations

from typing import Any

from themis_conformance.makers import MAKER_KEYS, check_maker, is_maker
from themis_conformance.mistake import Mistake

__all__ = ["check_makers"]


def check_makers(value: Any, path: str) -> None:
    """Raise Mistake for the first maker that is not."""
    if isinstance(value, list):
        for index, element in enumerate(value):
            check_makers(element, f"{path}[{index}]")
    elif isinstance(value, dict):
        if is_maker(value):
            complaint = check_maker(value)
            if complaint:
                raise Mistake(complaint, path)
            if "$literal" in value:
                return
        elif any(name in MAKER_KEYS for name in value):
            raise Mistake(f"{', '.join(MAKER_KEYS)} stand alone in their object", path)
        for name, member in value.items():
            check_makers(member, f"{path}.{name}" if path else str(name))
