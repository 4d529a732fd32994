"""`themis-conformance run | list | check`."""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from themis_conformance import __version__
from themis_conformance.adapter import MODES, Adapter, AdapterBroken, Hello
from themis_conformance.data import cases_directory, vectors_directory
from themis_conformance.format import Library, load_library
from themis_conformance.known_failing import KnownFailing
from themis_conformance.live.cluster import LiveCluster
from themis_conformance.live.http import Address, NoAnswer
from themis_conformance.live.state import LiveServer
from themis_conformance.outcome import Result
from themis_conformance.progress import Progress
from themis_conformance.reports import Totals, write_json, write_junit, write_matrix
from themis_conformance.run import SdkRun, run_sdk, run_server
from themis_conformance.selection import filtered, jobs_for_adapter, jobs_for_server

__all__ = ["main"]

_PASSED: Final = 0
_FAILED: Final = 1
_UNUSABLE: Final = 2

_NAMED: Final = re.compile(r"([A-Za-z][A-Za-z0-9_-]*)=(.*)", re.DOTALL)
_SERVER: Final = "server"


class _Unusable(Exception):
    """The run cannot begin."""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="themis-conformance", description="Judge SDKs and servers of ThemisDB.")
    parser.add_argument("--version", action="version", version=__version__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    run = verbs.add_parser("run", help="run cases", description="Run cases against SDKs, a server, or both.")
    run.add_argument(
        "--adapter",
        action="append",
        default=[],
        metavar="[NAME=]CMD",
        help="the command of an SDK's adapter; may be given several times",
    )
    run.add_argument("--server", metavar="URL", help="judge this server, and run cases that want a real one on it")
    run.add_argument("--server-ca", metavar="FILE", help="the authority of an https server, as PEM")
    run.add_argument("--cluster", metavar="CMD", help="a command that harms the nodes of a real cluster (CASES.md)")
    run.add_argument("--adapters-only", action="store_true", help="do not judge the server of --server itself")
    run.add_argument("--mode", choices=MODES, help="only this kind of client")
    run.add_argument("--jobs", type=int, default=0, metavar="N", help="cases side by side (default: twice the cores)")
    run.add_argument(
        "--known-failing",
        metavar="FILE",
        help="cases that are known to fail; of a directory, the file NAME.txt of each adapter",
    )
    run.add_argument("--junit", metavar="FILE", help="write a report as JUnit XML")
    run.add_argument("--matrix", metavar="FILE", help="write a matrix as Markdown")
    run.add_argument("--json", metavar="FILE", help="write all results as JSON")
    run.add_argument("--quiet", action="store_true", help="no progress")
    for verb in (
        run,
        verbs.add_parser("list", help="print the names of the cases"),
        verbs.add_parser("check", help="check that all cases are well-formed"),
    ):
        verb.add_argument(
            "--filter", action="append", default=[], metavar="X", help="part of a name, or a pattern with *"
        )
        verb.add_argument("--cases", type=Path, metavar="DIR", help="other cases than the package's")
        verb.add_argument("--vectors", type=Path, metavar="DIR", help="other vectors than the package's")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; returns 0 if all is well, 1 if cases failed, 2 if nothing could be judged."""
    options = _parser().parse_args(arguments)
    library = load_library(options.cases or cases_directory(), options.vectors or vectors_directory())
    if library.mistakes:
        for mistake in library.mistakes:
            print(mistake, file=sys.stderr)
        print(f"{len(library.mistakes)} mistakes; nothing is judged by wrong cases", file=sys.stderr)
        if options.verb != "list":
            return _UNUSABLE
    if options.verb == "check":
        print(f"{len(library.cases)} cases are well-formed")
        return _PASSED
    if options.verb == "list":
        for case in filtered(library.cases, options.filter):
            print(case.case_id)
        return _UNUSABLE if library.mistakes else _PASSED
    try:
        return asyncio.run(_run(options, library))
    except _Unusable as error:
        print(f"themis-conformance: {error}", file=sys.stderr)
        return _UNUSABLE
    except KeyboardInterrupt:
        return 130


async def _run(options: argparse.Namespace, library: Library) -> int:
    if not options.adapter and not options.server:
        raise _Unusable("nobody to judge: give --adapter, --server, or both")
    cases = filtered(library.cases, options.filter)
    if not cases:
        raise _Unusable(f"no case is named {' or '.join(options.filter)}")
    live = await _live(options)
    harmed = await _harmed(options)
    workers = options.jobs or 2 * (os.cpu_count() or 1)
    runs: list[SdkRun] = []
    for text in options.adapter:
        name, command, hello = await _greet(text)
        if any(name == run.name for run in runs):
            raise _Unusable(f"two adapters are called {name!r}; give them names: --adapter NAME=CMD")
        known = _known_failing(options, name, several=len(options.adapter) > 1)
        nodes = len(harmed.urls) if harmed is not None else 0
        jobs = jobs_for_adapter(cases, hello, options.mode, live=live is not None, cluster_nodes=nodes)
        runs.append(SdkRun(name, command, hello, jobs, known))
    judges_server = live is not None and not options.adapters_only
    server_jobs = jobs_for_server(cases) if judges_server else []
    server_known = _known_failing(options, _SERVER, several=bool(runs))
    # What can be listed does not depend on what is filtered.
    complaints = [
        complaint
        for known in (*(run.known_failing for run in runs), server_known)
        for complaint in known.unknown(library.ids)
    ]
    results: list[Result] = []
    with Progress(sum(len(run.jobs) for run in runs) + len(server_jobs), quiet=options.quiet) as progress:

        def report(result: Result) -> None:
            results.append(result)
            progress.note(result)

        for run in runs:
            complaints += await run_sdk(run, workers, live, report, harmed)
        if live is not None and judges_server:
            await run_server(_SERVER, server_jobs, workers, live, server_known, report)
    _sort(results, [run.name for run in runs], library)
    totals = Totals.of(results)
    _write_reports(options, results, {run.name: run.hello for run in runs})
    for complaint in complaints:
        print(complaint, file=sys.stderr)
    for line in totals.lines():
        print(line)
    if not results:
        raise _Unusable("none of these cases is for the subjects given")
    return _FAILED if totals.failed or complaints else _PASSED


def _sort(results: list[Result], subjects: list[str], library: Library) -> None:
    """In the order of the cases: workers end in any order, and reports are compared."""
    places = {case.case_id: place for place, case in enumerate(library.cases)}
    ranks = {subject: rank for rank, subject in enumerate((*subjects, _SERVER))}
    results.sort(key=lambda one: (ranks[one.subject], places[one.case_id.removesuffix("@live")], one.case_id, one.mode))


async def _live(options: argparse.Namespace) -> LiveServer | None:
    if not options.server:
        return None
    try:
        live = LiveServer(Address.parse(options.server, options.server_ca))
        await live.ring()
    except (ValueError, NoAnswer, OSError) as error:
        raise _Unusable(str(error)) from error
    return live


async def _harmed(options: argparse.Namespace) -> LiveCluster | None:
    if not options.cluster:
        return None
    try:
        return await LiveCluster.open(options.cluster)
    except ValueError as error:
        raise _Unusable(str(error)) from error


async def _greet(text: str) -> tuple[str, str, Hello]:
    named = _NAMED.fullmatch(text)
    command = named[2] if named else text
    try:
        adapter = await Adapter.start(command)
    except AdapterBroken as broken:
        raise _Unusable(str(broken)) from broken
    hello = adapter.hello
    complaint = await adapter.close()
    if complaint is not None:
        raise _Unusable(f"the adapter {command!r}: {complaint}")
    return (named[1] if named else hello.sdk.removeprefix("themis-")), command, hello


def _known_failing(options: argparse.Namespace, name: str, *, several: bool) -> KnownFailing:
    if not options.known_failing:
        return KnownFailing.none()
    path = Path(options.known_failing)
    if path.is_dir():
        path /= f"{name}.txt"
        if not path.exists():
            return KnownFailing.none()
    elif several and path.stem != name:
        return KnownFailing.none()
    try:
        return KnownFailing.read(path)
    except (OSError, ValueError) as error:
        raise _Unusable(str(error)) from error


def _write_reports(options: argparse.Namespace, results: list[Result], hellos: dict[str, Hello]) -> None:
    try:
        if options.junit:
            write_junit(Path(options.junit), results)
        if options.matrix:
            write_matrix(Path(options.matrix), results, hellos)
        if options.json:
            write_json(Path(options.json), results, hellos)
    except OSError as error:
        raise _Unusable(f"a report cannot be written: {error}") from error
