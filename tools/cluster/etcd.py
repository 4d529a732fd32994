"""The etcd beside a cluster that keeps its metadata there: members with TLS on both sides, on ports of their own.

Which etcd it is, is whatever the PATH has; nothing is downloaded.
"""

from __future__ import annotations

import contextlib
import http.client
import shutil
import ssl
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from themis_server.security import certificates
from tools.cluster import process
from tools.cluster.state import ClusterError, EtcdState

CLIENT_OFFSET: Final = 2000
PEER_OFFSET: Final = 3000
"""Above the client ports of the nodes."""

_AUTHORITY: Final = "etcd"
_CLIENT: Final = "themis"
"""Common name of the certificate that the nodes show: their user, to an etcd that asks for users."""
_ANSWER_TIMEOUT_S: Final = 2.0
_START_TIMEOUT_S: Final = 60.0


def plan(directory: Path, count: int, hosts: Sequence[str], base_port: int) -> list[EtcdState]:
    """Describe the members of an etcd; nothing is made yet.

    Args:
        directory: The cluster's.
        count: How many members.
        hosts: The address of each.
        base_port: Client port of the first node of the cluster.
    """
    home = directory / "etcd"
    names = ["etcd"] if count == 1 else [f"etcd-{number}" for number in range(1, count + 1)]
    return [
        EtcdState(
            id=name,
            client=f"{host}:{base_port + CLIENT_OFFSET + offset}",
            peer=f"{host}:{base_port + PEER_OFFSET + offset}",
            data=str(home / name),
            log=str(directory / f"{name}.log"),
            certs=str(home / "certs"),
        )
        for offset, (name, host) in enumerate(zip(names, hosts, strict=True))
    ]


def issue(members: Sequence[EtcdState]) -> None:
    """Make an authority, the certificates of the members and that of the nodes.

    The authority is etcd's own: a certificate of the cluster's would make a member a node.
    """
    directory = Path(members[0].certs)
    directory.parent.mkdir(mode=0o700)
    now = datetime.now(UTC)
    authority = certificates.make_ca(directory, _AUTHORITY, now=now)
    for member in members:
        certificates.issue_node(authority, member.id, [_host(member.client)], directory, now=now)
    certificates.issue_client(authority, _CLIENT, directory, now=now)


def settings(members: Sequence[EtcdState]) -> dict[str, str]:
    """Return the settings of nodes that keep their metadata there."""
    if not members:
        return {}
    certs = Path(members[0].certs)
    return {
        "metadata.store": "etcd",
        "metadata.etcd_endpoints": ",".join(member.client for member in members),
        "metadata.etcd_ca": str(certs / "ca.pem"),
        "metadata.etcd_cert": str(certs / f"{_CLIENT}.pem"),
        "metadata.etcd_key": str(certs / f"{_CLIENT}-key.pem"),
    }


def require() -> str:
    """Return the program; raises `ClusterError` if this machine has none."""
    found = shutil.which("etcd")
    if found is None:
        raise ClusterError("etcd is not installed; on Debian: apt-get install -y etcd-server")
    return found


def spawn(member: EtcdState, members: Sequence[EtcdState]) -> None:
    """Start a member; `members` are all of its cluster. Does not wait until it answers."""
    certs = Path(member.certs)
    ca, cert, key = str(certs / "ca.pem"), str(certs / f"{member.id}.pem"), str(certs / f"{member.id}-key.pem")
    client, peer = f"https://{member.client}", f"https://{member.peer}"
    command = [require(), "--name", member.id, "--data-dir", member.data, "--logger", "zap", "--log-level", "warn"]
    command += ["--listen-client-urls", client, "--advertise-client-urls", client]
    command += ["--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer]
    command += ["--initial-cluster", ",".join(f"{other.id}=https://{other.peer}" for other in members)]
    command += ["--cert-file", cert, "--key-file", key, "--client-cert-auth", "--trusted-ca-file", ca]
    command += ["--peer-cert-file", cert, "--peer-key-file", key]
    command += ["--peer-client-cert-auth", "--peer-trusted-ca-file", ca]
    process.launch(member, command, {})


def start(members: Sequence[EtcdState]) -> list[EtcdState]:
    """Start the members that do not run, and wait until all answer; returns those that were started."""
    stopped = [member for member in members if not process.alive(member)]
    for member in stopped:
        spawn(member, members)
    for member in members:
        wait_ready(member)
    return stopped


def wait_ready(member: EtcdState) -> None:
    """Wait until a member serves, which takes a majority of them; raises `ClusterError`."""

    def ready() -> bool:
        if not process.alive(member):
            raise ClusterError(process.failure(member))
        return healthy(member)

    process.wait_for(ready, f"{member.id} was not ready", _START_TIMEOUT_S, lambda: f"its log is {member.log}")


def healthy(member: EtcdState) -> bool:
    """Whether a member says that it is well."""
    certs = Path(member.certs)
    context = ssl.create_default_context(cafile=str(certs / "ca.pem"))
    context.load_cert_chain(certs / f"{_CLIENT}.pem", certs / f"{_CLIENT}-key.pem")
    host, _, port = member.client.rpartition(":")
    connection = http.client.HTTPSConnection(host, int(port), timeout=_ANSWER_TIMEOUT_S, context=context)
    with contextlib.closing(connection), contextlib.suppress(OSError, http.client.HTTPException):
        connection.request("GET", "/health")
        return b'"true"' in connection.getresponse().read()
    return False


def _host(address: str) -> str:
    return address.rpartition(":")[0]
