"""The first lines of each SDK's README work when they are pasted, and so do the JavaScript and Java of docs/develop.

They run against a node and the package as it was built, installed in a project of its own. What is Python in docs/ is
run by server/tests/integration/test_documentation.py.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tools import sdks, tree
from tools.demo import node

_DOCUMENTED = "http://127.0.0.1:8080"
_BLOCK = re.compile(r"^```(javascript|java)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SCENARIO = re.compile(r"^```yaml\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_CLASS = re.compile(r"^(?:public )?(?:final )?class (\w+)", re.MULTILINE)

pytestmark = pytest.mark.timeout(180)


def pages(language: str) -> list[tuple[str, str]]:
    """The programs of the pages for developers: where each stands, and its text."""
    found = []
    for path in sorted((tree.ROOT / "docs/develop").glob("*.md")):
        texts = [text for kind, text in _BLOCK.findall(path.read_text(encoding="utf-8")) if kind == language]
        found += [(f"{path.stem}-{number}", text) for number, text in enumerate(texts, start=1)]
    return found


def first_lines(language: str) -> str:
    text = (tree.ROOT / "clients" / language / "README.md").read_text(encoding="utf-8")
    return text.split(f"```{language}\n", 1)[1].split("```", 1)[0]


def run(*command: str | Path, folder: Path, given: str | None = None) -> str:
    done = subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        input=given,
        env={name: value for name, value in os.environ.items() if not name.startswith("THEMIS_")},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A node on an empty directory."""
    folder = tmp_path_factory.mktemp("node")
    with socket.socket() as probe:
        probe.bind((node.HOST, 0))
        port = probe.getsockname()[1]
    with node.running(folder / "data", port, folder / "log"):
        yield f"http://{node.HOST}:{port}"


@pytest.fixture(scope="module")
def javascript(tmp_path_factory: pytest.TempPathFactory, endpoint: str) -> Callable[[str], str]:
    """Runs a module in a project that has the built package."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("node and npm are not installed: ./themis doctor says what is missing")
    if not (tree.JAVASCRIPT / "dist").is_dir():
        pytest.skip("themis-js is not built: ./themis test sdk-javascript builds it")
    project = tmp_path_factory.mktemp("javascript")
    (project / "package.json").write_text('{"private": true, "type": "module"}', encoding="utf-8")
    quiet = ("--silent", "--ignore-scripts")
    run("npm", "pack", *quiet, f"--pack-destination={project}", folder=tree.JAVASCRIPT)
    (package,) = project.glob("*.tgz")
    run("npm", "install", *quiet, "--offline", "--no-audit", "--no-fund", package, folder=project)
    command = ("node", "--input-type=module", "-")
    return lambda program: run(*command, folder=project, given=program.replace(_DOCUMENTED, endpoint))


@pytest.fixture(scope="module")
def java(tmp_path_factory: pytest.TempPathFactory, endpoint: str) -> Callable[[str], str]:
    """Compiles and runs a class against the built jar."""
    if shutil.which("javac") is None:
        pytest.skip("javac is not installed: ./themis doctor says what is missing")
    jars = [path for path in (tree.JAVA / "target").glob("themis-java-*.jar") if "-" not in path.stem[12:]]
    if not jars or not sdks.java_libraries():
        pytest.skip("themis-java is not built: ./themis test sdk-java builds it")
    libraries = os.pathsep.join(map(str, [jars[0], *sdks.java_libraries()]))

    def compile_and_run(program: str) -> str:
        folder = tmp_path_factory.mktemp("java")
        found = _CLASS.search(program)
        assert found is not None, "a Java example is a class with a main method"
        source = folder / f"{found[1]}.java"
        source.write_text(program.replace(_DOCUMENTED, endpoint), encoding="utf-8")
        run("javac", "-Xlint:all", "-Werror", "-cp", libraries, "-d", folder, source, folder=folder)
        return run("java", "-cp", os.pathsep.join([str(folder), libraries]), found[1], folder=folder)

    return compile_and_run


def test_the_first_lines_of_the_python_readme(endpoint: str, tmp_path: Path) -> None:
    program = first_lines("python").replace(_DOCUMENTED, endpoint)
    assert "Alice" in run(sys.executable, "-c", program, folder=tmp_path)


def test_the_first_lines_of_the_javascript_readme(javascript: Callable[[str], str]) -> None:
    assert "Alice" in javascript(first_lines("javascript"))


def test_the_first_lines_of_the_java_readme(java: Callable[[str], str]) -> None:
    assert "Alice" in java(first_lines("java"))


@pytest.mark.parametrize(("where", "program"), pages("javascript"), ids=[where for where, _ in pages("javascript")])
def test_the_javascript_of_the_documentation(where: str, program: str, javascript: Callable[[str], str]) -> None:
    javascript(program)


@pytest.mark.parametrize(("where", "program"), pages("java"), ids=[where for where, _ in pages("java")])
def test_the_java_of_the_documentation(where: str, program: str, java: Callable[[str], str]) -> None:
    java(program)


def test_the_scenario_of_the_documentation(tmp_path: Path) -> None:
    page = (tree.ROOT / "docs/reference/conformance.md").read_text(encoding="utf-8")
    (cases,) = _SCENARIO.findall(page)
    folder = tmp_path / "scenarios"
    folder.mkdir()
    (folder / "shown.yaml").write_text(
        f"suite: shown\nabout: As in the documentation.\ncases:\n{cases}", encoding="utf-8"
    )
    adapter = f"python={sys.executable} {tree.CONFORMANCE / 'adapters/python/adapter.py'}"
    command = (sys.executable, "-m", "themis_conformance", "run", "--quiet", "--filter", "scenarios/")

    said = run(*command, "--cases", tmp_path, "--adapter", adapter, folder=tmp_path)

    assert "python: 2 passed, 0 failed" in said
