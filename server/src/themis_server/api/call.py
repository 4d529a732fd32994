"""A call: one request to one operation, as its handler sees it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import unquote

from aiohttp import web

from themis.urn import InvalidUrn, split_urn
from themis_server._generated.errors import ErrorCode
from themis_server._generated.operations import Operation, Param
from themis_server.config import Limits
from themis_server.errors import ThemisServerError, body_too_large

_SMALL_BODY_BYTES_MAX: Final = 64 << 10
_IDEMPOTENCY_KEY: Final = re.compile(r"[\x21-\x7e]{1,255}")
_INTEGER: Final = re.compile(r"-?[0-9]{1,19}")
_ESCAPE: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")

QueryValue = str | int | bool


class BodyBudget:
    """How many bytes of bodies may be on their way at once: the memory that slow senders can hold."""

    def __init__(self, bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self._taken = 0

    def take(self, size: int) -> None:
        """Reserve room for a body, or raise too_many_requests."""
        if self._taken + size > self._bytes_max:
            raise ThemisServerError(
                ErrorCode.TOO_MANY_REQUESTS,
                "as many bytes of request bodies as may be at once are on their way",
                limit=self._bytes_max,
                retry_after_s=1,
            )
        self._taken += size

    def give_back(self, size: int) -> None:
        """Free what was reserved."""
        self._taken -= size


class Call:
    """One request to one operation."""

    __slots__ = ("_budget", "_defaults", "_limits", "_parameters", "_query", "headers", "operation", "path", "request")

    def __init__(
        self,
        request: web.BaseRequest,
        headers: Mapping[str, str],
        operation: Operation,
        defaults: dict[str, QueryValue],
        parameters: list[str],
        path: str,
        query: str,
        limits: Limits,
        budget: BodyBudget,
    ) -> None:
        self.request = request
        self.operation = operation
        self.path = path
        self.headers = headers
        self._parameters = parameters
        self._defaults = defaults
        self._query = query
        self._limits = limits
        self._budget = budget

    def urn(self) -> tuple[str, str]:
        """Return the URN of the path as (normalised text up to the uuid, uuid in lower case)."""
        text = self._parameters[0].replace("%3A", ":")
        if "%" in text:
            text = decode_percent(text)
        try:
            return split_urn(text)
        except InvalidUrn as error:
            raise ThemisServerError(ErrorCode.INVALID_URN, error.detail, position=error.position) from None

    def path_values(self) -> list[str]:
        """Return the path parameters, decoded and checked against the spec."""
        decoded = [decode_percent(raw) for raw in self._parameters]
        for param, value in zip(self.operation.path_params, decoded, strict=True):
            _check_text(param, value)
        return decoded

    def query(self) -> dict[str, QueryValue]:
        """Return the query parameters, typed and checked against the spec; defaults filled in."""
        if not self._query:
            return self._defaults
        declared = {param.name: param for param in self.operation.query_params}
        values = dict(self._defaults)
        seen = set()
        for pair in self._query.split("&"):
            if not pair:
                continue
            raw_name, _, raw_value = pair.partition("=")
            name = decode_percent(raw_name.replace("+", " "))
            param = declared.get(name)
            if param is None:
                known = ", ".join(declared) or "none"
                raise ThemisServerError(
                    ErrorCode.INVALID_PARAMETER,
                    f"this operation has no query parameter {name[:64]!r}; it has: {known}",
                    parameter=name[:64],
                )
            if name in seen:
                raise ThemisServerError(
                    ErrorCode.INVALID_PARAMETER, f"the query parameter {name} occurs twice", parameter=name
                )
            seen.add(name)
            values[name] = _typed(param, decode_percent(raw_value.replace("+", " ")))
        return values

    def header_list(self, name: str) -> str | None:
        """Return a header that is a list: its lines joined, as RFC 9110 (section 5.3) reads them."""
        lines = self.request.headers.getall(name, None)
        return None if lines is None else ", ".join(lines)

    def idempotency_key(self) -> str | None:
        """Return the Idempotency-Key, checked."""
        keys = self.request.headers.getall("Idempotency-Key", None)
        if keys is None:
            return None
        key = keys[0]
        if len(keys) > 1:
            raise ThemisServerError(
                ErrorCode.INVALID_HEADER, "a request has one Idempotency-Key", parameter="Idempotency-Key"
            )
        if not _IDEMPOTENCY_KEY.fullmatch(key):
            raise ThemisServerError(
                ErrorCode.INVALID_HEADER,
                "an Idempotency-Key has 1 to 255 visible ASCII characters",
                parameter="Idempotency-Key",
            )
        return key

    async def body(self) -> bytes:
        """Return the body, checked for media type, encoding and size before it is read as far as that can be told."""
        request, headers = self.request, self.headers
        limit = self._body_limit()
        if "Content-Encoding" in headers:
            raise ThemisServerError(
                ErrorCode.CONTENT_ENCODING_UNSUPPORTED,
                "bodies are taken as they are; send it without Content-Encoding",
                allowed=["identity"],
            )
        self._check_media_type()
        length = headers.get("Content-Length")
        if length is not None and int(length) > limit:
            raise body_too_large(limit)
        content = request.content
        if content.is_eof():  # all of it has arrived: the common case costs no task switch
            raw = content.read_nowait(-1)
            if len(raw) > limit:
                raise body_too_large(limit)
            return raw
        if headers.get("Expect", "").lower() == "100-continue" and request.transport is not None:
            request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        expected = limit if length is None else int(length)
        self._budget.take(expected)
        try:
            return await self._rest_of_body(limit)
        finally:
            self._budget.give_back(expected)

    async def _rest_of_body(self, limit: int) -> bytes:
        chunks, size = [], 0
        content = self.request.content
        try:
            async with asyncio.timeout(self._limits.body_timeout_s):
                while chunk := await content.readany():
                    size += len(chunk)
                    if size > limit:
                        raise body_too_large(limit)
                    chunks.append(chunk)
        except TimeoutError:
            raise ThemisServerError(
                ErrorCode.REQUEST_TIMEOUT,
                f"the body did not arrive within {self._limits.body_timeout_s} s",
                limit=int(self._limits.body_timeout_s),
            ) from None
        except (web.RequestPayloadError, ConnectionError) as error:
            raise ThemisServerError(ErrorCode.BAD_REQUEST, f"the body is broken off or badly framed: {error}") from None
        return b"".join(chunks)

    def _body_limit(self) -> int:
        kind = self.operation.body_limit
        if kind == "entity":
            return self._limits.body_bytes_max
        return self._limits.batch_bytes_max if kind == "batch" else _SMALL_BODY_BYTES_MAX

    def _check_media_type(self) -> None:
        allowed = list(self.operation.request_media_types)
        given = self.headers.get("Content-Type")
        if given is None:
            # A browser lets any page send a POST without a type to any address, this machine's own included, unasked.
            raise ThemisServerError(ErrorCode.UNSUPPORTED_MEDIA_TYPE, "the body has no Content-Type", allowed=allowed)
        media_type, _, parameters = given.partition(";")
        if media_type.strip().lower() not in allowed:
            raise ThemisServerError(
                ErrorCode.UNSUPPORTED_MEDIA_TYPE,
                f"the body is said to be {media_type.strip()[:64]!r}; this operation takes {' or '.join(allowed)}",
                allowed=allowed,
            )
        for parameter in parameters.replace(" ", "").lower().split(";"):
            name, _, value = parameter.partition("=")
            if name != "charset" or value.strip('"') == "utf-8":
                continue
            raise ThemisServerError(
                ErrorCode.UNSUPPORTED_MEDIA_TYPE, "JSON is UTF-8 (RFC 8259); name no other charset", allowed=allowed
            )


def decode_percent(text: str) -> str:
    """Return `text` with its percent-escapes decoded; bad escapes and bad UTF-8 are refused, not replaced."""
    if not text.isascii():
        raise ThemisServerError(ErrorCode.BAD_REQUEST, "the path or query has bytes that must be percent-encoded")
    if "%" not in text:
        return text
    if _ESCAPE.search(text):
        raise ThemisServerError(
            ErrorCode.BAD_REQUEST, "the path or query has a % that is not followed by two hex digits"
        )
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError:
        raise ThemisServerError(
            ErrorCode.BAD_REQUEST, "the path or query has percent-escapes that are not UTF-8"
        ) from None


def _typed(param: Param, text: str) -> QueryValue:
    if param.type == "integer":
        if not _INTEGER.fullmatch(text):
            raise _refused(param, text, "an integer")
        number = int(text)
        if (param.minimum is not None and number < param.minimum) or (
            param.maximum is not None and number > param.maximum
        ):
            raise _refused(param, text, f"within {param.minimum}..{param.maximum}")
        return number
    if param.type == "boolean":
        if text not in ("true", "false"):
            raise _refused(param, text, "true or false")
        return text == "true"
    _check_text(param, text)
    return text


def _check_text(param: Param, text: str) -> None:
    if param.enum is not None and text not in param.enum:
        raise _refused(param, text, f"one of {', '.join(param.enum)}", allowed=list(param.enum))
    if param.min_length is not None and len(text) < param.min_length:
        raise _refused(param, text, f"at least {param.min_length} characters long")
    if param.max_length is not None and len(text) > param.max_length:
        raise _refused(param, text, f"at most {param.max_length} characters long")
    if param.pattern is not None and not re.search(param.pattern, text):
        raise _refused(param, text, f"of the form {param.pattern}")


def _refused(param: Param, given: str, wanted: str, **fields: list[str]) -> ThemisServerError:
    return ThemisServerError(
        ErrorCode.INVALID_PARAMETER,
        f"{param.name} is {given[:64]!r}; it must be {wanted}",
        parameter=param.name,
        **fields,
    )
