"""etcd, asked through its JSON gateway: the way without gRPC, as ThemisDB is asked."""

from __future__ import annotations

import contextlib
import os
import shutil
from base64 import b64encode
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from benchmarks import rounds, servers
from benchmarks.load import documents, requests
from benchmarks.load.wrk import Load
from benchmarks.peers.peer import Contender, PeerMissingError, Setting, install

_SOURCE = Path(__file__).with_name("etcd_source")
_CONNECTIONS = 16
_ASKED = 10_000
_PUTS_PER_TRANSACTION = 128  # etcd's own limit, --max-txn-ops
_encode = msgspec.json.encode


class Etcd:
    """One etcd server, linearizable reads of one key (its default, as strong reads are ThemisDB's)."""

    name = "etcd 3.6, JSON"

    @contextlib.contextmanager
    def running(self, setting: Setting) -> Iterator[Contender]:
        """Build it from its Go module, once, and run it."""
        program = built(setting.programs)
        port, peer_port = servers.free_port(), servers.free_port()
        own, peers = f"http://{servers.HOST}:{port}", f"http://{servers.HOST}:{peer_port}"
        command = [str(program), "--data-dir", str(setting.scratch / "etcd"), "--log-level", "error"]
        command += ["--listen-client-urls", own, "--advertise-client-urls", own]
        command += ["--listen-peer-urls", peers, "--initial-advertise-peer-urls", peers]
        command += ["--initial-cluster", f"default={peers}"]
        with servers.running(command, port, servers.answers("/health"), log=setting.scratch / "etcd.log") as server:
            keys = documents.uuids(setting.stored)
            _fill(port, keys)
            asked = [
                requests.send("POST", "/v3/kv/range", _encode({"key": _text(documents.urn(key))}))
                for key in keys[:: max(1, len(keys) // _ASKED)]
            ]
            load = Load(requests.write_file(setting.scratch / "etcd.requests", asked), _CONNECTIONS)
            yield lambda duration_s, number: rounds.sample(server, load, duration_s, number).requests_per_cpu_s


def built(programs: Path) -> Path:
    """Return the program, built from its Go module if it is not there; raises `PeerMissingError`."""
    return go_program(_SOURCE, programs / "etcd" / "etcd")


def go_program(source: Path, program: Path) -> Path:
    """Build a Go program from its sources if it is not there, or older than they are; raises `PeerMissingError`."""
    files = list(source.iterdir())
    if not program.exists() or program.stat().st_mtime < max(file.stat().st_mtime for file in files):
        if shutil.which("go") is None:
            raise PeerMissingError("needs Go to be built; on Debian: apt-get install -y golang")
        folder = program.parent
        folder.mkdir(parents=True, exist_ok=True)
        for file in files:
            shutil.copyfile(file, folder / file.name)
        install(["go", "build", "-o", program.name, "."], folder, {**os.environ, "GOTOOLCHAIN": "local"})
    return program


def _fill(port: int, keys: Sequence[str]) -> None:
    for start in range(0, len(keys), _PUTS_PER_TRANSACTION):
        puts = [
            {"request_put": {"key": _text(documents.urn(key)), "value": _base64(documents.document(start + offset))}}
            for offset, key in enumerate(keys[start : start + _PUTS_PER_TRANSACTION])
        ]
        status, body = servers.ask(port, "POST", "/v3/kv/txn", _encode({"success": puts}))
        if status != 200:
            raise servers.ServerError(f"etcd answered {status}: {body[:300]!r}")
    status, body = servers.ask(port, "POST", "/v3/kv/range", _encode({"key": _text(documents.urn(keys[-1]))}))
    if status != 200 or _base64(documents.document(len(keys) - 1)).encode() not in body:
        raise servers.ServerError(f"etcd does not hold what was stored: {body[:300]!r}")


def _text(text: str) -> str:
    return _base64(text.encode())


def _base64(raw: bytes) -> str:
    return b64encode(raw).decode()
