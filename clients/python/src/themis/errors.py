"""Every error the SDK raises, in one tree.

    ThemisError
    ├── InvalidUrn                  also a ValueError; in themis.urn
    ├── ConfigurationError          also a ValueError: options that cannot work
    ├── EncodingError               also a ValueError: data that has no JSON form
    ├── ClientClosed                also a RuntimeError: the client was closed
    ├── TransportError              no answer came: unreachable, connection lost, not HTTP
    ├── TimeoutError                also builtins.TimeoutError: the call's deadline passed
    ├── BatchError                  items of a batch failed (raise_for_errors)
    └── ApiError                    the server answered with an error
        ├── BadRequest              400, 405, 408, 413, 414, 415, 431: the request is at fault
        │   └── TooLarge            413: a limit, named in `limit`
        ├── Unauthorized            401
        ├── Forbidden               403
        ├── NotFound                404
        │   ├── EntityNotFound
        │   ├── NamespaceNotFound
        │   └── CollectionNotFound
        ├── Conflict                409
        │   ├── AlreadyExists       namespace_exists, collection_exists
        │   ├── ModelMismatch       collection_model_mismatch
        │   └── NamespaceNotEmpty
        ├── PreconditionFailed      412; `version` is the current one, None if there is no entity
        ├── IdempotencyKeyReused    422
        ├── WrongShard              421; normally followed, never seen
        ├── TooManyRequests         429; `retry_after_s`
        └── ServerError             5xx
            ├── Unavailable         503: not_ready, shutting_down, no_leader, node_unreachable, ...
            │   ├── LagExceeded         no replica is fresh enough; `limit`, `lag_ms`
            │   └── SessionNotReached   no replica has what this client has seen
            ├── OutcomeUnknown      504: the write may or may not have happened
            └── DiskFull            507

Errors of a call say how often it was tried (`attempts`), under which id (`request_id`), and, of a write, whether it may
have happened all the same (`outcome_unknown`). No error holds a token or a document.
"""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from themis.batch_result import BatchFailure

__all__ = [
    "AlreadyExists",
    "ApiError",
    "BadRequest",
    "BatchError",
    "ClientClosed",
    "CollectionNotFound",
    "ConfigurationError",
    "Conflict",
    "DiskFull",
    "EncodingError",
    "EntityNotFound",
    "Forbidden",
    "IdempotencyKeyReused",
    "LagExceeded",
    "ModelMismatch",
    "NamespaceNotEmpty",
    "NamespaceNotFound",
    "NotFound",
    "OutcomeUnknown",
    "PreconditionFailed",
    "ServerError",
    "SessionNotReached",
    "ThemisError",
    "TimeoutError",
    "TooLarge",
    "TooManyRequests",
    "TransportError",
    "Unauthorized",
    "Unavailable",
    "WrongShard",
    "api_error",
]

_UNKNOWN = "; the outcome is unknown: the write may have happened"


class ThemisError(Exception):
    """The root: `except ThemisError` catches whatever this package raises on purpose."""


class ConfigurationError(ThemisError, ValueError):
    """An option of the client, or an argument of a call, that cannot work."""


class EncodingError(ThemisError, ValueError):
    """A document that is no JSON object, or holds what JSON cannot express."""


class ClientClosed(ThemisError, RuntimeError):
    """The client was used after it was closed."""


class _CallError(ThemisError):
    """What the errors of one logical call have in common.

    Attributes:
        message: What happened, without what follows.
        attempts: How many requests were sent.
        request_id: The id under which they were, and under which servers log them.
        outcome_unknown: Whether a write may have happened all the same.
    """

    def __init__(self, message: str, *, attempts: int, request_id: str, outcome_unknown: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.attempts = attempts
        self.request_id = request_id
        self.outcome_unknown = outcome_unknown

    def __str__(self) -> str:
        times = "1 attempt" if self.attempts == 1 else f"{self.attempts} attempts"
        unknown = _UNKNOWN if self.outcome_unknown else ""
        return f"{self.message}{unknown} [{times}, request {self.request_id}]"

    def __reduce__(self) -> tuple[Any, ...]:
        # Exceptions with keyword arguments do not survive pickling by themselves (process pools, task queues).
        return _restore, (type(self), self.args, self.__dict__)


def _restore(kind: type[_CallError], args: tuple[Any, ...], state: dict[str, Any]) -> _CallError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(state)
    return error


class TransportError(_CallError):
    """No answer came.

    Attributes:
        kind: connect, lost or protocol.
        endpoint: The last one tried.
    """

    def __init__(
        self, message: str, *, kind: str, endpoint: str, attempts: int, request_id: str, outcome_unknown: bool = False
    ) -> None:
        super().__init__(message, attempts=attempts, request_id=request_id, outcome_unknown=outcome_unknown)
        self.kind = kind
        self.endpoint = endpoint


class TimeoutError(_CallError, builtins.TimeoutError):
    """The deadline of the call (`timeout`) passed, all attempts and waits included."""


class ApiError(_CallError):
    """The server answered with an error.

    Attributes:
        code: The stable code of spec/errors.yaml (see `themis.ErrorCode`), "" when the answer was no problem document.
        status: The HTTP status.
        title: What kind of thing happened, for people.
        detail: What happened, for people.
        retryable: Whether the same request may succeed later. The SDK has already tried as often as it may.
        problem: The whole problem document: position, pointer, limit, allowed, ... as the code has them.
    """

    def __init__(
        self,
        *,
        code: str,
        status: int,
        title: str,
        detail: str,
        retryable: bool,
        attempts: int,
        request_id: str,
        problem: dict[str, Any] | None = None,
        outcome_unknown: bool = False,
    ) -> None:
        message = f"{status} {code or title}: {detail or title}"
        super().__init__(message, attempts=attempts, request_id=request_id, outcome_unknown=outcome_unknown)
        self.code = code
        self.status = status
        self.title = title
        self.detail = detail
        self.retryable = retryable
        self.problem: dict[str, Any] = problem or {}


class BadRequest(ApiError):
    """The request itself is at fault; sending it again will not help."""


class TooLarge(BadRequest):
    """413: beyond a limit of the server, which `limit` names where the server does."""

    @property
    def limit(self) -> int | None:
        """The limit that was passed: bytes or items, by `code`."""
        return _integer(self.problem.get("limit"))


class Unauthorized(ApiError):
    """401: no token, or one that is not accepted (any more)."""


class Forbidden(ApiError):
    """403: the token is good, the permission is missing."""


class NotFound(ApiError):
    """404."""


class EntityNotFound(NotFound):
    """There is no entity with this URN."""


class NamespaceNotFound(NotFound):
    """There is no such namespace (and it is not made by a write)."""


class CollectionNotFound(NotFound):
    """There is no such collection (and it is not made by a write)."""


class Conflict(ApiError):
    """409: the state of the catalogue forbids it."""


class AlreadyExists(Conflict):
    """A namespace or collection of this name exists."""


class ModelMismatch(Conflict):
    """The collection exists with another model."""


class NamespaceNotEmpty(Conflict):
    """The namespace has collections; `force=True` drops them with it."""


class PreconditionFailed(ApiError):
    """412: the entity does not have the version asked for."""

    @property
    def version(self) -> int | None:
        """The version the entity has now; None if it does not exist."""
        return _integer(self.problem.get("version"))


class IdempotencyKeyReused(ApiError):
    """422: the key was used for another request."""


class WrongShard(ApiError):
    """421: the node does not own the key. The SDK follows `owner`; this is seen only when it leads nowhere."""

    @property
    def owner(self) -> str | None:
        """Who owns the key, by that node's knowledge."""
        owner = self.problem.get("owner")
        return owner if isinstance(owner, str) else None

    @property
    def epoch(self) -> int | None:
        """The epoch of that knowledge."""
        return _integer(self.problem.get("epoch"))


class TooManyRequests(ApiError):
    """429: the server is protecting itself."""

    @property
    def retry_after_s(self) -> float | None:
        """How long it asked to wait, in seconds."""
        value = self.problem.get("retry_after_s")
        return float(value) if isinstance(value, int | float) else None


class ServerError(ApiError):
    """5xx."""


class Unavailable(ServerError):
    """503: the node cannot serve this now."""


class LagExceeded(Unavailable):
    """No replica that can be reached could prove to be as fresh as a bounded read wants it."""

    @property
    def limit(self) -> int | None:
        """How far behind it might have been, in milliseconds."""
        return _integer(self.problem.get("limit"))

    @property
    def lag_ms(self) -> int | None:
        """The least lag that a replica could prove, in milliseconds; None if none could."""
        return _integer(self.problem.get("lag_ms"))


class SessionNotReached(Unavailable):
    """No replica that can be reached has what this client has seen already.

    If that lasts, the cluster is another one, or was restored from a backup: `forget_session()` begins anew.
    """


class OutcomeUnknown(ServerError):
    """504: the write was accepted, but not confirmed in time: it may or may not have happened."""


class DiskFull(ServerError):
    """507: the node takes no writes until there is space."""


class BatchError(ThemisError):
    """Some items of a batch failed. The others are done.

    Attributes:
        failures: Which and why, in the order asked.
        asked: How many items the batch had.
    """

    def __init__(self, failures: Sequence[BatchFailure], asked: int) -> None:
        super().__init__(failures, asked)
        self.failures = list(failures)
        self.asked = asked

    def __str__(self) -> str:
        first = self.failures[0]
        more = f", and {len(self.failures) - 1} more" if len(self.failures) > 1 else ""
        return f"{len(self.failures)} of {self.asked} items failed: {first.urn}: {first.error}{more}"


_BY_CODE: dict[str, type[ApiError]] = {
    "entity_not_found": EntityNotFound,
    "namespace_not_found": NamespaceNotFound,
    "collection_not_found": CollectionNotFound,
    "namespace_exists": AlreadyExists,
    "collection_exists": AlreadyExists,
    "collection_model_mismatch": ModelMismatch,
    "namespace_not_empty": NamespaceNotEmpty,
    "outcome_unknown": OutcomeUnknown,
    "lag_exceeded": LagExceeded,
    "session_not_reached": SessionNotReached,
}

_BY_STATUS: dict[int, type[ApiError]] = {
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    412: PreconditionFailed,
    413: TooLarge,
    421: WrongShard,
    422: IdempotencyKeyReused,
    429: TooManyRequests,
    503: Unavailable,
    507: DiskFull,
}


def api_error(
    status: int,
    problem: dict[str, Any],
    *,
    attempts: int,
    request_id: str,
    retryable: bool | None = None,
    outcome_unknown: bool = False,
) -> ApiError:
    """The error of the right class for a problem document, which may come from a proxy and be anything."""
    code = _text(problem.get("code"))
    kind = _BY_CODE.get(code) or _BY_STATUS.get(status)
    if kind is None:
        kind = ServerError if status >= 500 else BadRequest if status >= 400 else ApiError
    return kind(
        code=code,
        status=status,
        title=_text(problem.get("title")) or f"HTTP {status}",
        detail=_text(problem.get("detail")),
        retryable=problem.get("retryable") is True if retryable is None else retryable,
        attempts=attempts,
        request_id=_text(problem.get("request_id")) or request_id,
        problem=problem,
        outcome_unknown=outcome_unknown or kind is OutcomeUnknown,
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _integer(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
