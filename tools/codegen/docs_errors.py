"""Emits docs/reference/errors.md: each code, what it means and what to do."""

from __future__ import annotations

from http import HTTPStatus

from tools.codegen.ir import Api, ErrorCodeInfo

__all__ = ["emit_errors_page"]

_HEAD = """<!-- Generated from spec/errors.yaml by `python -m tools.codegen`: do not edit. -->

# Errors

Every error is a problem document (RFC 9457, `application/problem+json`) with a stable `code`, which programs may
switch on; the header `Themis-Error` has it, too, and is all that an answer to HEAD says of it. `detail` is for people.
`retryable` says whether the same request may be sent again as it is: after `Retry-After`, if the answer has one. "With
a key" means: only if the request carried an `Idempotency-Key`, for otherwise it might be carried out twice. Inside a
batch each item that failed has an `error` with the same code, status and meaning it would have had on its own.
"""

_RETRYABLE = {"yes": "yes", "no": "no", "with_key": "with a key"}


def emit_errors_page(api: Api) -> str:
    """Return the text of the page."""
    rows = [
        f"| [`{entry.code}`](#{entry.code}) | {entry.status} | {entry.title} | {_RETRYABLE[entry.retryable]} |"
        for entry in api.errors
    ]
    table = "\n".join(["| code | status | title | retryable |", "|---|---|---|---|", *rows])
    sections = "\n".join(_section(entry, api) for entry in api.errors)
    return f"{_HEAD}\n{table}\n\n{sections}"


def _section(entry: ErrorCodeInfo, api: Api) -> str:
    where = "inside a batch answer only, status " if entry.item_only else ""
    if entry.peer_only:
        operations = "a node, to another one on the peer port; no operation answers it"
    elif entry.code in api.codes_of_every_operation:
        operations = "[every operation](http-api.md#every-operation)"
    else:
        operations = ", ".join(f"[{name}](http-api.md#{name.lower()})" for name in entry.operations)
    return f"""## {entry.code}

{entry.title} ({where}{entry.status} {HTTPStatus(entry.status).phrase}; retryable: {_RETRYABLE[entry.retryable]}).

{entry.meaning}

- **Usual cause:** {entry.cause}
- **What to do:** {entry.remedy}
- **Answered by:** {operations}

```json
{entry.example}
```
"""
