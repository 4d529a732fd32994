"""themis-js and themis-java against the plainest client of their platform, in requests per CPU-second of the client.

The same is done by both: read a document, or 100 at once, from a live node over kept connections, decode it, look at
it.
The plainest clients are `fetch` and `java.net.http.HttpClient` with Jackson.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks import rounds, servers
from benchmarks.bench import Bench
from benchmarks.figures import Bar, Figure, Series, paired_ratio
from benchmarks.load import documents
from benchmarks.load.filling import fill
from tools import sdks, tree
from tools.steps import BootstrapError

BAR = Bar(0.8)
_STORED = 2_000
_ITEMS = 100
# Both platforms compile while they run: a first round of two seconds would measure that.
_WARM_UP_S = 8.0
_END_TIMEOUT_S = 10.0
_LOAD = tree.ROOT / "benchmarks" / "load"
_OPERATIONS = {"get": "get", "batch": f"batch_get of {_ITEMS}"}

_Contender = Callable[[float, int], float]


def run(bench: Bench) -> list[Figure]:
    """Let each SDK and its peer take turns, first with single reads, then with batches."""
    try:
        sdks.ensure(("javascript", "java"))
    except BootstrapError as error:
        raise servers.ServerError(str(error)) from error
    keys = documents.uuids(_STORED)
    effort = replace(bench.effort, warm_up_s=max(bench.effort.warm_up_s, _WARM_UP_S))
    figures: list[Figure] = []
    with servers.themis(bench.scratch / "node") as node:
        fill(node.port, keys)
        languages = {
            ("themis-js", "c=16", "fetch"): ["node", str(_LOAD / "client.mjs")],
            ("themis-java", "4 threads", "java.net.http"): _java(bench.scratch),
        }
        for (sdk, lines, peer), command in languages.items():
            for operation, name in _OPERATIONS.items():
                bench.say(f"{sdk} and {peer}, {name}, {lines}, in turn")
                with (
                    _client([*command, "themis", operation], node.port, keys) as ours,
                    _client([*command, "plain", operation], node.port, keys) as theirs,
                ):
                    mine, others = rounds.alternate(effort, [ours, theirs])
                figures.append(_figure(sdk, peer, f"{name}, {lines}", mine, others))
    return figures


def _java(scratch: Path) -> list[str]:
    """Compile the Java client; returns the command that runs it."""
    classes = scratch / "classes"
    path = os.pathsep.join(map(str, (tree.JAVA / "target" / "classes", *sdks.java_libraries())))
    command = ["javac", "-d", str(classes), "--class-path", path, str(_LOAD / "Client.java")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise servers.ServerError(f"the Java client does not compile:\n{done.stdout}{done.stderr}")
    return ["java", "--class-path", f"{classes}{os.pathsep}{path}", "Client"]


@contextlib.contextmanager
def _client(command: Sequence[str], port: int, keys: Sequence[str]) -> Iterator[_Contender]:
    """Run a client that works when it is told to; yields what tells it, and says what a CPU-second came to."""
    pipe = subprocess.PIPE
    with subprocess.Popen([*command, str(port)], stdin=pipe, stdout=pipe, stderr=pipe, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        told, answers, said = process.stdin, process.stdout, process.stderr

        def measure(duration_s: float, _number: int) -> float:
            try:
                print(duration_s, file=told, flush=True)
                answer = json.loads(answers.readline())
            except (OSError, ValueError) as error:
                process.kill()
                raise servers.ServerError(f"the client {' '.join(command[-2:])} failed:\n{said.read()}") from error
            return float(answer["requests"] / answer["cpu_s"])

        try:
            with contextlib.suppress(OSError):  # it ended at once: the first measurement will say so
                print(json.dumps(keys), file=told, flush=True)
            yield measure
        finally:
            with contextlib.suppress(OSError):
                told.close()
            try:
                process.wait(_END_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()


def _figure(sdk: str, peer: str, how: str, ours: Sequence[float], theirs: Sequence[float]) -> Figure:
    series = [Series(f"{who} {how}", "requests/CPU-s", tuple(taken)) for who, taken in ((sdk, ours), (peer, theirs))]
    return Figure(f"{sdk} {how}, of {peer}", paired_ratio(ours, theirs), "ratio per client CPU-s", BAR, tuple(series))
