"""`python -m tools.conformance`: what `./themis conformance` becomes once the SDKs are built.

It starts a real node and a real cluster, and lets `themis-conformance` judge the SDKs (against its own scripted
cluster, the node, and the cluster, whose nodes it kills and pauses) and the node itself, and ends with the matrix and
one line for each. The reports stand beside those of the test suite:
`.cache/test/conformance-NAME.xml`, `.md` and `.json`.
"""

from __future__ import annotations

import argparse
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tools import scratch_cluster, scratch_node, tree
from tools.cluster.state import ClusterError
from tools.demo.node import NodeError
from tools.sdks import SDKS

# Beside the SDKs: nothing but the node.
_SERVER = "server"
_ADAPTERS = tree.CONFORMANCE / "adapters"
_RUNNER = str(tree.VENV / "bin" / "themis-conformance")


def main(arguments: Sequence[str] | None = None) -> int:
    """Judge what is named; returns the exit status: 0 if no case failed."""
    options = _parser().parse_args(arguments)
    names: list[str] = options.sdk or [*SDKS]
    # What did not run everything must not be taken for the whole: only whole runs leave reports to compare with.
    partial = options.quick or options.filter is not None
    report = (tree.CACHE / "conformance" if partial else tree.REPORTS) / f"conformance-{_title(options.sdk)}"
    try:
        command = [_RUNNER, "run", "--known-failing", str(tree.CONFORMANCE / "known-failing")]
        for name in names:
            command += [] if name == _SERVER else ["--adapter", f"{name}={shlex.join(adapter(name))}"]
        # Asked about an SDK, it says nothing of the server: that is another part's business.
        command += ["--adapters-only"] if options.sdk and _SERVER not in names else []
        command += [] if options.filter is None else ["--filter", options.filter]
        command += [] if options.jobs is None else ["--jobs", str(options.jobs)]
        if options.quick:
            return _run(command, report)
        with scratch_node.running("conformance") as url:
            command += ["--server", url]
            if _SERVER in names and len(names) == 1:  # the server itself is judged node by node
                return _run(command, report)
            with scratch_cluster.running("conformance") as directory:
                act = [str(tree.PYTHON), "-m", "tools.cluster", "act", "--data", str(directory)]
                return _run([*command, "--cluster", shlex.join(act)], report)
    except (NodeError, ClusterError) as error:
        print(error, file=sys.stderr)
        return 1


def adapter(sdk: str) -> list[str]:
    """Return the command of an SDK's adapter, as its build left it."""
    folder = _ADAPTERS / sdk
    return {
        "python": [str(tree.PYTHON), str(folder / "adapter.py")],
        "javascript": ["node", str(folder / "adapter.mjs")],
        "java": ["java", "-jar", str(folder / "target" / "adapter.jar")],
    }[sdk]


def _run(command: list[str], report: Path) -> int:
    """Run the suite, show its matrix and then its sums; returns its exit status."""
    for kind, ending in (("junit", "xml"), ("matrix", "md"), ("json", "json")):
        command += [f"--{kind}", f"{report}.{ending}"]
    report.parent.mkdir(parents=True, exist_ok=True)
    matrix = Path(f"{report}.md")
    matrix.unlink(missing_ok=True)
    done = subprocess.run(command, cwd=tree.ROOT, stdout=subprocess.PIPE, text=True, check=False)
    if matrix.exists():
        print(matrix.read_text(encoding="utf-8"))
    print(done.stdout, end="", flush=True)
    return done.returncode


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="./themis conformance", description="Judge the SDKs and the server.")
    parser.add_argument("--sdk", action="append", choices=(*SDKS, _SERVER), help="what to judge (default: all)")
    parser.add_argument("--filter", help="only the cases whose names contain it")
    parser.add_argument("--jobs", type=int, help="how many cases at once")
    parser.add_argument("--quick", action="store_true", help="without a real node")
    return parser


def _title(chosen: Sequence[str] | None) -> str:
    return "-".join(chosen) if chosen else "all"


if __name__ == "__main__":
    sys.exit(main())
