from __future__ import annotations

import msgspec
import pytest

from themis_server import ids
from themis_server.peer.frames import MalformedFrame
from themis_server.peer.hello import (
    Admit,
    Greeted,
    Greeting,
    Hello,
    Refusal,
    Refused,
    decode_greeting,
    encode_hello,
    encode_refusal,
)
from themis_server.peer.identity import Identity
from themis_server.security.names import CertificateName


def identity(
    node_id: str = "b",
    *,
    cluster: str = "prod",
    instance: str = "2" * 32,
    epoch: int = 7,
    release: str = "0.1.0",
    cluster_id: str = "",
    raft_id: int | None = None,
) -> Identity:
    chosen = ids.raft_id(node_id) if raft_id is None else raft_id
    return Identity(cluster, node_id, chosen, instance, epoch, release, cluster_id)


OWN = identity("a", instance="1" * 32)
CERTIFICATE = CertificateName("prod", "node", "b")


def judge(
    payload: bytes,
    *,
    own: Identity = OWN,
    certificate: CertificateName | None = CERTIFICATE,
    expected: str | None = None,
    admit: Admit | None = lambda _: None,
    strangers: bool = False,
) -> Greeted | Refused:
    greeting = Greeting(own, certificate=certificate, secured=True, expected=expected, admit=admit, strangers=strangers)
    return greeting.judge(payload)


def code_of(verdict: Greeted | Refused) -> str:
    assert isinstance(verdict, Refused)
    assert not verdict.by_peer
    return verdict.refusal.code


def test_a_node_of_the_cluster_is_greeted() -> None:
    assert judge(encode_hello(identity())) == Greeted(identity(), 1, None)
    assert isinstance(judge(encode_hello(identity()), expected="b"), Greeted)


@pytest.mark.parametrize(
    ("other", "certificate", "code"),
    [
        (identity(cluster="test"), CERTIFICATE, "wrong_cluster"),
        (identity(), None, "certificate_mismatch"),
        (identity(), CertificateName("prod", "node", "c"), "certificate_mismatch"),
        (identity(), CertificateName("test", "node", "b"), "certificate_mismatch"),
        (identity(), CertificateName("prod", "client", "b"), "certificate_mismatch"),
        (identity("a"), CertificateName("prod", "node", "a"), "duplicate_node"),
        (OWN, CertificateName("prod", "node", "a"), "duplicate_node"),
    ],
)
def test_others_are_refused_by_name(other: Identity, certificate: CertificateName | None, code: str) -> None:
    assert code_of(judge(encode_hello(other), certificate=certificate)) == code


def test_two_clusters_of_one_name_do_not_mix_once_both_know_who_they_are() -> None:
    own = identity("a", cluster_id="x")

    assert code_of(judge(encode_hello(identity(cluster_id="y")), own=own)) == "wrong_cluster"
    for known in ("", "x"):
        assert isinstance(judge(encode_hello(identity(cluster_id=known)), own=own), Greeted)


def test_the_node_that_was_dialled_must_answer() -> None:
    assert code_of(judge(encode_hello(identity()), expected="c")) == "unknown_node"


@pytest.mark.parametrize(("low", "high", "fine"), [(1, 1, True), (1, 9, True), (2, 9, False)])
def test_versions_must_overlap(low: int, high: int, fine: bool) -> None:
    payload = b"H" + msgspec.msgpack.encode(Hello(low, high, identity()))
    verdict = judge(payload)

    if fine:
        assert isinstance(verdict, Greeted)
        assert verdict.version == 1
    else:
        assert code_of(verdict) == "version_unsupported"


def test_what_a_later_release_says_beside_it_is_passed_over() -> None:
    fields = [*msgspec.to_builtins(identity()), "later", 7]
    verdict = judge(b"H" + msgspec.msgpack.encode([1, 9, fields, {"later": True}]))

    assert verdict == Greeted(identity(), 1, None)


@pytest.mark.parametrize("code", ["unknown_node", "stale_epoch", "removed_node"])
def test_the_topology_has_the_last_word(code: str) -> None:
    refusal = msgspec.convert([code, "because"], Refusal)

    assert code_of(judge(encode_hello(identity()), admit=lambda _: refusal)) == code
    assert isinstance(judge(encode_hello(identity()), admit=None), Greeted)


def test_a_node_that_wants_to_join_is_let_in_as_a_stranger() -> None:
    unknown, removed = Refusal("unknown_node", "who?"), Refusal("removed_node", "gone")

    verdict = judge(encode_hello(identity()), admit=lambda _: unknown, strangers=True)
    assert isinstance(verdict, Greeted)
    assert verdict.stranger == unknown
    assert code_of(judge(encode_hello(identity()), admit=lambda _: removed, strangers=True)) == "removed_node"


def test_a_refusal_reads_as_it_was_said() -> None:
    refusal = Refusal("stale_epoch", "epoch 3, this node knows 9")

    assert judge(encode_refusal(refusal)) == Refused(refusal, by_peer=True)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"H",
        b"X" + encode_hello(identity())[1:],
        encode_hello(identity())[:-1],
        b"H" + msgspec.msgpack.encode([1, 1, [1, 2]]),
        b"H" + msgspec.msgpack.encode([0, 1, identity()]),
        b"H" + msgspec.msgpack.encode([2, 1, identity()]),
        b"R" + msgspec.msgpack.encode(["no_such_code", "x"]),
        encode_hello(identity(raft_id=5)),
        encode_hello(identity("", raft_id=1)),
        encode_hello(identity("../x")),
        encode_hello(identity(instance="2" * 31)),
        encode_hello(identity(instance="g" * 32)),
        encode_hello(identity(epoch=-1)),
        encode_hello(identity(release="x" * 65)),
        encode_hello(identity(cluster="a\n")),
    ],
)
def test_what_is_no_greeting_is_malformed(payload: bytes) -> None:
    with pytest.raises(MalformedFrame):
        decode_greeting(payload)


def test_a_newer_node_may_say_more() -> None:
    fields = [*msgspec.to_builtins(identity()), "something", 5]

    read = decode_greeting(b"H" + msgspec.msgpack.encode([1, 2, fields, "more"]))

    assert isinstance(read, Hello)
    assert read.identity == identity()
