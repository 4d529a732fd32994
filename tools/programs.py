"""Programs that tests use and the system's package manager has: installed on a machine of continuous integration.

On a developer's machine nothing is installed behind their back: there, a test without its program skips and says
which it is.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence

PROGRAMS = ("strace", "wrk")
_TIMEOUT_S = 300


def install(
    environment: Mapping[str, str] = os.environ,
    has: Callable[[str], bool] = lambda program: shutil.which(program) is not None,
    run: Callable[[Sequence[str]], bool] | None = None,
) -> list[str]:
    """Install what is missing if this is continuous integration with apt and its rights;

    return what is missing still.
    """
    missing = [program for program in PROGRAMS if not has(program)]
    if not missing or environment.get("CI") != "true" or not has("apt-get") or os.geteuid() != 0:
        return missing
    run = run or _run
    print(f"Installing {', '.join(missing)}, which tests use ...", flush=True)
    if not (run(["apt-get", "update", "-q"]) and run(["apt-get", "install", "-y", "-q", *missing])):
        print("That failed; the tests that need them will say so.", flush=True)
    return [program for program in missing if not has(program)]


def _run(command: Sequence[str]) -> bool:
    try:
        done = subprocess.run(command, stdout=subprocess.DEVNULL, timeout=_TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0
