"""Nothing is left behind: after an end in order, and after kill -9."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from robustness import network
from robustness.processes import alive, wait_for
from robustness.undo import Action, Undo

ROOT = Path(__file__).parents[2]

_CRASHING = """
import subprocess, sys, time
from pathlib import Path
from robustness.network import Network
from robustness.undo import Action, Undo

directory, with_network = Path(sys.argv[1]), sys.argv[2] == "yes"
undo = Undo()
if with_network:
    net = Network({"node-1": "127.78.0.1", "node-2": "127.78.0.2"}, undo)
    net.create()
    net.enter()
    disk = directory / "disk"
    disk.mkdir()
    undo.push(Action.run("umount", "--lazy", str(disk)))
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)], check=True)
    sleeper = subprocess.Popen(net.command("node-1", ["sleep", "600"]), start_new_session=True)
else:
    sleeper = subprocess.Popen(["sleep", "600"], start_new_session=True)
undo.push(Action.kill(sleeper.pid))
ballast = directory / "ballast"
undo.push(Action.remove(ballast))
ballast.touch()
print(sleeper.pid, flush=True)
time.sleep(600)
"""


def _crash(directory: Path, *, with_network: bool, end: Callable[[subprocess.Popen[bytes]], None]) -> tuple[int, int]:
    """Run the program above, end it, and return its own process id and that of what it started."""
    program = subprocess.Popen(
        [sys.executable, "-c", _CRASHING, str(directory), "yes" if with_network else "no"],
        stdout=subprocess.PIPE,
        cwd=ROOT,
    )
    assert program.stdout is not None
    sleeper = int(program.stdout.readline())
    assert (directory / "ballast").exists()
    assert alive(sleeper)
    end(program)
    program.wait()
    program.stdout.close()
    return program.pid, sleeper


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_killed_run_leaves_no_process_and_no_file(tmp_path: Path, number: signal.Signals) -> None:
    _, sleeper = _crash(tmp_path, with_network=False, end=lambda program: program.send_signal(number))
    wait_for(lambda: not alive(sleeper), "the process to be ended", 10)
    wait_for(lambda: not (tmp_path / "ballast").exists(), "the file to be removed", 10)


def test_a_killed_run_leaves_no_namespace_and_no_mount(tmp_path: Path) -> None:
    if network.missing():
        pytest.skip(f"NOT TESTED: namespaces need {', '.join(network.missing())}")

    def end(program: subprocess.Popen[bytes]) -> None:
        assert str(tmp_path / "disk") in Path("/proc/mounts").read_text()
        assert list(Path("/run/netns").glob(f"themis-{program.pid}-*"))
        program.kill()

    pid, sleeper = _crash(tmp_path, with_network=True, end=end)
    wait_for(lambda: not alive(sleeper), "the process to be ended", 10)
    wait_for(lambda: str(tmp_path / "disk") not in Path("/proc/mounts").read_text(), "the mount to be gone", 10)
    wait_for(lambda: not list(Path("/run/netns").glob(f"themis-{pid}-*")), "the namespaces to be gone", 10)


def test_the_end_undoes_the_latest_first(tmp_path: Path) -> None:
    order = tmp_path / "order"
    with Undo() as undo:
        for name in ("first", "second", "third"):
            undo.push(Action.run("sh", "-c", f"echo {name} >> {order}"))
        undo.drop(2)
    assert order.read_text().split() == ["third", "first"]


def test_what_was_undone_is_not_undone_again(tmp_path: Path) -> None:
    order = tmp_path / "order"
    with Undo() as undo:
        number = undo.push(Action.run("sh", "-c", f"echo once >> {order}"))
        undo.perform(number)
        undo.perform(number)
    assert order.read_text().split() == ["once"]


def test_another_process_of_the_same_number_is_left_alone() -> None:
    with subprocess.Popen(["sleep", "600"]) as sleeper:
        Action("kill", (str(sleeper.pid), "1")).perform()
        time.sleep(0)
        assert sleeper.poll() is None
        Action.kill(sleeper.pid).perform()
        assert sleeper.wait() == -signal.SIGKILL


def test_a_stopped_process_goes_on() -> None:
    with subprocess.Popen(["sleep", "600"]) as sleeper:
        action = Action.resume(sleeper.pid)
        os.kill(sleeper.pid, signal.SIGSTOP)
        state = Path(f"/proc/{sleeper.pid}/stat")
        wait_for(lambda: ") T" in state.read_text(), "the process to stop", 5)
        action.perform()
        wait_for(lambda: ") S" in state.read_text(), "the process to go on", 5)
        sleeper.kill()
