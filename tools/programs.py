"""Programs that tests use and the system's package manager has: installed on a machine of continuous integration.

On a developer's machine nothing is installed behind their back: there, a test without its program skips and says
which it is.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Literal, get_args

Program = Literal["chromium", "etcd", "faketime", "ip", "nft", "promtool", "strace", "wrk"]
PROGRAMS: tuple[Program, ...] = get_args(Program)
_PACKAGES = {"etcd": "etcd-server", "ip": "iproute2", "nft": "nftables", "promtool": "prometheus"}
"""Of those programs that are not called like their package."""
_TIMEOUT_S = 600


def install(
    wanted: Iterable[Program] = PROGRAMS,
    environment: Mapping[str, str] = os.environ,
    has: Callable[[str], bool] = lambda program: shutil.which(program) is not None,
    run: Callable[[Sequence[str]], bool] | None = None,
) -> list[Program]:
    """Install what is missing if this is continuous integration with apt and its rights.

    Args:
        wanted: The programs.
        environment: Where `CI=true` says that this is a machine for tests.
        has: Whether a program is there.
        run: Runs a command; whether it went well.

    Returns:
        What is missing still.
    """
    missing = sorted(program for program in set(wanted) if not has(program))
    if not missing or environment.get("CI") != "true" or not has("apt-get") or os.geteuid() != 0:
        return missing
    run = run or _run
    print(f"Installing {', '.join(missing)}, which tests use ...", flush=True)
    packages = ["apt-get", "install", "-y", "-q", "--no-install-recommends"]
    packages += [_PACKAGES.get(program, program) for program in missing]
    if not (run(["apt-get", "update", "-q"]) and run(packages)):
        print("That failed; the tests that need them will say so.", flush=True)
    return [program for program in missing if not has(program)]


def _run(command: Sequence[str]) -> bool:
    try:
        done = subprocess.run(command, stdout=subprocess.DEVNULL, timeout=_TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0
