"""PostgreSQL, a table of jsonb under a uuid key, read by pgbench with a prepared statement.

That is its own binary protocol, so the figure is for orientation: no HTTP and no JSON text is made.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from benchmarks import process, servers
from benchmarks.load import documents
from benchmarks.peers.peer import Contender, PeerMissingError, Setting, install

_CONNECTIONS = 16
_GRACE_S = 60.0
_PROGRAMS = ("initdb", "postgres", "pgbench", "psql")


class Postgres:
    """One PostgreSQL server with its default settings."""

    name = "PostgreSQL jsonb, pgbench -M prepared"

    @contextlib.contextmanager
    def running(self, setting: Setting) -> Iterator[Contender]:
        """Make a database cluster and run it, as an unprivileged user (it refuses root)."""
        programs = {name: _program(name) for name in _PROGRAMS}
        user = _user()
        home = setting.scratch / "postgres"
        home.mkdir()
        if user is not None:
            setting.scratch.chmod(0o711)
            shutil.chown(home, user)
        data, port = home / "data", servers.free_port()
        wrap = ["setpriv", f"--reuid={user}", f"--regid={_group(user)}", "--clear-groups"] if user else []
        initdb = [programs["initdb"], "--pgdata", str(data), "--username=bench", "--auth=trust", "--encoding=UTF8"]
        install([*wrap, *initdb, "--no-locale"], home)
        command = [*wrap, programs["postgres"], "-D", str(data), "-p", str(port), "-h", servers.HOST, "-k", str(home)]
        with servers.running(command, port, servers.listens, log=setting.scratch / "postgres.log", cwd=home) as server:
            connect = ["-h", servers.HOST, "-p", str(port), "-U", "bench", "postgres"]
            install([programs["psql"], "-q", "-v", "ON_ERROR_STOP=1", "-c", _fill(setting.stored), *connect], home)
            install([programs["psql"], "-q", "-c", "VACUUM ANALYZE people", *connect], home)
            script = setting.scratch / "read.sql"
            script.write_text(
                f"\\set i random(0, {setting.stored - 1})\nSELECT doc FROM people WHERE id = md5((:i)::text)::uuid;\n",
                encoding="utf-8",
            )

            def measure(duration_s: float, number: int) -> float:
                before_s = process.cpu_s(server.pid)
                bench = [programs["pgbench"], "-n", "-M", "prepared", "-c", str(_CONNECTIONS), "-j", "1"]
                bench += ["-T", f"{duration_s:.0f}", f"--random-seed={number}", "-f", str(script), *connect]
                count = _transactions(bench, duration_s)
                process.wait_until_quiet(server.pid)  # until the backends, too, have ended and been counted
                return count / (process.cpu_s(server.pid) - before_s)

            yield measure


def parse_transactions(output: str) -> int:
    """Find how many transactions pgbench made; raises `ServerError` if it says none, or that some failed."""
    made = re.search(r"^number of transactions actually processed: (\d+)", output, re.MULTILINE)
    failed = re.search(r"^number of failed transactions: (\d+)", output, re.MULTILINE)
    if made is None or not int(made[1]) or (failed is not None and int(failed[1])):
        raise servers.ServerError(f"pgbench did not end well:\n{output.strip()[-1000:]}")
    return int(made[1])


def _transactions(command: list[str], duration_s: float) -> int:
    ended = subprocess.run(command, capture_output=True, text=True, timeout=duration_s + _GRACE_S, check=False)
    if ended.returncode:
        raise servers.ServerError(f"pgbench failed: {ended.stderr.strip()[-500:]}")
    return parse_transactions(ended.stdout)


def _fill(stored: int) -> str:
    document = documents.document(0).decode().replace("'", "''")
    return (
        "CREATE TABLE people (id uuid PRIMARY KEY, doc jsonb NOT NULL);"
        "INSERT INTO people SELECT md5(i::text)::uuid, "
        f"jsonb_set('{document}', '{{name}}', to_jsonb('Person ' || i)) FROM generate_series(0, {stored - 1}) i;"
    )


def _program(name: str) -> str:
    """Find a program of PostgreSQL: on the PATH, or where Debian keeps those of each version."""
    versions = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    found = shutil.which(name) or (str(versions[-1]) if versions else None)
    if found is None:
        raise PeerMissingError(f"{name} is not installed; on Debian: apt-get install -y postgresql")
    return found


def _user() -> str | None:
    """Name the user to become: none if we are not root anyway."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in known else "nobody"


def _group(user: str) -> int:
    return pwd.getpwnam(user).pw_gid
