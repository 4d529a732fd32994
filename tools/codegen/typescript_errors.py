"""Emits `errors.ts`: the error codes, and what a program needs to know of each."""

from __future__ import annotations

from tools.codegen.ir import Api, ErrorCodeInfo
from tools.codegen.typescript_models import enumeration
from tools.codegen.typescript_text import doc, header, text_literal

__all__ = ["emit_typescript_errors"]

_INFO = """/** What is known of a code. */
export interface ErrorInfo {
  /** The code. */
  readonly code: ErrorCode;

  /** The HTTP status it comes with. */
  readonly status: number;

  /** Its short name. */
  readonly title: string;

  /**
   * Whether the same request may be sent again as it is; `with_key`: only if it
   * carried an Idempotency-Key.
   */
  readonly retryable: "yes" | "no" | "with_key";

  /** Whether it occurs only inside the items of a batch answer. */
  readonly itemOnly: boolean;
}"""


def emit_typescript_errors(api: Api) -> str:
    """Return the text of `errors.ts`."""
    members = [(entry.code.upper(), entry.code, _about(entry)) for entry in api.answered_errors]
    entries = "\n".join(_entry(entry) for entry in api.answered_errors)
    parts = [
        header("The error codes."),
        enumeration("ErrorCode", "The stable error codes, which programs may switch on.", members),
        _INFO,
        f"{doc('What is known of each code.')}\n"
        f"export const ERRORS: Readonly<Record<ErrorCode, ErrorInfo>> = {{\n{entries}\n}};",
    ]
    return "\n\n".join(parts) + "\n"


def _about(entry: ErrorCodeInfo) -> str:
    return doc(f"{entry.status}: {entry.meaning}", "  ", f"What to do: {entry.remedy}")


def _entry(entry: ErrorCodeInfo) -> str:
    members = {
        "code": text_literal(entry.code),
        "status": str(entry.status),
        "title": text_literal(entry.title),
        "retryable": text_literal(entry.retryable),
        "itemOnly": "true" if entry.item_only else "false",
    }
    lines = "\n".join(f"    {name}: {value}," for name, value in members.items())
    return f"  {entry.code}: {{\n{lines}\n  }},"
