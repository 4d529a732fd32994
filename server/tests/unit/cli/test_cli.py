from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

from themis_server import __version__
from themis_server.cli import main
from themis_server.config import Config
from themis_server.errors import StartRefusedError


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("THEMIS_HTTP_PORT", "THEMIS_NODE_DATA_DIR"):
        monkeypatch.delenv(name, raising=False)


class Node(ModuleType):
    """Stands where `themis_server.main` does and remembers what it was started with."""

    def __init__(self, outcome: int | Exception) -> None:
        super().__init__("themis_server.main")
        self.outcome = outcome
        self.started: list[Config] = []

    def run(self, config: Config) -> int:
        self.started.append(config)
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


def node(monkeypatch: pytest.MonkeyPatch, outcome: int | Exception = 0) -> Node:
    standing_in = Node(outcome)
    monkeypatch.setitem(sys.modules, "themis_server.main", standing_in)
    monkeypatch.setattr("themis_server.main", standing_in, raising=False)
    return standing_in


def test_start_hands_the_configuration_to_the_node_and_returns_its_code(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    started = node(monkeypatch, 0)
    file = tmp_path / "themis.toml"
    file.write_text("[http]\nport = 1\n[log]\nlevel = 'error'\n")

    flags = ["--port", "9000", "--data", "/d", "--log-format", "json"]
    settings = ["--set", "shards.count=3", "--set", "node.rack=r2"]

    code = main(["start", "--config", str(file), *flags, *settings])

    assert code == 0
    (config,) = started.started
    assert (config.http.port, config.node.data_dir, config.log.format) == (9000, "/d", "json")
    assert (config.log.level, config.shards.count, config.node.rack) == ("error", 3, "r2")


def test_a_refused_start_says_why_in_plain_lines(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    node(monkeypatch, StartRefusedError("port 8080 is in use by another program"))

    assert main(["start"]) == 1

    printed = capsys.readouterr()
    assert printed.err == "themis-server: the node does not start\nport 8080 is in use by another program\n"
    assert printed.out == ""


def test_a_wrong_configuration_starts_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    started = node(monkeypatch)

    assert main(["start", "--host", "0.0.0.0"]) == 1

    assert started.started == []
    assert "http.host: 0.0.0.0 is not a loopback address" in capsys.readouterr().err


def test_a_bug_is_not_dressed_up_as_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    node(monkeypatch, ZeroDivisionError("bug"))

    with pytest.raises(ZeroDivisionError):
        main(["start"])


@pytest.mark.parametrize(
    "argv", [[], ["strat"], ["start", "--set", "a"], ["start", "--set", "a=b"], ["start", "--por", "1"], ["config"]]
)
def test_wrong_usage_exits_with_2(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exited:
        main(argv)

    assert exited.value.code == 2
    assert "usage: themis-server" in capsys.readouterr().err


def test_config_check_accepts_a_good_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "themis.toml"
    file.write_text("[http]\nallow_insecure = true\n[raft]\nfsync = false\n")

    assert main(["config", "check", str(file)]) == 0

    printed = capsys.readouterr()
    assert "a node starts with this configuration" in printed.out
    assert printed.err.startswith("warning: raft.fsync")


def test_config_check_names_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "themis.toml"
    file.write_text("[http]\nprot = 1\n")

    assert main(["config", "check", str(file)]) == 1
    assert capsys.readouterr().err == f"http.prot ({file}:2): there is no such setting; did you mean http.port?\n"


def test_config_print_shows_what_is_in_force(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("THEMIS_HTTP_PORT", "9000")

    assert main(["config", "print", "--set", "shards.count=3"]) == 0

    printed = capsys.readouterr().out
    assert tomllib.loads(printed)["http"]["port"] == 9000
    assert "port = 9000  # from THEMIS_HTTP_PORT" in printed
    assert "count = 3  # from command line" in printed


def test_config_print_of_defaults_ignores_every_source(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("THEMIS_HTTP_PORT", "9000")

    assert main(["config", "print", "--defaults"]) == 0

    assert tomllib.loads(capsys.readouterr().out)["http"]["port"] == 8080


def test_config_print_refuses_what_start_would_refuse(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "print", "--port", "x"]) == 1
    assert "http.port (command line): 'x' is not allowed" in capsys.readouterr().err


def test_version_is_told_as_text_and_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["version"]) == 0
    assert capsys.readouterr().out.startswith(f"themis-server {__version__} (Python ")

    assert main(["version", "-o", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["server"] == __version__


def test_a_reader_that_has_gone_is_no_error() -> None:
    code = "import sys; from themis_server.cli import main; sys.exit(main(['config', 'print', '--defaults']))"
    command = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert command.stdout is not None
    command.stdout.close()

    _, complaint = command.communicate(timeout=60)

    assert (command.returncode, complaint) == (0, b"")
