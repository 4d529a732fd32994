"""What can go wrong with a request, as one exception type.

Every layer raises `ThemisServerError` with a code of spec/errors.yaml; nobody below the HTTP edge knows a status or a
media type, and the edge translates once. The codes, their titles and statuses come from the generated table, so this
module decides nothing but which fields a case carries.

`StartRefusedError` is the other kind: the node does not start, an operator reads why.
"""

from __future__ import annotations

from typing import Final

from themis_server._generated.errors import ERRORS, ErrorCode, ErrorInfo

__all__ = [
    "ERRORS",
    "ErrorCode",
    "ErrorInfo",
    "StartRefusedError",
    "ThemisServerError",
    "body_too_large",
    "collection_not_found",
    "disk_full",
    "entity_not_found",
    "namespace_not_found",
    "no_leader",
    "not_ready",
    "outcome_unknown",
    "precondition_failed",
    "shutting_down",
    "too_many_items",
    "too_many_requests",
    "wrong_shard",
]

_RETRY_SOON_S: Final = 1


class ThemisServerError(Exception):
    """A request that ends in an error answer.

    Args:
        code: which case of spec/errors.yaml this is.
        detail: one sentence about this occurrence, for a person; no secrets, no document contents.
        fields: what the case carries beside it (`parameter`, `pointer`, `position`, `limit`, `version`, `owner`,
            `epoch`, `retry_after_s`, `allowed`, `expected`); they become members of the problem document.
    """

    __slots__ = ("code", "detail", "fields", "replayed")

    def __init__(self, code: ErrorCode, detail: str, /, **fields: object) -> None:
        super().__init__(code, detail)
        self.code = code
        self.detail = detail
        self.fields: dict[str, object] = fields
        self.replayed = False
        """Whether an earlier request with the same idempotency key was answered this, and nothing was tried now."""

    def __str__(self) -> str:
        """Return `code: detail`, as a log wants it."""
        return f"{self.code}: {self.detail}"

    def __repr__(self) -> str:
        """Return a constructor call that shows every field."""
        extra = "".join(f", {name}={value!r}" for name, value in self.fields.items())
        return f"ThemisServerError({self.code!s}, {self.detail!r}{extra})"

    @property
    def info(self) -> ErrorInfo:
        """The entry of spec/errors.yaml."""
        return ERRORS[self.code]

    @property
    def status(self) -> int:
        """The HTTP status of the answer or of the batch item."""
        return ERRORS[self.code].status

    @property
    def title(self) -> str:
        """The short, unchanging name of the case."""
        return ERRORS[self.code].title

    def retryable(self, *, with_key: bool) -> bool:
        """Tell whether the same request may simply be sent again; `with_key`: it had an Idempotency-Key."""
        verdict = ERRORS[self.code].retryable
        return with_key if verdict == "with_key" else verdict == "yes"


class StartRefusedError(Exception):
    """The node does not start, and the message (one or two plain lines) says why and what to do.

    Raised for what an operator can mend: a port in use, a directory that another process holds, a newer on-disk
    format, a log with a flipped byte. The command line prints the message without a traceback and exits with 1.
    """


# The constructors below are for the cases that a loaded node raises often, or whose fields must not be forgotten.


def entity_not_found(urn: str) -> ThemisServerError:
    """Say that no entity lives under `urn`."""
    return ThemisServerError(ErrorCode.ENTITY_NOT_FOUND, f"There is no entity {urn}.")


def namespace_not_found(namespace: str) -> ThemisServerError:
    """Say that `namespace` does not exist."""
    return ThemisServerError(ErrorCode.NAMESPACE_NOT_FOUND, f"There is no namespace {namespace!r}.")


def collection_not_found(namespace: str, collection: str) -> ThemisServerError:
    """Say that `collection` does not exist in `namespace`."""
    return ThemisServerError(
        ErrorCode.COLLECTION_NOT_FOUND, f"There is no collection {collection!r} in namespace {namespace!r}."
    )


def precondition_failed(version: int | None) -> ThemisServerError:
    """Say that If-Match or If-None-Match did not hold; `version` is the current one, None when there is no entity."""
    state = "the entity does not exist" if version is None else f"the entity is at version {version}"
    return ThemisServerError(
        ErrorCode.PRECONDITION_FAILED, f"The precondition does not hold: {state}.", version=version
    )


def wrong_shard(owner: str | None, epoch: int) -> ThemisServerError:
    """Say that another node (`owner`, its endpoint; None while unknown) has the key, as of topology `epoch`."""
    whom = "another node" if owner is None else owner
    return ThemisServerError(
        ErrorCode.WRONG_SHARD, f"This key belongs to {whom} since topology epoch {epoch}.", owner=owner, epoch=epoch
    )


def body_too_large(limit: int) -> ThemisServerError:
    """Say that a request body has more than `limit` bytes."""
    return ThemisServerError(ErrorCode.BODY_TOO_LARGE, f"The body is larger than {limit} bytes.", limit=limit)


def too_many_items(given: int, limit: int) -> ThemisServerError:
    """Say that a batch has more than `limit` items."""
    return ThemisServerError(
        ErrorCode.TOO_MANY_ITEMS, f"The batch has {given} items, at most {limit} are allowed.", limit=limit
    )


def too_many_requests(detail: str, *, retry_after_s: int = _RETRY_SOON_S) -> ThemisServerError:
    """Say that a queue is full; `detail` names the limit."""
    return ThemisServerError(ErrorCode.TOO_MANY_REQUESTS, detail, retry_after_s=retry_after_s)


def no_leader(shard_id: str, *, retry_after_s: int = _RETRY_SOON_S) -> ThemisServerError:
    """Say that a shard has no leader at the moment."""
    return ThemisServerError(
        ErrorCode.NO_LEADER, f"Shard {shard_id} has no leader at the moment.", retry_after_s=retry_after_s
    )


def not_ready(detail: str, *, retry_after_s: int = _RETRY_SOON_S) -> ThemisServerError:
    """Say that the node is still starting; `detail` names what it waits for."""
    return ThemisServerError(ErrorCode.NOT_READY, detail, retry_after_s=retry_after_s)


def shutting_down(*, retry_after_s: int = _RETRY_SOON_S) -> ThemisServerError:
    """Say that the node is stopping and takes nothing new."""
    return ThemisServerError(
        ErrorCode.SHUTTING_DOWN, "The node is shutting down and takes no new requests.", retry_after_s=retry_after_s
    )


def outcome_unknown(detail: str) -> ThemisServerError:
    """Say that the write may or may not have happened; never report such a case as a failure."""
    return ThemisServerError(ErrorCode.OUTCOME_UNKNOWN, detail)


def disk_full(free_bytes: int, reserve_bytes: int) -> ThemisServerError:
    """Say that writes are refused until the disk has its reserve again; reads go on."""
    return ThemisServerError(
        ErrorCode.DISK_FULL,
        f"The disk has {free_bytes} bytes left and {reserve_bytes} are kept in reserve: writes are refused.",
        limit=reserve_bytes,
        retry_after_s=10,
    )
