"""Real etcd servers for tests: of two releases, alone or three of them, with TLS both ways, to be killed and restored.

Debian's `etcd-server` is release 3.4; 3.6 is built from its Go module, once, by what the benchmarks do for themselves.
"""

from __future__ import annotations

import contextlib
import http.client
import shutil
import signal
import ssl
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Literal

import pytest

from benchmarks import servers
from benchmarks.peers.etcd import built
from benchmarks.peers.peer import PeerMissingError
from server.tests.integration.certificates import Authority
from themis_server.metadata.etcd import EtcdSettings

Release = Literal["3.4", "3.6"]

_PROGRAMS: Final = Path(__file__).parents[2] / ".cache" / "bench" / "programs"
_HOST: Final = "127.0.0.1"
_START_S: Final = 30.0
_POLL_S: Final = 0.02


def program(release: Release) -> Path:
    """Return the program of a release, or skip the test and say what is missing."""
    if release == "3.6":
        try:
            return built(_PROGRAMS)
        except PeerMissingError as missing:
            pytest.skip(f"etcd 3.6 {missing}")
    found = shutil.which("etcd")
    if found is None:
        pytest.skip("etcd is not installed; on Debian: apt-get install -y etcd-server")
    return Path(found)


class EtcdMember:
    """One etcd server; starts and stops as often as wanted on the same ports and data."""

    def __init__(self, program: Path, directory: Path, name: str, authority: Authority) -> None:
        self.name = name
        self.data = directory / name
        self.port, self.peer_port = servers.free_port(), servers.free_port()
        self.cluster = ""
        self._program = program
        self._log = directory / f"{name}.log"
        self._authority = authority
        self._cert, self._key = authority.issue(name)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def endpoint(self) -> str:
        """HOST:PORT for clients."""
        return f"{_HOST}:{self.port}"

    @property
    def peer_url(self) -> str:
        """Where the other members reach it."""
        return f"http://{_HOST}:{self.peer_port}"

    @property
    def pid(self) -> int:
        """Its process."""
        assert self._process is not None
        return self._process.pid

    def launch(self) -> None:
        """Start it, and don't wait."""
        own = f"https://{self.endpoint}"
        command = [str(self._program), "--name", self.name, "--data-dir", str(self.data)]
        command += [
            "--logger",
            "zap",
            "--log-level",
            "error",
            "--heartbeat-interval",
            "50",
            "--election-timeout",
            "500",
        ]
        command += ["--listen-client-urls", own, "--advertise-client-urls", own]
        command += ["--listen-peer-urls", self.peer_url, "--initial-advertise-peer-urls", self.peer_url]
        command += ["--initial-cluster", self.cluster, "--cert-file", str(self._cert), "--key-file", str(self._key)]
        command += ["--client-cert-auth", "--trusted-ca-file", str(self._authority.certificate)]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)

    def start(self) -> None:
        """Start it and wait until it answers."""
        self.launch()
        self.wait_healthy()

    def wait_healthy(self) -> None:
        """Wait until it says that it is healthy."""
        deadline_s = time.monotonic() + _START_S
        while not self._healthy():
            assert self._process is not None
            if self._process.poll() is not None or time.monotonic() > deadline_s:
                raise AssertionError(f"etcd did not start:\n{self._log.read_text(errors='replace')[-2000:]}")
            time.sleep(_POLL_S)

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        assert self._process is not None
        self._process.send_signal(number)

    def kill(self) -> None:
        """End it at once; harmless when it does not run."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def _healthy(self) -> bool:
        context = ssl.create_default_context(cafile=str(self._authority.certificate))
        context.load_cert_chain(self._cert, self._key)
        connection = http.client.HTTPSConnection(_HOST, self.port, timeout=2, context=context)
        try:
            connection.request("GET", "/health")
            return b'"true"' in connection.getresponse().read()
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


class EtcdCluster:
    """Members that form a cluster, and how clients reach it."""

    def __init__(self, release: Release, directory: Path, size: int = 1) -> None:
        found = program(release)
        directory.mkdir(parents=True, exist_ok=True)
        self.authority = Authority(directory, "etcd-ca")
        self._client = self.authority.issue("client")
        self.members = [EtcdMember(found, directory, f"etcd{number}", self.authority) for number in range(size)]
        for member in self.members:
            member.cluster = ",".join(f"{other.name}={other.peer_url}" for other in self.members)

    def settings(self, timeout_s: float = 5.0) -> EtcdSettings:
        """Return what a client needs."""
        certificate, key = self._client
        endpoints = tuple(member.endpoint for member in self.members)
        return EtcdSettings(endpoints, str(self.authority.certificate), str(certificate), str(key), timeout_s)

    def start(self) -> None:
        """Start all members and wait for them."""
        for member in self.members:
            member.launch()
        for member in self.members:
            member.wait_healthy()

    def kill(self) -> None:
        """End all members at once."""
        for member in self.members:
            member.kill()

    def back_up(self, to: Path) -> None:
        """Stop the only member, copy its data, and start it again."""
        (member,) = self.members
        member.kill()
        shutil.copytree(member.data, to)
        member.start()

    def restore(self, backup: Path) -> None:
        """Put a backup in the place of the only member's data."""
        (member,) = self.members
        member.kill()
        shutil.rmtree(member.data)
        shutil.copytree(backup, member.data)
        member.start()


@contextlib.contextmanager
def running(release: Release, directory: Path, size: int = 1) -> Iterator[EtcdCluster]:
    """Run etcd for as long as the block lasts."""
    cluster = EtcdCluster(release, directory, size)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.kill()
