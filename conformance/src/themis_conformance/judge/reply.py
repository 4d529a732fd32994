"""What an adapter answered, against what is expected."""

from __future__ import annotations

from typing import Any, Final

from themis_conformance.matching import MISSING, mismatches, subset_mismatches, tidy
from themis_conformance.matching.match import shown
from themis_conformance.outcome import CaseFailed

__all__ = ["check_outcome", "saved_values", "value_of"]

# The reply is the user's document itself: there every null counts.
_DOCUMENTS: Final = frozenset({"get"})

_KINDS: Final = frozenset(
    {"api", "transport", "timeout", "cancelled", "configuration", "encoding", "invalid_urn", "closed", "batch", "crash"}
)


def value_of(reply: dict[str, Any], path: str) -> Any:
    """The value of a reply that must be no error."""
    _check_supported(reply, path)
    if "error" in reply:
        raise CaseFailed(f"{path}: unexpected error {shown(reply['error'])}")
    return reply["value"]


def _check_supported(reply: dict[str, Any], path: str) -> None:
    if "unsupported" in reply:
        raise CaseFailed(f"{path}: the adapter does not support it: {shown(reply['unsupported'])}")


def check_outcome(outcome: str, expected: Any, reply: dict[str, Any], op: str, path: str) -> None:
    """Compare a reply with `value:` or `error:`; raises CaseFailed."""
    _check_supported(reply, path)
    if "error" in reply:
        _check_error(reply["error"], path)
    if outcome == "any":
        return
    if outcome == "error":
        if "error" not in reply:
            raise CaseFailed(f"{path}: the value {shown(reply['value'])}; expected the error {shown(expected)}")
        complaints = subset_mismatches(tidy(expected), tidy(reply["error"]), f"{path}.error")
        # The whole error helps more than the one member that differs.
        complaints += [f"{path}: the error was {shown(reply['error'])}"] if complaints else []
    else:
        if "error" in reply:
            raise CaseFailed(f"{path}: the error {shown(reply['error'])}; expected the value {shown(expected)}")
        value = reply["value"]
        if op not in _DOCUMENTS:
            value, expected = tidy(value), tidy(expected)
        complaints = mismatches(expected, value, f"{path}.value")
    if complaints:
        raise CaseFailed(*complaints)


def _check_error(error: Any, path: str) -> None:
    """An error has a kind and a message, whatever else is expected of it."""
    if not isinstance(error, dict) or error.get("kind") not in _KINDS or not isinstance(error.get("message"), str):
        raise CaseFailed(f"{path}: an error is an object with a kind (PROTOCOL.md) and a message, not {shown(error)}")


def saved_values(save: dict[str, str], reply: dict[str, Any], path: str) -> dict[str, Any]:
    """What a step saves: paths such as `version` or `places.0.urn` into the value, or into the error."""
    found: dict[str, Any] = {}
    for name, place in save.items():
        value: Any = reply.get("value", reply.get("error"))
        for part in place.split(".") if place else []:
            if isinstance(value, list) and part.isdigit() and int(part) < len(value):
                value = value[int(part)]
            else:
                value = value.get(part, MISSING) if isinstance(value, dict) else MISSING
        if value is MISSING:
            raise CaseFailed(f"{path}: there is no {place!r} to save in {shown(reply)}")
        found[name] = value
    return found
