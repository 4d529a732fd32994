"""What is fuzzed below HTTP: every function that takes bytes from outside, or from a disk, and the promise it makes.

A target takes any bytes and raises `AssertionError` (or anything that its function should not have raised).
"""

from __future__ import annotations

import contextlib
import json
import struct
from collections.abc import Callable
from typing import Any

import msgspec
import orjson

from themis.urn import InvalidUrn, Urn, split_urn, uuid_from_bytes, uuid_to_bytes
from themis_server import ids
from themis_server._generated import models
from themis_server.api.call import decode_percent
from themis_server.api.codec import (
    DocumentRules,
    check_document,
    decode_body,
    decode_cursor,
    encode_cursor,
    parse_if_match,
    parse_if_none_match,
)
from themis_server.errors import ThemisServerError
from themis_server.peer.frames import FrameReader, MalformedFrame
from themis_server.peer.frames import header as frame_header
from themis_server.peer.hello import (
    REFUSAL_CODES,
    Greeted,
    Greeting,
    Hello,
    Refusal,
    decode_greeting,
    encode_hello,
    encode_refusal,
)
from themis_server.peer.identity import Identity
from themis_server.peer.messages import (
    Call,
    Cancel,
    Error,
    decode_from_acceptor,
    decode_from_dialler,
    encode_answer,
    encode_busy,
    encode_call,
    encode_cancel,
    encode_error,
    encode_failure,
)
from themis_server.replication.envelope import BEAT, Envelope, MalformedEnvelope, kind_of
from themis_server.replication.envelope import decode as decode_envelope
from themis_server.replication.envelope import encode as encode_envelope
from themis_server.security.names import CertificateName, InvalidName, parse_uri
from themis_server.statemachine import patch
from themis_server.statemachine.command import (
    Entry,
    Mutate,
    UnreadableEntry,
    Write,
    decode_entry,
    encode_command,
    encode_entry,
)
from themis_server.storage import keys, values

_NODE = Identity("prod", "a", ids.raft_id("a"), "1" * 32, 1, "0.1.0")
_OTHER = Identity("prod", "b", ids.raft_id("b"), "2" * 32, 1, "0.1.0")
_FRAME_BYTES_MAX = 1000
_LENIENT = DocumentRules(depth_max=64, strict=False)
_STRICT = DocumentRules(depth_max=64, strict=True)
_BODIES = [
    msgspec.json.Decoder(model)
    for model in (
        models.BatchGetRequest,
        models.BatchPutRequest,
        models.BatchDeleteRequest,
        models.NamespaceCreate,
        models.CollectionCreate,
        models.CollectionAlter,
    )
]


def _refusal(error: ThemisServerError) -> None:
    assert 400 <= error.status < 500, error
    assert error.detail
    orjson.dumps(error.fields)  # what it says can be sent


def urn(data: bytes) -> None:
    """A text is a URN, which then reads back the same, or it is refused with a position in it."""
    text = data.decode("utf-8", "surrogateescape")
    parsed, split = _parsed(text), _split(text)
    assert (parsed is None) == (split is None), "the parsers of SDK and server disagree"
    if parsed is None or split is None:
        return
    assert Urn.parse(str(parsed)) == parsed
    prefix, uuid = split
    assert prefix + uuid == str(parsed)
    assert uuid_from_bytes(uuid_to_bytes(uuid)) == uuid == uuid.lower()


def _parsed(text: str) -> Urn | None:
    refusal: InvalidUrn
    try:
        return Urn.parse(text)
    except InvalidUrn as error:
        refusal = error
    assert 0 <= refusal.position <= len(text)
    return None


def _split(text: str) -> tuple[str, str] | None:
    try:
        return split_urn(text)
    except InvalidUrn:
        return None


def document(data: bytes) -> None:
    """A document is taken, and then is what the standard library reads too, or it is refused."""
    try:
        check_document(data, _LENIENT)
    except ThemisServerError as error:
        _refusal(error)
        return
    loaded = json.loads(data)
    assert type(loaded) is dict
    assert not {"_key", "_id", "_rev"} & loaded.keys()
    _check_integers(loaded)
    with contextlib.suppress(ThemisServerError):
        check_document(data, _STRICT)


def _check_integers(value: Any) -> None:
    if type(value) is int:
        assert -(1 << 63) <= value < 1 << 64, value
    elif isinstance(value, dict):
        for member in value.values():
            _check_integers(member)
    elif isinstance(value, list):
        for member in value:
            _check_integers(member)


def merge(data: bytes) -> None:
    """A merge of two documents is what RFC 7396 says, and a document again."""
    first, _, second = data.partition(b"\x00")
    try:
        check_document(first, _LENIENT)
        check_document(second, _LENIENT, patch=True)
    except ThemisServerError:
        return
    merged = patch.merge(first, second)
    assert orjson.loads(merged) == _reference(orjson.loads(first), orjson.loads(second))
    assert patch.merge(merged, b"{}") == merged


def _reference(target: Any, change: Any) -> Any:
    """MergePatch, word for word as in RFC 7396, section 2."""
    if isinstance(change, dict):
        if not isinstance(target, dict):
            target = {}
        for name, value in change.items():
            if value is None:
                if name in target:
                    del target[name]
            else:
                target[name] = _reference(target.get(name), value)
        return target
    return change


def body(data: bytes) -> None:
    """A body decodes, or is refused as a whole."""
    for decoder in _BODIES:
        for strict in (False, True):
            try:
                decode_body(decoder, data, strict=strict)
            except ThemisServerError as error:
                _refusal(error)


def entry(data: bytes) -> None:
    """A log entry decodes, or is said to be unreadable; one that was encoded decodes to the same."""
    try:
        decoded = decode_entry(data)
    except UnreadableEntry:
        pass
    else:
        again = decode_entry(encode_entry(decoded.proposed, [encode_command(command) for command in decoded.commands]))
        assert again == decoded
    write = Write(0, len(data), (data * 16 + bytes(16))[:16], data, tuple(data[:4]) or None)
    command = Mutate((write, write), len(data), data[:16], data[:16])
    assert decode_entry(encode_entry(len(data), [encode_command(command)])) == Entry(len(data), (command,))


def header(data: bytes) -> None:
    """Conditional headers, cursors and percent-escapes are read, or refused."""
    text = data.decode("latin-1")
    for parse in (parse_if_match, parse_if_none_match):
        try:
            versions = parse(text)
        except ThemisServerError as error:
            _refusal(error)
        else:
            assert versions is None or all(0 < version < 1 << 53 for version in versions)
    try:
        position = decode_cursor(text, "scope")
    except ThemisServerError as error:
        _refusal(error)
    else:
        assert isinstance(position, str)
    assert decode_cursor(encode_cursor("scope", text), "scope") == text
    try:
        decode_percent(text)
    except ThemisServerError as error:
        _refusal(error)


def layout(data: bytes) -> None:
    """Keys sort as what they are made of; a stored value reads back."""
    size = struct.calcsize(">HI16s")
    parts = [struct.unpack(">HI16s", data[at : at + size]) for at in range(0, len(data) - size + 1, size)]
    made = [keys.entity_prefix(shard, collection) + uuid for shard, collection, uuid in parts]
    assert [part for _, part in sorted(zip(made, parts, strict=True))] == sorted(parts)
    for (shard, collection, _), key in zip(parts, made, strict=True):
        start, end = keys.entity_range(shard, collection)
        assert start <= key < end
    prefix = data[:8]
    if prefix.rstrip(b"\xff"):
        above = keys.after_prefix(prefix)
        assert prefix + b"\xff" * 20 < above
        assert not above.startswith(prefix)
    version = int.from_bytes(data[:6])
    stored = values.pack(version, data)
    assert (values.version_of(stored), values.document_of(stored)) == (version, data)


def frames(data: bytes) -> None:
    """A stream cut anywhere gives the same frames, none beyond the limit; what is kept is less than one."""
    whole, refused = _frames([data])
    cut, refused_cut = _frames([data[at : at + 1 + at % 7] for at in _cuts(len(data))])
    assert refused == refused_cut
    assert refused or cut == whole
    assert cut[: len(whole)] == whole  # cut up, more frames are seen before a malformed one
    assert all(len(payload) <= _FRAME_BYTES_MAX for payload in cut)


def _cuts(length: int) -> list[int]:
    at, found = 0, []
    while at < length:
        found.append(at)
        at += 1 + at % 7
    return found


def _frames(pieces: list[bytes]) -> tuple[list[bytes], bool]:
    reader, found = FrameReader(_FRAME_BYTES_MAX), []
    for piece in pieces:
        try:
            found += reader.feed(piece)
        except MalformedFrame:
            return found, True
        assert reader.kept_bytes < _FRAME_BYTES_MAX + 4
    return found, False


def hello(data: bytes) -> None:
    """Nobody is greeted but who the certificate names; the rest is refused by name, or is no greeting."""
    try:
        said = decode_greeting(data)
    except MalformedFrame:
        return
    greeting = Greeting(
        _NODE, certificate=CertificateName("prod", "node", "b"), secured=True, expected=None, admit=lambda _: None
    )
    verdict = greeting.judge(data)
    if isinstance(verdict, Greeted):
        assert isinstance(said, Hello)
        assert (verdict.identity.node_id, verdict.identity.raft_id) == ("b", ids.raft_id("b"))
        assert verdict.identity.cluster == "prod"
    else:
        assert verdict.refusal.code in REFUSAL_CODES
        assert verdict.by_peer == isinstance(said, Refusal)
        assert decode_greeting(encode_refusal(verdict.refusal)) == verdict.refusal


def message(data: bytes) -> None:
    """What a connection for calls carries is read, and then says the same again, or it is malformed."""
    try:
        asked = decode_from_dialler(data)
    except MalformedFrame:
        pass
    else:
        if isinstance(asked, Call):
            assert encode_call(asked.id, asked.timeout_ms / 1000, asked.method, asked.payload) == data
        else:
            assert isinstance(asked, Cancel)
            assert encode_cancel(asked.id) == data
    try:
        answered = decode_from_acceptor(data)
    except MalformedFrame:
        return
    assert answered.id > 0
    if isinstance(answered, Error):
        again = decode_from_acceptor(encode_error(*answered))
        assert repr(again) == repr(answered)  # as text, since a NaN differs from itself


def envelope(data: bytes) -> None:
    """What a stream of Raft carries is read, and then says the same again, or it is malformed."""
    try:
        read = decode_envelope(data)
    except MalformedEnvelope:
        return
    assert decode_envelope(encode_envelope(read)) == read
    for _, raft_messages in read.messages:
        for raft_message in raft_messages:
            assert 0 <= kind_of(raft_message) < 256


def certificate_uri(data: bytes) -> None:
    """A name in a certificate is read, and written the same, or it is refused."""
    try:
        name = parse_uri(data.decode("latin-1"))
    except InvalidName:
        return
    assert name.checked().uri.encode() == data


TARGETS: dict[str, Callable[[bytes], None]] = {
    "urn": urn,
    "document": document,
    "merge": merge,
    "body": body,
    "entry": entry,
    "header": header,
    "layout": layout,
    "frames": frames,
    "hello": hello,
    "message": message,
    "envelope": envelope,
    "certificate_uri": certificate_uri,
}

# Where a fuzzer begins: inputs that get past the first checks.
SEEDS: dict[str, list[bytes]] = {
    "urn": [
        b"urn:themis:document:ns:col:00000000-0000-4000-8000-000000000001",
        b"URN:Themis:graph:a.b:c-d:" + b"F" * 36,
    ],
    "document": [
        b'{"a":1,"b":[1.5,-2e9,true,null,"\\u00e9"],"c":{"d":{}}}',
        b'{"n":18446744073709551615,"m":-9223372036854775808}',
        b'{"a":' + b"[" * 63 + b"]" * 63 + b"}",
        b'{"_key":1}',
        b'{"a":1,"a":2}',
    ],
    "merge": [b'{"a":{"b":1},"c":[1]}\x00{"a":{"b":null,"d":{"e":null}},"c":2}'],
    "body": [
        b'{"urns":["a","b"]}',
        b'{"items":[{"urn":"u","doc":{"a":1},"if_match":0}]}',
        b'{"name":"n","model":"graph","options":{"description":"d","cache_max_age_s":1}}',
    ],
    "entry": [
        encode_entry(7, [encode_command(Mutate((Write(0, 1, bytes(16), b"{}", (1, 2)),), 100, bytes(16), b"f" * 16))])
    ],
    "header": [b'"1", W/"22"', b"*", b"%41%zz", encode_cursor("scope", "position").encode()],
    "layout": [bytes(range(66)), b"\xff" * 44],
    "frames": [
        b"".join(frame_header(size) + bytes(size) for size in (0, 1, 40, 0, 3)),
        frame_header(_FRAME_BYTES_MAX) + bytes(900),
        frame_header(_FRAME_BYTES_MAX + 1) + bytes(8),
    ],
    "hello": [
        encode_hello(_OTHER),
        encode_hello(_NODE),
        *(encode_refusal(Refusal(code, "because")) for code in REFUSAL_CODES),
    ],
    "message": [
        encode_call(1, 2.5, "shard.read", b"payload"),
        encode_cancel(1),
        encode_answer(1, b"payload"),
        encode_error(1, "no_leader", "wait", {"retry_after_s": 1, "allowed": ["a", None, 1.5]}),
        encode_failure(1, "who knows"),
        encode_busy(1, "full"),
    ],
    "envelope": [
        BEAT,
        encode_envelope(Envelope([(1, [b"\x08\x03", b"x" * 40]), (2, [])], [(3, 4, 5)], [(6, 7)], [8])),
    ],
    "certificate_uri": [b"themis://prod/node/node-1", b"themis://a.b/client/_"],
}
