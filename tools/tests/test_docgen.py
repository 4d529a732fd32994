"""The rendered pages: written once, unchanged the second time, and drift is found."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from themis_server.config.settings import SECTIONS, SETTINGS
from themis_server.observability.catalogue import CATALOGUE
from tools import docgen, tree


def test_writes_every_page_and_then_finds_it_unchanged(tmp_path: Path) -> None:
    assert docgen.main(["--check"], tmp_path) == 1
    assert docgen.main([], tmp_path) == 0
    assert docgen.main(["--check"], tmp_path) == 0


def test_a_page_that_was_edited_by_hand_is_drift(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    docgen.main([], tmp_path)
    page = tmp_path / "docs/reference/metrics.md"
    page.write_text(page.read_text().replace("# Metrics", "# Measurements"))

    assert docgen.main(["--check"], tmp_path) == 1
    assert "+# Metrics" in capsys.readouterr().out


def test_the_pages_name_every_setting_and_every_metric(tmp_path: Path) -> None:
    docgen.main([], tmp_path)
    configuration = (tmp_path / "docs/reference/configuration.md").read_text()
    metrics = (tmp_path / "docs/reference/metrics.md").read_text()

    assert all(f"### {name}\n" in configuration for name in SETTINGS)
    assert all(f"## [{section.name}]" in configuration for section in SECTIONS)
    assert all(f"`{spec.name}`" in metrics for spec in CATALOGUE)


@pytest.mark.parametrize(
    ("source", "flag"),
    [("server/src/themis_server/cli/parser.py", r'"(--[a-z-]+)"'), ("tools/command.py", r'"(--[a-z-]+)"')],
)
def test_the_page_of_commands_names_every_flag(source: str, flag: str) -> None:
    page = (tree.ROOT / "docs/reference/cli.md").read_text()
    flags = set(re.findall(flag, (tree.ROOT / source).read_text())) - {"--strict", "--site-dir", "--dev-addr", "--help"}
    flags -= {"--select", "--fix", "--quiet", "--manifest-path"}  # of the programs that ./themis runs

    assert {name for name in flags if name not in page} == set()
