"""Coverage-guided fuzzing of the codecs (atheris).

    python -m robustness.fuzz.codecs [--runs 100000] [--seed N] [TARGET...]

Each target runs in a process of its own, since libFuzzer ends the process that it runs in. What it finds is written to
the working directory as crash-<hash>, and `--repeat FILE` sends it again.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path


def main(argv: Sequence[str] | None = None) -> int:
    """Run the fuzzer from the command line; 1 if it found something."""
    parser = argparse.ArgumentParser(description="Fuzz the codecs.")
    parser.add_argument("--runs", type=int, default=100_000, help="inputs per target (100000)")
    parser.add_argument("--seed", type=int, default=20261123)
    parser.add_argument("--repeat", type=Path, metavar="FILE", help="send one input to the targets, and nothing else")
    parser.add_argument("--inside", help=argparse.SUPPRESS)
    parser.add_argument("targets", nargs="*", metavar="TARGET")
    arguments = parser.parse_args(argv)
    if arguments.inside:
        _fuzz(arguments.inside, arguments.runs, arguments.seed)
    from robustness.fuzz.targets import TARGETS

    names = arguments.targets or list(TARGETS)
    if arguments.repeat:
        for name in names:
            TARGETS[name](arguments.repeat.read_bytes())
        return 0
    failed = []
    for name in names:
        command = [sys.executable, "-m", "robustness.fuzz.codecs", "--inside", name]
        command += ["--runs", str(arguments.runs), "--seed", str(arguments.seed)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        last = [line for line in done.stderr.splitlines() if line.startswith("Done ")]
        print(f"{name}: {last[0] if last and not done.returncode else done.stderr[-3000:]}")
        if done.returncode:
            failed.append(name)
    return 1 if failed else 0


def _fuzz(name: str, runs: int, seed: int) -> None:
    """Fuzz one target. Does not return: libFuzzer ends the process."""
    import atheris  # type: ignore[import-untyped, import-not-found, unused-ignore]

    with atheris.instrument_imports(include=["themis", "themis_server", "robustness"]):
        from robustness.fuzz.targets import SEEDS, TARGETS

    with tempfile.TemporaryDirectory() as corpus:
        for number, sample in enumerate(SEEDS[name]):
            (Path(corpus) / f"seed-{number}").write_bytes(sample)
        options = [f"-runs={runs}", f"-seed={seed}", "-max_len=4096", "-timeout=10", "-rss_limit_mb=1024"]
        atheris.Setup([sys.argv[0], *options, corpus], TARGETS[name])
        atheris.Fuzz()


if __name__ == "__main__":
    sys.exit(main())
