"""Hooks of schemathesis, loaded by its command line (SCHEMATHESIS_HOOKS)."""

from __future__ import annotations

from typing import Any

import schemathesis


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: dict[str, Any]) -> None:
    """Make header values text: in stateful runs the generator gives numbers, which its own HTTP client refuses."""
    if case.headers:
        for name, value in list(case.headers.items()):
            if not isinstance(value, str | bytes):
                case.headers[name] = str(value)
