"""The distribution: wheel and sdist build, install into an empty environment, and work there."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from clients.python.tests.scripted_server import ScriptedServer

ROOT = Path(__file__).parents[1]

pytestmark = pytest.mark.timeout(300)

USE = """
import sys
from uuid import uuid4
import themis
from themis import AsyncThemisClient, ThemisClient
assert themis.__file__.startswith(sys.prefix), themis.__file__
uuid = str(uuid4())
with ThemisClient([sys.argv[1]]) as client:
    assert client.put("document", "users", uuid, {"name": "Alice"})
    print(client.get("document", "users", uuid))
"""


def run(*command: str | Path, cwd: Path | None = None) -> str:
    done = subprocess.run([str(part) for part in command], cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the sdist."""
    pytest.importorskip("hatchling")
    target = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "hatchling", "build", "-d", target, cwd=ROOT)
    return target


def test_what_is_in_them(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert "themis/py.typed" in names
    assert "themis/_generated/operations.py" in names
    assert not any(name.startswith(("tests", "samples", "bench")) for name in names)
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        inside = {name.split("/", 1)[1] for name in archive.getnames() if "/" in name}
    assert {"README.md", "CHANGELOG.md", "src/themis/client.py", "samples/first_steps.py"} <= inside


@pytest.mark.parametrize("pattern", ["*.whl", "*.tar.gz"])
def test_it_works_in_an_empty_environment(built: Path, tmp_path: Path, server: ScriptedServer, pattern: str) -> None:
    uv = Path(sys.executable).with_name("uv")
    if not uv.exists():
        pytest.skip("uv is not installed here")
    (distribution,) = built.glob(pattern)
    environment = tmp_path / "env"
    run(uv, "venv", "--quiet", "--python", sys.executable, environment)
    python = environment / "bin" / "python"
    run(uv, "pip", "install", "--quiet", "--python", python, distribution, cwd=tmp_path)
    assert run(python, "-I", "-c", USE, server.url(), cwd=tmp_path) == "{'name': 'Alice'}\n"
