from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from themis_server.config import Config, ConfigError, load, load_with_origins


def problems(file: Path | None, env: Mapping[str, str] | None = None, flags: Mapping[str, str] | None = None) -> str:
    with pytest.raises(ConfigError) as refused:
        load(file, env or {}, flags or {})
    return "\n".join(refused.value.problems)


def written(directory: Path, text: str) -> Path:
    file = directory / "themis.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_without_any_source_the_defaults_hold() -> None:
    assert load(None, {}, {}) == Config()


def test_flags_win_over_the_environment_and_that_over_the_file(tmp_path: Path) -> None:
    file = written(tmp_path, "[http]\nport = 1\n[raft]\ntick_ms = 10\n[shards]\ncount = 3\n")

    loaded = load_with_origins(
        file, {"THEMIS_HTTP_PORT": "2", "THEMIS_RAFT_TICK_MS": "20", "HOME": "/"}, {"http.port": "3"}
    )

    assert (loaded.config.http.port, loaded.config.raft.tick_ms, loaded.config.shards.count) == (3, 20, 3)
    assert loaded.origins == {
        "http.port": "command line",
        "raft.tick_ms": "THEMIS_RAFT_TICK_MS",
        "shards.count": f"{file}:6",
    }


def test_every_kind_of_value_comes_from_text() -> None:
    config = load(
        None,
        {
            "THEMIS_NODE_ID": "db1",
            "THEMIS_LIMITS_HEADER_TIMEOUT_S": "0.25",
            "THEMIS_RAFT_FSYNC": "False",
            "THEMIS_HTTP_CORS_ORIGINS": "https://a.example, http://localhost:3000",
            "THEMIS_LOG_LEVEL": "debug",
        },
        {},
    )

    assert config.node.id == "db1"
    assert config.limits.header_timeout_s == 0.25
    assert config.raft.fsync is False
    assert config.http.cors_origins == ("https://a.example", "http://localhost:3000")
    assert config.log.level == "debug"


def test_an_empty_list_and_a_byte_order_mark_are_fine(tmp_path: Path) -> None:
    file = written(tmp_path, "\ufeff[http]\ncors_origins = []\n")

    assert load(file, {"THEMIS_HTTP_CORS_ORIGINS": ""}, {}) == Config()


@pytest.mark.parametrize(
    ("text", "line", "hint"),
    [
        ("[htp]\n", 1, "no such section; did you mean [http]?"),
        ("\n[http]\nprot = 1\n", 3, "no such setting; did you mean http.port?"),
        ("[http]\nbody_bytes_max = 1\n", 2, "did you mean limits.body_bytes_max?"),
        ("port = 1\n", 1, "did you mean http.port?"),
        ("http = 1\n", 1, "is a section, write [http]"),
        ("http.prot = 1\n", 1, "did you mean http.port?"),
        ("[limits]\nheaders_max = 9\n[raft]\n\n'tikc_ms' = 3\n", 5, "did you mean raft.tick_ms?"),
        ("[zzzzzz]\n", 1, "the sections are node, http"),
    ],
)
def test_an_unknown_name_is_refused_with_its_line_and_the_nearest_name(
    tmp_path: Path, text: str, line: int, hint: str
) -> None:
    file = written(tmp_path, text)

    found = problems(file)

    assert f"({file}:{line})" in found
    assert hint in found


@pytest.mark.parametrize("variable", ["THEMIS_HTTP_PROT", "THEMIS_HTPP_PORT", "THEMIS_LIMITS_WHATEVER"])
def test_a_variable_that_was_meant_for_a_setting_is_refused(variable: str) -> None:
    assert variable in problems(None, {variable: "1"})


@pytest.mark.parametrize("variable", ["THEMIS_ENDPOINTS", "THEMIS_PORT", "THEMIS_SERVICE_HOST", "THEMISX", "PATH"])
def test_variables_of_other_programs_are_none_of_ours(variable: str) -> None:
    # Kubernetes sets THEMIS_PORT and THEMIS_SERVICE_HOST for a service called themis.
    assert load(None, {variable: "tcp://10.0.0.1:8080"}, {}) == Config()


def test_an_unknown_flag_is_refused_with_the_nearest_name() -> None:
    assert "did you mean http.port?" in problems(None, flags={"http.prt": "1"})
    assert "did you mean http.port?" in problems(None, flags={"port": "1"})


def test_all_wrong_values_are_told_at_once(tmp_path: Path) -> None:
    file = written(tmp_path, '[http]\nport = "8080"\n[raft]\nfsync = 1\ntick_ms = true\n[log]\nlevel = "loud"\n')

    found = problems(file, {"THEMIS_SHARDS_COUNT": "many"}, {"limits.headers_max": "1"})

    assert found.splitlines() == [
        f"http.port ({file}:2): '8080' is not allowed; allowed is an integer from 0 to 65535",
        f"raft.fsync ({file}:4): 1 is not allowed; allowed is true or false",
        f"raft.tick_ms ({file}:5): true is not allowed; allowed is an integer from 5 to 10000",
        f"log.level ({file}:7): 'loud' is not allowed; allowed is one of debug, error, info, warning",
        "shards.count (THEMIS_SHARDS_COUNT): 'many' is not allowed; allowed is an integer from 1 to 1024",
        "limits.headers_max (command line): 1 is not allowed; allowed is an integer from 8 to 1024",
    ]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"[http\n", "is not TOML"),
        (b"[http]\nport = 1\nport = 2\n", "is not TOML"),
        (b"\xff\xfe", "is not UTF-8"),
        (b"#" * (1 << 20) + b"#", "larger than"),
        (b"a = " + b"[" * 100_000, "nested too deeply"),
    ],
)
def test_a_file_that_is_no_toml_is_refused(tmp_path: Path, content: bytes, why: str) -> None:
    file = tmp_path / "themis.toml"
    file.write_bytes(content)

    assert why in problems(file)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    assert "cannot be read: No such file or directory" in problems(tmp_path / "absent.toml")
    assert "cannot be read: Is a directory" in problems(tmp_path)


def test_combinations_are_checked_after_single_values() -> None:
    assert "plain http is accepted on loopback only" in problems(None, flags={"http.host": "0.0.0.0"}).lower()
