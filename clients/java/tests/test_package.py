"""The package as a user gets it: installed into a Maven repository of its own, used from projects that know it by name.

Run by hand or by `./themis test`: `python -m pytest clients/java/tests`. Needs JDK 17 and Maven.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

JAVA = Path(__file__).parents[1]
ARTIFACT = Path("dev/themisdb/themis-java/0.1.0")
SAMPLES = sorted(
    path.stem
    for path in (JAVA / "samples/src/main/java/dev/themisdb/samples").glob("*.java")
    if "public static void main" in path.read_text(encoding="utf-8")
)
SERVER = JAVA.parents[1] / ".venv" / "bin" / "themis-server"

pytestmark = pytest.mark.skipif(shutil.which("mvn") is None, reason="Maven is not installed")


def maven(folder: Path, repository: Path, *arguments: str) -> None:
    """Run Maven on a project with a repository of its own."""
    command = ["mvn", "-B", "-q", f"-Dmaven.repo.local={repository}", "-f", str(folder / "pom.xml"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Maven repository with the SDK in it, and with what Maven has fetched before, the SDK excepted."""
    place = tmp_path_factory.mktemp("maven") / "repository"
    known = Path.home() / ".m2" / "repository"
    if known.is_dir():
        shutil.copytree(known, place, copy_function=_link, ignore=shutil.ignore_patterns("themisdb"))
    maven(JAVA, place, "install", "-DskipTests")
    return place


def _link(source: str, target: str) -> str:
    """Give a file another name; a copy where the file system cannot."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
    return target


@pytest.fixture(scope="module")
def samples(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The samples' project, built from a copy beside the tree."""
    place = tmp_path_factory.mktemp("samples")
    shutil.copytree(JAVA / "samples", place / "samples", ignore=shutil.ignore_patterns("target"))
    maven(place / "samples", repository, "package")
    return place / "samples" / "target"


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The node at THEMIS_ENDPOINT, or one on an empty directory."""
    given = os.environ.get("THEMIS_ENDPOINT")
    if given is not None:
        yield given
        return
    if not SERVER.exists():
        pytest.skip("neither THEMIS_ENDPOINT nor themis-server")
    data = tmp_path_factory.mktemp("node")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [str(SERVER), "start", "--data", str(data / "d"), "--port", str(port)]
    with (data / "log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as node:
        url = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + 60
        while not _ready(url):
            assert node.poll() is None, (data / "log").read_text()
            assert time.monotonic() < deadline, "the node did not become ready"
        yield url
        node.send_signal(signal.SIGTERM)
        node.wait(30)


def _ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/health/ready", timeout=1) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def test_the_repository_has_the_jar_its_sources_and_its_documentation(repository: Path) -> None:
    names = {path.name for path in (repository / ARTIFACT).iterdir()}
    assert {
        "themis-java-0.1.0.jar",
        "themis-java-0.1.0-sources.jar",
        "themis-java-0.1.0-javadoc.jar",
        "themis-java-0.1.0.pom",
    } <= names
    with zipfile.ZipFile(repository / ARTIFACT / "themis-java-0.1.0.jar") as jar:
        assert "module-info.class" in jar.namelist()
        assert not [name for name in jar.namelist() if "Test" in name]
    with zipfile.ZipFile(repository / ARTIFACT / "themis-java-0.1.0-javadoc.jar") as documentation:
        assert "dev.themisdb.client/dev/themisdb/client/ThemisClient.html" in documentation.namelist()


@pytest.mark.parametrize("sample", SAMPLES)
def test_samples_run_from_the_class_path(samples: Path, endpoint: str, sample: str) -> None:
    done = _java(endpoint, "-cp", str(samples / "samples.jar"), f"dev.themisdb.samples.{sample}")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout


def test_the_sdk_is_a_module(samples: Path, endpoint: str) -> None:
    path = f"{samples / 'samples.jar'}{os.pathsep}{samples / 'lib'}"
    done = _java(endpoint, "-p", path, "-m", "dev.themisdb.samples/dev.themisdb.samples.FirstSteps")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Alice" in done.stdout


def _java(endpoint: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", *arguments],
        env={**os.environ, "THEMIS_ENDPOINT": endpoint},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
