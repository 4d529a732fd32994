"""Emits `errors.py`: the error codes and what is known of each."""

from __future__ import annotations

from tools.codegen.ir import Api, ErrorCodeInfo
from tools.codegen.python_models import Side
from tools.codegen.python_text import docstring, format_python

__all__ = ["emit_errors"]

_INFO = '''
@dataclass(frozen=True, slots=True)
class ErrorInfo:
    """What is known of a code. `item_only`: it occurs only inside the items of a batch answer."""

    code: ErrorCode
    status: int
    title: str
    meaning: str
    cause: str
    remedy: str
    retryable: Literal["yes", "no", "with_key"]
    item_only: bool = False
'''


def emit_errors(api: Api, side: Side) -> str:
    """Return the text of `errors.py`; the server's has the codes that nodes say to each other too."""
    known = api.errors if side == "server" else api.answered_errors
    names = "\n".join(_member(entry) for entry in known)
    entries = "\n".join(_entry(entry) for entry in known)
    parts = [
        docstring("The error codes, as spec/errors.yaml lists them. Generated: do not edit."),
        "from __future__ import annotations",
        "from dataclasses import dataclass\nfrom enum import StrEnum\nfrom typing import Final, Literal",
        "__all__ = ['ERRORS', 'ErrorCode', 'ErrorInfo']",
        f'class ErrorCode(StrEnum):\n    """The stable codes; docs/reference/errors.md explains each."""\n\n{names}',
        _INFO,
        f"ERRORS: Final[dict[ErrorCode, ErrorInfo]] = {{\n{entries}\n}}",
    ]
    return format_python("\n\n".join(parts), "errors.py")


def _member(entry: ErrorCodeInfo) -> str:
    # The title only: the rest is in ERRORS, and in the reference of errors.
    about = docstring(f"{entry.status}: {entry.title}")
    return f"    {entry.code.upper()} = {entry.code!r}\n    {about}\n"


def _entry(entry: ErrorCodeInfo) -> str:
    member = f"ErrorCode.{entry.code.upper()}"
    texts = ", ".join(
        f"{name}={getattr(entry, name)!r}" for name in ("title", "meaning", "cause", "remedy", "retryable")
    )
    item_only = ", item_only=True" if entry.item_only else ""
    return f"{member}: ErrorInfo(code={member}, status={entry.status}, {texts}{item_only},),"
