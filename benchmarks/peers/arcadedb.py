"""ArcadeDB, asked over its HTTP API: a parametrised query by an indexed key, with a session's token.

That is the quickest of its own ways: a password would be checked, and a query with the key in its text parsed, anew at
every request.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import secrets
import sys
from base64 import b64encode
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks import rounds, servers
from benchmarks.load import documents, requests
from benchmarks.load.wrk import Load
from benchmarks.peers.peer import Contender, Setting, install
from tools import tree

_PACKAGE = "arcadedb-embedded==26.10.2.post1"
_SERVER = Path(__file__).with_name("arcadedb_server.py")
_CONNECTIONS = 16
_ASKED = 10_000
_INSERTS = 1_000
_JIT_WARM_UP_S = 30.0
_START_TIMEOUT_S = 90.0


class ArcadeDb:
    """One server of the PyPI package arcadedb-embedded, which brings its own Java."""

    name = "ArcadeDB 26.10, HTTP"

    @contextlib.contextmanager
    def running(self, setting: Setting) -> Iterator[Contender]:
        """Install it into a virtual environment of its own, once, and run it."""
        python = _installed(setting.programs)
        port, password = servers.free_port(), secrets.token_hex(16)
        folder = setting.scratch / "arcadedb"
        folder.mkdir()
        with servers.running(
            [str(python), str(_SERVER), str(port), str(folder)],
            port,
            servers.answers("/api/v1/ready", http.client.NO_CONTENT),
            log=setting.scratch / "arcadedb.log",
            cwd=folder,
            standard_input=password,
            timeout_s=_START_TIMEOUT_S,
        ) as server:
            basic = b64encode(f"root:{password}".encode()).decode()
            _ask(port, f"Basic {basic}", "/api/v1/server", {"command": "create database bench"})
            token = f"Bearer {_ask(port, f'Basic {basic}', '/api/v1/login', {})['token']}"
            keys = documents.uuids(setting.stored)
            _fill(port, token, keys)
            asked = [_query(key, token) for key in keys[:: max(1, len(keys) // _ASKED)]]
            load = Load(requests.write_file(setting.scratch / "arcadedb.requests", asked), _CONNECTIONS)
            rounds.sample(server, load, _JIT_WARM_UP_S, 0)
            yield lambda duration_s, number: rounds.sample(server, load, duration_s, number).requests_per_cpu_s


def _installed(programs: Path) -> Path:
    folder = programs / "arcadedb"
    python = folder / "bin" / "python"
    done = folder / "installed"
    if not done.exists() or done.read_text(encoding="utf-8") != _PACKAGE:
        programs.mkdir(parents=True, exist_ok=True)
        install([sys.executable, "-m", "venv", "--without-pip", str(folder)], programs)
        uv = str(tree.VENV / "bin" / "uv")
        install([uv, "pip", "install", "--quiet", "--python", str(python), _PACKAGE], programs)
        done.write_text(_PACKAGE, encoding="utf-8")
    return python


def _fill(port: int, token: str, keys: Sequence[str]) -> None:
    _sql(
        port,
        token,
        "CREATE DOCUMENT TYPE People; CREATE PROPERTY People.id STRING; CREATE INDEX ON People (id) UNIQUE;",
    )
    for start in range(0, len(keys), _INSERTS):
        rows = (
            json.dumps({"id": key, **json.loads(documents.document(start + offset))})
            for offset, key in enumerate(keys[start : start + _INSERTS])
        )
        _sql(port, token, f"INSERT INTO People CONTENT [{','.join(rows)}];")
    found = json.loads(_query_body(keys[-1]))
    rows_found = _ask(port, token, "/api/v1/query/bench", found)["result"]
    if len(rows_found) != 1 or rows_found[0]["name"] != f"Person {len(keys) - 1}":
        raise servers.ServerError(f"ArcadeDB does not hold what was stored: {rows_found}")


def _sql(port: int, token: str, script: str) -> None:
    _ask(port, token, "/api/v1/command/bench", {"language": "sqlscript", "command": script})


def _query_body(key: str) -> bytes:
    command = "SELECT FROM People WHERE id = :id"
    return json.dumps({"language": "sql", "command": command, "params": {"id": key}}).encode()


def _query(key: str, token: str) -> bytes:
    return requests.send("POST", "/api/v1/query/bench", _query_body(key), authorization=token)


def _ask(port: int, authorization: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
    connection = http.client.HTTPConnection(servers.HOST, port, timeout=120)
    try:
        headers = {"Content-Type": "application/json", "Authorization": authorization}
        connection.request("POST", path, json.dumps(body), headers)
        answer = connection.getresponse()
        text = answer.read()
    finally:
        connection.close()
    if answer.status >= 300:
        raise servers.ServerError(f"ArcadeDB answered {answer.status} to {path}: {text[:300]!r}")
    told: dict[str, Any] = json.loads(text) if text else {}
    return told
