"""The examples in README.md and docs/ run as they are written, against a real node.

Python blocks run one after the other in one interpreter a page; sh blocks run in one shell a page, and every request
they make must be answered as well as the page says.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from server.tests.process import Fleet

ROOT = Path(__file__).resolve().parents[3]
_DOCUMENTED = "http://127.0.0.1:8080"
_BLOCK = re.compile(r"^```(python|sh)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# What the pages show on purpose beside success: not modified, and a precondition that does not hold.
_EXPECTED = {"200", "201", "304", "412"}
# Needs the demo's data, which tools/demo/tests loads.
_SKIPPED = {"docs/develop/demo-data.md": "sh"}


def _blocks(language: str) -> list[tuple[str, str]]:
    found = []
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]:
        name = path.relative_to(ROOT).as_posix()
        texts = [text for kind, text in _BLOCK.findall(path.read_text(encoding="utf-8")) if kind == language]
        if texts and not name.startswith("docs/reference/") and _SKIPPED.get(name) != language:
            found.append((name, "\n".join(texts)))
    return found


@pytest.mark.parametrize(("page", "program"), _blocks("python"), ids=lambda value: value if "/" in value[:40] else "")
def test_the_python_examples_run(page: str, program: str, fleet: Fleet) -> None:
    node = fleet.start()

    ended = subprocess.run(
        [sys.executable, "-"],
        input=program.replace(_DOCUMENTED, node.endpoint),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert ended.returncode == 0, f"{page}\n{ended.stdout}\n{ended.stderr}"


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl on this machine")
@pytest.mark.parametrize(("page", "program"), _blocks("sh"), ids=lambda value: value if "/" in value[:40] else "")
def test_the_curl_examples_run(page: str, program: str, fleet: Fleet) -> None:
    node = fleet.start()
    reporting = "curl() { command curl -sS -w '%{stderr}<%{http_code}>' \"$@\"; }\n"

    ended = subprocess.run(
        ["sh", "-e"],
        input=reporting + program.replace(_DOCUMENTED, node.endpoint),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    statuses = re.findall(r"<(\d+)>", ended.stderr)
    assert ended.returncode == 0, f"{page}\n{ended.stdout}\n{ended.stderr}"
    assert statuses, ended.stdout
    assert set(statuses) <= _EXPECTED, f"{page}: {statuses}\n{ended.stdout}"
