from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from themis_server.config import Cluster, Config, Http, Limits, Metadata, Peer, Raft, Shards, check, warnings


def peer(directory: Path) -> Peer:
    for name in ("cert.pem", "key.pem", "ca.pem"):
        (directory / name).write_text("-")
    (directory / "key.pem").chmod(0o600)
    return Peer(
        tls_cert=str(directory / "cert.pem"), tls_key=str(directory / "key.pem"), tls_ca=str(directory / "ca.pem")
    )


def test_a_peer_port_with_certificates_may_be_anywhere(tmp_path: Path) -> None:
    secured = peer(tmp_path)

    assert secured.enabled
    assert check(Config(peer=secured)) == []
    assert check(Config(peer=replace(secured, host="10.0.0.1"))) == []
    assert check(Config(peer=replace(secured, host="0.0.0.0", advertise="db1.example.org:9080"))) == []


@pytest.mark.parametrize("missing", ["tls_cert", "tls_key", "tls_ca"])
def test_the_peer_port_needs_all_three_files(tmp_path: Path, missing: str) -> None:
    (problem,) = check(Config(peer=replace(peer(tmp_path), **{missing: ""})))

    assert problem.startswith(f"peer.{missing}: is empty although peer.tls_")


@pytest.mark.parametrize("key", ["tls_cert", "tls_key", "tls_ca"])
def test_files_that_are_not_there_are_named(tmp_path: Path, key: str) -> None:
    (problem,) = check(Config(peer=replace(peer(tmp_path), **{key: "/absent.pem"})))

    assert problem == f"peer.{key}: there is no file /absent.pem"


@pytest.mark.parametrize(
    ("host", "fine"), [("127.0.0.1", True), ("::1", True), ("localhost", True), ("10.0.0.1", False), ("db1", False)]
)
def test_a_peer_port_without_tls_stays_on_this_machine(host: str, fine: bool) -> None:
    found = check(Config(peer=Peer(host=host, allow_insecure=True)))

    assert (found == []) is fine
    assert all(problem.startswith("peer.allow_insecure: is accepted on a loopback address only") for problem in found)


def test_with_and_without_tls_at_once_is_a_contradiction(tmp_path: Path) -> None:
    (problem,) = check(Config(peer=replace(peer(tmp_path), allow_insecure=True)))

    assert problem.startswith("peer.allow_insecure: is set although")


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_others_must_be_told_an_address_that_they_can_connect_to(tmp_path: Path, host: str) -> None:
    (problem,) = check(Config(peer=replace(peer(tmp_path), host=host)))

    assert problem.startswith("peer.advertise: must be set")
    assert check(Config(peer=Peer(host=host))) == [], "a closed port needs no address"


def test_an_advertised_address_is_host_and_port() -> None:
    (problem,) = check(Config(peer=Peer(advertise="https://db1:9080")))

    assert problem == ("peer.advertise: 'https://db1:9080' is not HOST:PORT, like db1.example.org:9080 or [::1]:9080")


def test_what_nodes_send_to_each_other_fits_into_a_frame(tmp_path: Path) -> None:
    mib = 1 << 20
    small = replace(peer(tmp_path), frame_bytes_max=32 * mib)

    (problem,) = check(Config(peer=small))
    assert problem.startswith("peer.frame_bytes_max: 33554432 leaves no room for limits.batch_response_bytes_max")
    assert check(Config(peer=small, limits=Limits(batch_response_bytes_max=31 * mib))) == []
    assert len(check(Config(peer=peer(tmp_path), raft=Raft(entry_bytes_max=64 * mib)))) == 1
    assert check(Config(peer=Peer(frame_bytes_max=mib))) == [], "a node alone sends nothing"


def test_joining_needs_addresses_a_port_of_its_own_and_a_token(tmp_path: Path) -> None:
    joining = Cluster(join=("db1:9080", "[::1]:9080"), join_token_file="/run/token")

    assert check(Config(peer=peer(tmp_path), cluster=joining)) == [], (
        "the file is read at the join, and may be gone later"
    )
    assert [problem.split(":")[0] for problem in check(Config(cluster=joining))] == ["cluster.join"]
    assert [
        problem.split(":")[0]
        for problem in check(Config(peer=peer(tmp_path), cluster=replace(joining, join_token_file="")))
    ] == ["cluster.join_token_file"]
    (problem,) = check(Config(peer=peer(tmp_path), cluster=replace(joining, join=("db1:9080", "db2"))))
    assert problem.startswith("cluster.join: 'db2' is not HOST:PORT")


def test_etcd_needs_endpoints_and_whole_certificates(tmp_path: Path) -> None:
    def named(metadata: Metadata) -> list[str]:
        return [problem.split(":")[0] for problem in check(Config(metadata=metadata))]

    file = str(tmp_path / "x.pem")
    Path(file).write_text("-")
    etcd = Metadata(store="etcd", etcd_endpoints=("127.0.0.1:2379",))

    assert named(etcd) == []
    assert named(Metadata(store="etcd")) == ["metadata.etcd_endpoints"]
    assert named(replace(etcd, etcd_endpoints=("http://127.0.0.1:2379",))) == ["metadata.etcd_endpoints"]
    assert named(replace(etcd, etcd_ca=file, etcd_cert=file, etcd_key=file)) == []
    assert named(replace(etcd, etcd_ca=file, etcd_cert=file)) == ["metadata.etcd_cert, metadata.etcd_key"]
    assert named(replace(etcd, etcd_cert=file, etcd_key=file)) == ["metadata.etcd_ca"]
    assert named(replace(etcd, etcd_ca="/absent.pem")) == ["metadata.etcd_ca"]


def test_the_token_table_fits_into_the_metadata() -> None:
    etcd = Metadata(store="etcd", etcd_endpoints=("127.0.0.1:2379",))

    assert check(Config(shards=Shards(count=1024))) == []
    assert check(Config(shards=Shards(count=200), metadata=etcd)) == []
    (problem,) = check(Config(shards=Shards(count=1024, virtual_nodes=4096)))
    assert problem == (
        "shards.virtual_nodes: 4096 for each of 1024 shards (shards.count) are 4,194,304 tokens, and a cluster may "
        "have 160,000; set it to 156 or less"
    )
    (problem,) = check(Config(shards=Shards(count=1024), metadata=etcd))
    assert problem.endswith("a cluster may have 32,000 with metadata.store = etcd; set it to 31 or less")


def test_what_may_be_meant_is_warned_about(tmp_path: Path) -> None:
    quiet = Http(allow_insecure=True)
    secured = peer(tmp_path)

    assert warnings(Config(http=quiet, peer=secured)) == []
    Path(secured.tls_key).chmod(0o640)
    (warning,) = warnings(Config(http=quiet, peer=secured))
    assert warning.startswith("peer.tls_key:")
    assert warning.endswith("make it `chmod 600`")
    (warning,) = warnings(Config(http=quiet, peer=Peer(allow_insecure=True)))
    assert warning.startswith("peer.allow_insecure:")
