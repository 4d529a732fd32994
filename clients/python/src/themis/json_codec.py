"""Documents to JSON and back.

msgspec does the work; what it lets pass silently is refused here: NaN and infinities, which it would write as null.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final, TypeAlias

import msgspec

from themis.errors import EncodingError
from themis.urn import Urn

__all__ = ["Document", "decode_document", "encode_document"]

Document: TypeAlias = Mapping[str, Any]
"""A JSON object. Values may be whatever msgspec encodes: datetime, UUID, Decimal, dataclasses, ..., and `Urn`."""


def _encode_other(value: Any) -> Any:
    if isinstance(value, Urn):
        return str(value)
    raise NotImplementedError(f"a {type(value).__name__} has no JSON form")


_encoder: Final = msgspec.json.Encoder(enc_hook=_encode_other)
_decoder: Final = msgspec.json.Decoder(dict[str, Any])


def encode_document(document: Document) -> bytes:
    """The JSON of a document; raises EncodingError."""
    try:
        encoded = _encoder.encode(document)
    except (NotImplementedError, TypeError, ValueError, OverflowError, RecursionError) as error:
        raise EncodingError(f"the document cannot be encoded: {error}") from error
    if not encoded.startswith(b"{"):
        raise EncodingError(f"a document is a JSON object, not a {type(document).__name__}")
    # msgspec writes NaN as null. Where there is no null there was no NaN, and most documents end here.
    if b"null" in encoded and _holds_non_finite(msgspec.to_builtins(document, enc_hook=_encode_other)):
        raise EncodingError("the document holds NaN or an infinity, which JSON cannot express")
    return encoded


def decode_document(body: bytes) -> dict[str, Any]:
    """A document from its JSON; raises msgspec.DecodeError."""
    return _decoder.decode(body)


def _holds_non_finite(value: Any) -> bool:
    if isinstance(value, float):
        return not math.isfinite(value)
    # to_builtins leaves dicts, lists and scalars.
    container: Any = value
    if isinstance(value, dict):
        container = container.values()
    elif not isinstance(value, list):
        return False
    return any(_holds_non_finite(member) for member in container)
