"""The catalogue, counting and listing, as flows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Literal, TypeVar
from urllib.parse import quote

import msgspec

from themis._generated.models import (
    Collection,
    CollectionAlter,
    CollectionCount,
    CollectionCreate,
    CollectionList,
    CollectionOptionsChange,
    Dropped,
    EntityList,
    Model,
    Namespace,
    NamespaceAlter,
    NamespaceCreate,
    NamespaceList,
    NamespaceOptionsChange,
)
from themis.core import OPERATION, Answer, Call, Core, perform
from themis.entities import key_header, timeout_of
from themis.errors import ConfigurationError
from themis.flow import Flow
from themis.options import STRONG, IdempotencyKey, ReadOptions, check_name
from themis.urn import MODELS

__all__ = ["PAGE_SIZE_MAX"]

PAGE_SIZE_MAX: Final = 1000

_T = TypeVar("_T")
_encoder: Final = msgspec.json.Encoder()
_PAGE_OF_NAMES: Final = 1000


def path(operation_id: str, **parameters: str) -> str:
    """The operation's path with its parameters percent-encoded, every reserved character of them."""
    filled = OPERATION[operation_id].path
    for name, value in parameters.items():
        filled = filled.replace(f"{{{name}}}", quote(value, safe=""))
    return filled


def decoded(answer: Answer, kind: type[_T]) -> _T:
    """The body of an answer as a model."""
    try:
        return _decoder(kind).decode(answer.response.body)
    except msgspec.DecodeError as error:
        raise answer.malformed(f"its body is no {kind.__name__}: {error}") from error


_decoders: dict[type, msgspec.json.Decoder[Any]] = {}


def _decoder(kind: type[_T]) -> msgspec.json.Decoder[_T]:
    found = _decoders.get(kind)
    if found is None:
        found = _decoders[kind] = msgspec.json.Decoder(kind)
    return found


def fetch(
    core: Core,
    operation_id: str,
    target: str,
    kind: type[_T],
    timeout_s: float | None,
    read: ReadOptions = STRONG,
) -> Flow[_T]:
    """GET something and decode it; `target` has the parameters of `read` at its end."""
    answer = yield from perform(core, Call(OPERATION[operation_id], target, timeout_of(core, timeout_s), read=read))
    return decoded(answer, kind)


def change(
    core: Core,
    operation_id: str,
    target: str,
    body: msgspec.Struct | None,
    kind: type[_T],
    idempotency_key: IdempotencyKey,
    timeout_s: float | None,
) -> Flow[_T]:
    """Change something and decode what it is now; an operation that may be repeated by itself takes no key (False)."""
    operation = OPERATION[operation_id]
    headers = key_header(core, idempotency_key)
    repeatable = operation.idempotent or bool(headers)
    if body is not None:
        headers["Content-Type"] = "application/json"
    encoded = b"" if body is None else _encoder.encode(body)
    answer = yield from perform(
        core,
        Call(operation, target, timeout_of(core, timeout_s), headers, encoded, repeatable=repeatable),
    )
    return decoded(answer, kind)


# Namespaces


def create_namespace(
    core: Core, name: str, options: NamespaceOptionsChange, key: IdempotencyKey, timeout_s: float | None
) -> Flow[Namespace]:
    """POST /namespaces."""
    body = NamespaceCreate(name=check_name(name, "namespace"), options=options)
    return change(core, "createNamespace", path("createNamespace"), body, Namespace, key, timeout_s)


def get_namespace(core: Core, name: str, timeout_s: float | None) -> Flow[Namespace]:
    """GET /namespaces/{namespace}."""
    target = path("getNamespace", namespace=check_name(name, "namespace"))
    return fetch(core, "getNamespace", target, Namespace, timeout_s)


def list_namespaces(core: Core, timeout_s: float | None) -> Flow[list[Namespace]]:
    """All pages of GET /namespaces."""
    return _all_pages(core, "listNamespaces", path("listNamespaces"), NamespaceList, _namespaces, timeout_s)


def alter_namespace(
    core: Core, name: str, options: NamespaceOptionsChange, key: IdempotencyKey, timeout_s: float | None
) -> Flow[Namespace]:
    """PATCH /namespaces/{namespace}."""
    target = path("alterNamespace", namespace=check_name(name, "namespace"))
    return change(core, "alterNamespace", target, NamespaceAlter(options=options), Namespace, key, timeout_s)


def drop_namespace(core: Core, name: str, force: bool, key: IdempotencyKey, timeout_s: float | None) -> Flow[str]:
    """DELETE /namespaces/{namespace}."""
    target = path("dropNamespace", namespace=check_name(name, "namespace"))
    dropped = yield from change(
        core, "dropNamespace", f"{target}?force=true" if force else target, None, Dropped, key, timeout_s
    )
    return dropped.dropped


# Collections


def create_collection(
    core: Core,
    namespace: str,
    name: str,
    model: Model,
    options: CollectionOptionsChange,
    key: IdempotencyKey,
    timeout_s: float | None,
) -> Flow[Collection]:
    """POST /namespaces/{namespace}/collections."""
    if model not in MODELS:
        raise ConfigurationError(f"the model is one of {', '.join(MODELS)}, not {model!r}")
    body = CollectionCreate(name=check_name(name, "collection"), model=model, options=options)
    target = path("createCollection", namespace=check_name(namespace, "namespace"))
    return change(core, "createCollection", target, body, Collection, key, timeout_s)


def get_collection(core: Core, namespace: str, name: str, timeout_s: float | None) -> Flow[Collection]:
    """GET /namespaces/{namespace}/collections/{collection}."""
    return fetch(core, "getCollection", _collection_path("getCollection", namespace, name), Collection, timeout_s)


def list_collections(core: Core, namespace: str, timeout_s: float | None) -> Flow[list[Collection]]:
    """All pages of GET /namespaces/{namespace}/collections."""
    target = path("listCollections", namespace=check_name(namespace, "namespace"))
    return _all_pages(core, "listCollections", target, CollectionList, _collections, timeout_s)


def alter_collection(
    core: Core,
    namespace: str,
    name: str,
    options: CollectionOptionsChange,
    key: IdempotencyKey,
    timeout_s: float | None,
) -> Flow[Collection]:
    """PATCH /namespaces/{namespace}/collections/{collection}."""
    target = _collection_path("alterCollection", namespace, name)
    return change(core, "alterCollection", target, CollectionAlter(options=options), Collection, key, timeout_s)


def drop_collection(core: Core, namespace: str, name: str, key: IdempotencyKey, timeout_s: float | None) -> Flow[str]:
    """DELETE /namespaces/{namespace}/collections/{collection}."""
    target = _collection_path("dropCollection", namespace, name)
    dropped = yield from change(core, "dropCollection", target, None, Dropped, key, timeout_s)
    return dropped.dropped


def count_collection(
    core: Core, namespace: str, name: str, read: ReadOptions, timeout_s: float | None
) -> Flow[CollectionCount]:
    """GET /namespaces/{namespace}/collections/{collection}/count."""
    target = with_query(_collection_path("countCollection", namespace, name), read.parameters())
    return fetch(core, "countCollection", target, CollectionCount, timeout_s, read)


def list_page(
    core: Core,
    namespace: str,
    name: str,
    page_size: int,
    include: Literal["doc", "version"],
    cursor: str | None,
    read: ReadOptions,
    timeout_s: float | None,
) -> Flow[EntityList]:
    """One page of GET /namespaces/{namespace}/collections/{collection}/entities."""
    parameters = [f"limit={page_size}"]
    if include != "doc":
        parameters.append(f"include={include}")
    if cursor is not None:
        parameters.append(f"cursor={quote(cursor, safe='')}")
    target = with_query(_collection_path("listEntities", namespace, name), parameters + read.parameters())
    return fetch(core, "listEntities", target, EntityList, timeout_s, read)


def check_listing(page_size: int, include: str) -> None:
    """The arguments of an iteration; raises ConfigurationError."""
    if not 1 <= page_size <= PAGE_SIZE_MAX:
        raise ConfigurationError(f"page_size is 1 to {PAGE_SIZE_MAX}, not {page_size}")
    if include not in ("doc", "version"):
        raise ConfigurationError(f"include is 'doc' or 'version', not {include!r}")


def with_query(target: str, parameters: list[str]) -> str:
    """A path with its query, if any."""
    return f"{target}?{'&'.join(parameters)}" if parameters else target


def _collection_path(operation_id: str, namespace: str, name: str) -> str:
    return path(operation_id, namespace=check_name(namespace, "namespace"), collection=check_name(name, "collection"))


_PageT = TypeVar("_PageT")


def _all_pages(
    core: Core,
    operation_id: str,
    target: str,
    kind: type[_PageT],
    split: Callable[[_PageT], tuple[list[_T], str | None]],
    timeout_s: float | None,
) -> Flow[list[_T]]:
    found: list[_T] = []
    cursor: str | None = None
    while True:
        parameters = [f"limit={_PAGE_OF_NAMES}"]
        if cursor is not None:
            parameters.append(f"cursor={quote(cursor, safe='')}")
        page = yield from fetch(core, operation_id, with_query(target, parameters), kind, timeout_s)
        items, cursor = split(page)
        found += items
        if cursor is None:
            return found


def _namespaces(page: NamespaceList) -> tuple[list[Namespace], str | None]:
    return page.items, page.cursor


def _collections(page: CollectionList) -> tuple[list[Collection], str | None]:
    return page.items, page.cursor
