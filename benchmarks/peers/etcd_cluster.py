"""Three etcd servers on this machine, written to by the JSON gateway and by gRPC.

Both loads go to the leader alone, which is the cheapest way for etcd: a follower would hand each write on.
"""

from __future__ import annotations

import contextlib
import subprocess
import time
from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from benchmarks import rounds, servers
from benchmarks.load import documents, requests, wrk
from benchmarks.peers.etcd import built, go_program

MEMBERS = 3
GRPC_CONNECTIONS = 8
_CLIENT_SOURCE = Path(__file__).with_name("etcd_client")
_END_TIMEOUT_S = 10.0
_START_S = 30.0
_POLL_S = 0.05
_encode = msgspec.json.encode


@dataclass(frozen=True, slots=True)
class EtcdCluster:
    """Servers that run; `leader` is the client port of the one that leads."""

    members: Sequence[servers.Running]
    leader: int

    @property
    def pids(self) -> list[int]:
        """All their processes."""
        return [member.pid for member in self.members]

    def json_puts(self, folder: Path, keys: Sequence[str], connections: int) -> rounds.Contender:
        """Make the contender that writes over HTTP, documents as base64 in JSON."""
        sent = (
            requests.send("POST", "/v3/kv/put", _encode({"key": _base64(key), "value": _base64(document)}))
            for key, document in _entries(keys)
        )
        load = wrk.Load(requests.write_file(folder / "etcd.requests", sent), connections)
        return lambda duration_s, number: rounds.take(
            self.pids, lambda: wrk.run(self.leader, load, duration_s, number), number
        )

    @contextlib.contextmanager
    def grpc_puts(
        self, folder: Path, programs: Path, keys: Sequence[str], in_flight: int
    ) -> Iterator[rounds.Contender]:
        """Run etcd's own client, and yield the contender that lets it write, `in_flight` at once.

        Raises:
            PeerMissingError: It cannot be built.
        """
        program = go_program(_CLIENT_SOURCE, programs / "etcd_client" / "etcd_client")
        entries = folder / "etcd.entries"
        with entries.open("wb") as file:
            for key, document in _entries(keys):
                file.write(b"%d %d\n%b%b" % (len(key), len(document), key, document))
        endpoint = f"{servers.HOST}:{self.leader}"
        with _told([str(program), endpoint, str(entries), str(GRPC_CONNECTIONS), str(in_flight)]) as tell:
            yield lambda duration_s, number: rounds.take(self.pids, lambda: tell(duration_s), number)


@contextlib.contextmanager
def etcd_cluster(programs: Path, scratch: Path) -> Iterator[EtcdCluster]:
    """Build etcd if need be, and run three servers that sync each write, as they do by default.

    Raises:
        PeerMissingError: It cannot be built here.
    """
    program = built(programs)
    ports = [(servers.free_port(), servers.free_port()) for _ in range(MEMBERS)]
    whole = ",".join(f"member{n}={_url(peer)}" for n, (_, peer) in enumerate(ports))
    with contextlib.ExitStack() as stack:
        waiting = []
        for n, (port, peer) in enumerate(ports):
            command = [str(program), "--name", f"member{n}", "--data-dir", str(scratch / f"etcd-{n}")]
            command += ["--log-level", "error", "--initial-cluster", whole, "--initial-cluster-state", "new"]
            command += ["--listen-client-urls", _url(port), "--advertise-client-urls", _url(port)]
            command += ["--listen-peer-urls", _url(peer), "--initial-advertise-peer-urls", _url(peer)]
            # None is ready before a majority runs: what is waited for here is only that it listens.
            log = scratch / f"etcd-{n}.log"
            waiting.append(stack.enter_context(servers.running(command, peer, servers.listens, log=log)))
        members = [servers.Running(run.process, port, 0.0) for run, (port, _) in zip(waiting, ports, strict=True)]
        yield EtcdCluster(members, _leader(members))


def _leader(members: Sequence[servers.Running]) -> int:
    """Wait until a member says that it leads; returns its port."""
    healthy = servers.answers("/health")
    deadline_s = time.monotonic() + _START_S
    while not all(healthy(member.port) for member in members):
        if time.monotonic() > deadline_s:
            raise servers.ServerError(f"the etcd servers were not healthy after {_START_S:.0f} s")
        time.sleep(_POLL_S)
    for member in members:
        status = msgspec.json.decode(servers.ask(member.port, "POST", "/v3/maintenance/status", b"{}")[1])
        if status["leader"] == status["header"]["member_id"]:
            return member.port
    raise servers.ServerError("no etcd server says that it leads")


@contextlib.contextmanager
def _told(command: Sequence[str]) -> Iterator[Callable[[float], wrk.Report]]:
    """Run a load that works when it is told for how long, and yield what tells it."""
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as client:
        assert client.stdin is not None
        assert client.stdout is not None
        assert client.stderr is not None
        told, answers, said = client.stdin, client.stdout, client.stderr

        def tell(duration_s: float) -> wrk.Report:
            try:
                print(duration_s, file=told, flush=True)
                answer = msgspec.json.decode(answers.readline())
            except (OSError, msgspec.DecodeError) as error:
                client.kill()
                raise servers.ServerError(f"etcd's client failed:\n{said.read()}") from error
            return wrk.Report(**answer, bytes=0, failed={})

        try:
            yield tell
        finally:
            with contextlib.suppress(OSError):
                told.close()
            try:
                client.wait(_END_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                client.kill()


def _entries(keys: Sequence[str]) -> Iterator[tuple[bytes, bytes]]:
    return ((documents.urn(key).encode(), documents.document(index)) for index, key in enumerate(keys))


def _url(port: int) -> str:
    return f"http://{servers.HOST}:{port}"


def _base64(raw: bytes) -> str:
    return b64encode(raw).decode()
