"""What `themis-server recover` prints, keeps and refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from server.tests.unit.metadata.test_recovery import ALL, config, copy, survey, topology
from themis_server.cli import main
from themis_server.metadata.recovery import encode


@pytest.fixture
def surveys(tmp_path: Path) -> list[str]:
    """Give the files of two survivors of five, the first of which has more."""
    known = topology([ALL, ALL])
    copies = [copy(group, config(*ALL)) for group in range(3)]
    files = []
    for name, of_shard in (("n001", copy(2, config(*ALL), index=123)), ("n002", copies[2])):
        file = tmp_path / f"{name}.json"
        file.write_bytes(encode(survey(known, name, *copies[:2], of_shard)))
        files.append(str(file))
    return files


def test_a_plan_says_what_becomes_of_each_group_and_what_may_be_lost(
    surveys: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["recover", "plan", *surveys, "--lost", "n003,n004", "--lost", "n005"]) == 0
    shown = capsys.readouterr().out.splitlines()

    assert shown[0].split("  ")[0] == "GROUP"
    (row,) = (line for line in shown if line.startswith("shard_002"))
    assert [cell.strip() for cell in row.split("  ") if cell.strip()] == [
        "shard_002",
        "rebuilt",
        "n001, n002, n003, n004, n005",
        "n003, n004, n005",
        "n001",
        "123 (term 7)",
        "2024-01-01T00:00:00Z",
        "33",
        "n002",
    ]
    assert any("shard_002: what n003 and n004 and n005 acknowledged without n001." in line for line in shown)
    assert any("UNDECIDED entries" in line for line in shown)
    assert any("Taken out of the cluster for good: n003, n004, n005. The epoch becomes 1040." in line for line in shown)
    assert shown[-1] == "Nothing was changed. With --out FILE it is kept."
    assert sorted(path.name for path in tmp_path.iterdir()) == ["n001.json", "n002.json"]


def test_a_plan_is_kept_once_and_shown_but_not_applied_without_the_confirmation(
    surveys: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "plan.json"
    asked = ["recover", "plan", *surveys, "--lost", "n003,n004,n005", "--out", str(file)]
    assert main([*asked, "-o", "json"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads(file.read_text())
    assert main(asked) == 1
    assert "cannot be written: File exists" in capsys.readouterr().err

    assert main(["recover", "apply", str(file), "--data", str(tmp_path / "nothing")]) == 1
    printed = capsys.readouterr()
    assert "shard_002" in printed.out
    assert "nothing was changed" in printed.err
    assert main(["recover", "apply", str(file), "--data", str(tmp_path / "nothing"), "--yes-data-may-be-lost"]) == 1
    assert "is not the data directory of a node" in capsys.readouterr().err


def test_what_is_no_survey_is_refused(surveys: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    empty = tmp_path / "empty.json"
    empty.touch()
    for arguments, why in (
        (["plan", str(empty)], "is no survey"),
        (["plan", str(tmp_path / "missing.json")], "cannot be read: No such file"),
        (["plan", surveys[0], surveys[0], "--lost", "n003"], "there are 2 surveys of n001"),
        (["survey", "--data", str(tmp_path / "nothing")], "is not the data directory of a node"),
        (["apply", surveys[0], "--data", str(tmp_path), "--yes-data-may-be-lost"], "is no plan"),
    ):
        assert main(["recover", *arguments]) == 1
        assert why in capsys.readouterr().err
