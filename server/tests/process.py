"""Real server processes for tests: start one on a directory, wait until it is ready, stop or kill it, read its log.

Nothing here sleeps for a fixed time; every wait is a poll with a deadline. A `Fleet` ends what it started, whatever the
test did, and says at the end whether a node logged an error that the test had not announced.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

SERVER = Path(sys.executable).parent / "themis-server"
_POLL_S = 0.01
_T = TypeVar("_T")


class StartFailed(Exception):
    """The process ended before it was ready. `code` is its exit code, `output` all that it wrote."""

    def __init__(self, code: int, output: str) -> None:
        super().__init__(f"exit code {code}\n{output}")
        self.code = code
        self.output = output


def wait_for(probe: Callable[[], _T], what: str, timeout_s: float = 15.0, every_s: float = _POLL_S) -> _T:
    """Return the first true value of `probe`; fail when there is none in time."""
    deadline_s = time.monotonic() + timeout_s
    while True:
        value = probe()
        if value:
            return value
        if time.monotonic() >= deadline_s:
            raise AssertionError(f"waited {timeout_s:g} s for {what}")
        time.sleep(every_s)


def _stands(task: Path) -> bool:
    state = task.joinpath("stat").read_text().rpartition(")")[2].split()[0]
    return state == "T"


class Node:
    """One server process on one data directory; may be started, ended and started again."""

    def __init__(
        self,
        data: Path,
        log: Path,
        settings: Mapping[str, object] | None = None,
        environment: Mapping[str, str] | None = None,
        wrapper: Sequence[str] = (),
    ) -> None:
        """Describe a node.

        Args:
            data: its data directory.
            log: the file that takes what it writes, of all its starts.
            settings: `--set` overrides, e.g. {"raft.tick_ms": 20}.
            environment: added to this process's own.
            wrapper: what runs the server, e.g. ["strace", "-f"].
        """
        self.data = data
        self.log = log
        self.settings = dict(settings or {})
        self.environment = dict(environment or {})
        self.wrapper = list(wrapper)
        self.port = 0
        self.starts = 0
        self.expected_errors: set[str] = set()
        """Events of level error that the test provokes on purpose."""
        self._from = 0
        self._process: subprocess.Popen[bytes] | None = None

    # Life

    def spawn(self) -> None:
        """Start the process, and do not wait for it."""
        assert self._process is None, "the node runs already"
        settings = {"http.port": self.port, "node.data_dir": self.data, "log.format": "json", **self.settings}
        command = [*self.wrapper, str(SERVER), "start"]
        for name, value in settings.items():
            command += ["--set", f"{name}={_text(value)}"]
        self._from = self.log.stat().st_size if self.log.exists() else 0
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("THEMIS_")}
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={**inherited, **self.environment},
                start_new_session=True,
            )
        self.starts += 1

    def start(self, timeout_s: float = 20.0) -> Node:
        """Start the process and wait until it is ready; raises `StartFailed` if it ends instead."""
        self.spawn()
        self.wait_ready(timeout_s)
        return self

    def start_or_refusal(self) -> StartFailed | None:
        """Start the process and wait until it is ready, or return how it ended instead."""
        try:
            self.start()
        except StartFailed as refused:
            return refused
        return None

    def wait_ready(self, timeout_s: float = 20.0) -> None:
        """Wait for the line that says that the node takes requests, and take the port from it."""

        def probe() -> dict[str, Any] | None:
            ended = self.exit_code
            for event in self.events():
                if event.get("event") == "node.ready":
                    return event
            if ended is not None:
                self._process = None
                raise StartFailed(ended, self.output())
            return None

        ready = wait_for(probe, f"the node to be ready; it wrote: {self.output()[-2000:]}", timeout_s)
        assert ready is not None
        self.port = int(str(ready["endpoint"]).rsplit(":", 1)[1])

    @property
    def exit_code(self) -> int | None:
        """The exit code; None while the process runs."""
        return None if self._process is None else self._process.poll()

    @property
    def running(self) -> bool:
        """Whether the process runs."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """The server's own process id (below a wrapper, its first child)."""
        assert self._process is not None
        pid = self._process.pid
        if self.wrapper and Path(self.wrapper[0]).name == "strace":
            children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
            return int(children[0])
        return pid

    def signal(self, number: int) -> None:
        """Send a signal to the server."""
        os.kill(self.pid, number)

    def pause(self) -> None:
        """Stop the server's threads; returns when the last of them stands, which is later than the signal."""
        self.signal(signal.SIGSTOP)
        tasks = Path(f"/proc/{self.pid}/task")
        wait_for(lambda: all(_stands(task) for task in tasks.iterdir()), "every thread to stop")

    def kill(self) -> None:
        """End the process as a crash would: nothing is flushed, nobody is told."""
        if self._process is not None:
            if self._process.poll() is None:
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def stop(self, timeout_s: float = 30.0) -> int:
        """Ask the node to stop (SIGTERM), wait for it, and return its exit code."""
        self.signal(signal.SIGTERM)
        return self.wait(timeout_s)

    def wait(self, timeout_s: float = 30.0) -> int:
        """Wait until the process has ended and return its exit code."""
        assert self._process is not None
        code = self._process.wait(timeout_s)
        self._process = None
        return code

    def restart(self) -> Node:
        """Kill it, and start it again on the same directory and port."""
        self.kill()
        return self.start()

    # What it says and uses

    @property
    def endpoint(self) -> str:
        """The node's address, as a URL."""
        return f"http://127.0.0.1:{self.port}"

    def output(self) -> str:
        """Return what the process has written since its last start."""
        if not self.log.exists():
            return ""
        with self.log.open("rb") as stream:
            stream.seek(self._from)
            return stream.read().decode(errors="replace")

    def events(self, *, all_starts: bool = False) -> list[dict[str, Any]]:
        """Return the log lines as objects, since the last start or of all of them."""
        text = self.log.read_text(errors="replace") if all_starts and self.log.exists() else self.output()
        return [json.loads(line) for line in text.splitlines() if line.startswith("{") and line.endswith("}")]

    def errors(self) -> list[dict[str, Any]]:
        """Return logged errors of all starts that the test did not announce in `expected_errors`."""
        return [
            event
            for event in self.events(all_starts=True)
            if event.get("level") == "error" and event.get("event") not in self.expected_errors
        ]

    def rss_mib(self) -> float:
        """Return how much memory the process has resident, in MiB."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        raise AssertionError("no VmRSS")

    def cpu_s(self) -> float:
        """Return how much CPU time the process has used, in seconds."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rsplit(") ", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


class Fleet:
    """The nodes of one test. Use it in a `with` statement, or as the fixture `fleet`."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.nodes: list[Node] = []

    def node(self, name: str = "node", data: Path | None = None, **options: Any) -> Node:
        """Return a new node, not started yet; see `Node` for the options."""
        number = len(self.nodes)
        self.directory.mkdir(parents=True, exist_ok=True)
        made = Node(data or self.directory / f"{name}-{number}", self.directory / f"{name}-{number}.log", **options)
        self.nodes.append(made)
        return made

    def start(self, **options: Any) -> Node:
        """Return a new node that is ready."""
        return self.node(**options).start()

    def close(self) -> None:
        """End every process."""
        for node in self.nodes:
            node.kill()

    def check_logs(self) -> None:
        """Fail if a node logged an error that its test had not announced."""
        for node in self.nodes:
            errors = node.errors()
            assert not errors, f"{node.log} has errors: {json.dumps(errors[:3], indent=1)}"

    def __enter__(self) -> Fleet:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
