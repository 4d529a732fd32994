"""The distribution: wheel and sdist build, install into an empty environment, and judge from there."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from conformance.tests.suites import PUT, Suite, case, double
from themis_conformance.cli import main

ROOT = Path(__file__).parents[1]

pytestmark = pytest.mark.timeout(300)


def run(*command: str | Path, cwd: Path | None = None) -> str:
    done = subprocess.run([str(part) for part in command], cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist, and the wheel that was built from it."""
    pytest.importorskip("hatchling")
    target = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", target, cwd=ROOT)
    (sdist,) = target.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        archive.extractall(target / "source", filter="data")
    (source,) = (target / "source").iterdir()
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", target, cwd=source)
    return target


def test_the_cases_are_in_the_wheel(built: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (wheel,) = built.glob("*.whl")
    inside = set(zipfile.ZipFile(wheel).namelist())
    data = "themis_conformance/data"
    assert {"themis_conformance/py.typed", f"{data}/errors.yaml", f"{data}/vectors/ring.json"} <= inside
    written = {f"{data}/cases/{path.relative_to(ROOT / 'cases')}" for path in (ROOT / "cases").rglob("*.yaml")}
    assert written <= inside
    assert not any(name.startswith(("tests", "adapters")) for name in inside)


def test_it_works_in_an_empty_environment(built: Path, suite: Suite, capsys: pytest.CaptureFixture[str]) -> None:
    uv = Path(sys.executable).with_name("uv")
    if not uv.exists():
        pytest.skip("uv is not installed here")
    (wheel,) = built.glob("*.whl")
    environment = suite.root / "env"
    run(uv, "venv", "--quiet", "--python", sys.executable, environment)
    run(uv, "pip", "install", "--quiet", "--python", environment / "bin" / "python", wheel, cwd=suite.root)
    program = environment / "bin" / "themis-conformance"
    assert main(["check"]) == 0
    assert run(program, "check", cwd=suite.root) == capsys.readouterr().out
    suite.write(case(server={"tls": True}, clients={}, steps=[{"create_client": "b"}, {"close_client": "b"}]))
    suite.write(case(steps=[{**PUT, "any": True}]), suite="plain")
    answer = run(program, "run", "--adapter", double(), *suite.arguments, "--quiet", cwd=suite.root)
    assert answer == "double: 4 passed, 0 failed\n"
