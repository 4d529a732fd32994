"""Emits `ErrorCode.java`: the error codes, and what a program needs to know of each."""

from __future__ import annotations

from typing import Final

from tools.codegen.ir import Api, ErrorCodeInfo
from tools.codegen.java_text import constant_name, file_head, javadoc, listed, quoted

__all__ = ["emit_java_errors"]

_MEMBERS: Final = """
  private static final Map<String, ErrorCode> BY_CODE =
      Stream.of(values()).collect(Collectors.toUnmodifiableMap(ErrorCode::code, each -> each));

  private final String code;
  private final int status;
  private final String title;
  private final Retryable retryable;
  private final boolean itemOnly;

  ErrorCode(String code, int status, String title, Retryable retryable, boolean itemOnly) {
    this.code = code;
    this.status = status;
    this.title = title;
    this.retryable = retryable;
    this.itemOnly = itemOnly;
  }

  /** Whether the same request may be sent again as it is. */
  public enum Retryable {
    /** It may. */
    YES,

    /** It may not: it would fail again. */
    NO,

    /** It may if it carried an Idempotency-Key; else it might be carried out twice. */
    WITH_KEY
  }

  /**
   * Finds the constant of a code that came over the wire.
   *
   * @param code the code
   * @return the constant; empty for a code of a newer server
   */
  public static Optional<ErrorCode> of(String code) {
    return Optional.ofNullable(BY_CODE.get(code));
  }
"""
_ACCESSORS: Final = (
    ("String", "code", "the stable code, as it is on the wire", "the code"),
    ("int", "status", "the HTTP status it comes with", "the status"),
    ("String", "title", "its short name", "a few words, for people"),
    ("Retryable", "retryable", "whether the same request may be sent again as it is", "the rule"),
    ("boolean", "itemOnly", "whether it occurs only inside the items of a batch answer", "true if so"),
)


def emit_java_errors(api: Api) -> str:
    """Return the text of `ErrorCode.java`."""
    constants = ",\n\n".join(_constant(entry) for entry in api.answered_errors)
    accessors = "\n\n".join(
        f"{javadoc(f'Returns {about}.', '  ', tags=[('@return', returned)])}\n"
        f"  public {kind} {name}() {{\n    return {name};\n  }}"
        for kind, name, about, returned in _ACCESSORS
    )
    head = file_head(f"java.util.{name}" for name in ("Map", "Optional", "stream.Collectors", "stream.Stream"))
    return f"""{head}

/** The stable error codes, which programs may switch on. */
public enum ErrorCode {{
{constants};
{_MEMBERS}
{accessors}
}}
"""


def _constant(entry: ErrorCodeInfo) -> str:
    arguments = [
        quoted(entry.code),
        str(entry.status),
        quoted(entry.title),
        f"Retryable.{entry.retryable.upper()}",
        "true" if entry.item_only else "false",
    ]
    name = constant_name(entry.code, "code")
    comment = javadoc(f"{entry.status}: {entry.meaning}", "  ", more=[f"What to do: {entry.remedy}"])
    return f"{comment}\n{listed(f'{name}(', arguments, ')', '  ')}"
