"""The functions of themis-python for the rules of spec/vectors.

Not all rules have one: XXH64 of any bytes comes from a package, tokens of writes and lists of tags are the server's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from xxhash import xxh64_hexdigest

from themis import InvalidUrn, TokenTable, Urn, key_hash
from themis.entities import format_etags, parse_etag
from themis.placement import build_token_table, ring_tokens

JSON = dict[str, Any]


def apply(rule: str, op: str, given: JSON) -> JSON:
    """The reply to a `vector` command."""
    function = _FUNCTIONS.get((rule, op))
    if function is None:
        return {"absent": True}
    try:
        return {"expect": function(given)}
    except InvalidUrn as error:
        return {"refused": {"reason": str(error.reason), "position": error.position}}
    except ValueError:
        return {"refused": {}}


def _parse_urn(given: JSON) -> JSON:
    urn = Urn.parse(given["text"])
    parts = {part: getattr(urn, part) for part in ("model", "namespace", "collection", "uuid")}
    return {**parts, "text": str(urn), "quoted": urn.quoted()}


def _hex(value: int) -> str:
    return f"{value:016x}"


def _table(tokens: list[list[str]]) -> TokenTable:
    return TokenTable((int(token, 16), shard_id) for token, shard_id in tokens)


def _built(given: JSON) -> TokenTable:
    return TokenTable(build_token_table(given["shard_ids"], given["virtual_nodes"]))


def _token_table(given: JSON) -> JSON:
    tokens = _built(given).to_wire()
    digest = xxh64_hexdigest("".join(f"{token} {shard_id}\n" for token, shard_id in tokens).encode())
    return {"count": len(tokens), "first": tokens[0], "last": tokens[-1], "digest": digest, "tokens": tokens}


def _parse_etag(given: JSON) -> JSON:
    version = parse_etag(given["etag"])
    if version is None:
        raise ValueError("no version")
    return {"version": str(version)}


_FUNCTIONS: dict[tuple[str, str], Callable[[JSON], JSON]] = {
    ("urn", "parse"): _parse_urn,
    ("hash", "key_hash"): lambda given: {"hash": _hex(key_hash(given["uuid"]))},
    ("ring", "ring_tokens"): lambda given: {
        "tokens": [_hex(token) for token in ring_tokens(given["shard_id"], given["virtual_nodes"])]
    },
    ("ring", "token_table"): _token_table,
    ("ring", "resolve"): lambda given: {"tokens": _table(given["tokens"]).to_wire()},
    ("ring", "locate"): lambda given: {"shard_id": _table(given["tokens"]).shard_for_hash(int(given["hash"], 16))},
    ("ring", "locate_built"): lambda given: {
        "hash": _hex(key_hash(given["uuid"])),
        "shard_id": _built(given).shard_for_uuid(given["uuid"]),
    },
    ("ring", "ranges"): lambda given: {
        "ranges": [[_hex(start), _hex(end)] for start, end in _table(given["tokens"]).ranges(given["shard_id"])]
    },
    ("ring", "from_wire"): lambda given: {"count": len(TokenTable.from_wire(given["tokens"]))},
    ("etag", "format"): lambda given: {"etag": format_etags(int(given["version"]), "version")},
    ("etag", "parse"): _parse_etag,
}
