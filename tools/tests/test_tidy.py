"""Each rule of tools/tidy finds the fault it is there for, and leaves a sound tree alone."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tools.tidy import addresses, dead, links, packages, sizes, text
from tools.tidy.fault import Fault, Tree

Plant = Callable[[dict[str, str]], Tree]


@pytest.fixture
def plant(tmp_path: Path) -> Plant:
    """Make a git work tree of the given files."""

    def make(files: dict[str, str]) -> Tree:
        for name, content in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode())
        subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
        return Tree(tmp_path)

    return make


def found(faults: Iterator[Fault]) -> list[tuple[str, int]]:
    return [(fault.path, fault.line) for fault in faults]


def test_a_file_past_the_limit_is_too_long(plant: Plant) -> None:
    limit = "x = 1\n" * sizes.LINES_MAX

    tree = plant(
        {
            "a.py": limit + "x = 1\n",
            "b.rs": limit,
            "src/_generated/c.py": limit * 2,
            "src/retry.ts": limit * 2,
            "src/main/java/Retry.java": limit * 2,
            "src/main/java/generated/Models.java": limit * 2,
        }
    )

    assert found(sizes.check(tree)) == [("a.py", 601), ("src/main/java/Retry.java", 1200), ("src/retry.ts", 1200)]


def test_a_file_of_a_megabyte_is_data(plant: Plant) -> None:
    tree = plant({"data.csv": "1" * (sizes.BYTES_MAX + 1)})

    assert found(sizes.check(tree)) == [("data.csv", 0)]


def test_ignored_files_are_not_looked_at(plant: Plant) -> None:
    tree = plant({".gitignore": "target/\n", "target/big.rs": "x\n" * 1000})

    assert found(sizes.check(tree)) == []


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("# TO" + "DO: later\n", 1),
        ("a = 1\n# FIX" + "ME\n", 2),
        ("a = 1  \n", 1),
        ("a = 1\r\n", 1),
        ("a = 1\nb = 2", 2),
    ],
)
def test_text_faults_are_found(plant: Plant, content: str, line: int) -> None:
    assert ("a.py", line) in found(text.check(plant({"a.py": content})))


def test_a_command_must_be_executable(plant: Plant) -> None:
    tree = plant({"themis": "#!/bin/sh\n"})

    assert found(text.check(tree)) == [("themis", 0)]

    (tree.root / "themis").chmod(0o755)
    assert found(text.check(tree)) == []


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("README.md", "install it from https://py" + "pi.org/simple"),
        ("uv.lock", 'url = "https://mirror.example/a.whl"'),
        ("docs/a.md", "run /ho" + "me/alice/themis"),
        ("tools/a.py", 'ROOT = "/ro' + 'ot/themis"'),
        ("a.toml", 'source = "registry+https://github.com/rust-lang/crates.io-' + 'index"'),
    ],
)
def test_addresses_of_registries_and_machines_are_found(plant: Plant, name: str, line: str) -> None:
    assert found(addresses.check(plant({name: f"{line}\n"}))) == [(name, 1)]


def test_cargos_own_source_line_is_allowed_in_its_lock_only(plant: Plant) -> None:
    source = 'source = "registry+https://github.com/rust-lang/crates.io-' + 'index"\n'

    assert found(addresses.check(plant({"raft/Cargo.lock": source}))) == []
    assert found(addresses.check(plant({"raft/Cargo.lock": f"# {source}"}))) == [("raft/Cargo.lock", 1)]


def test_npms_lock_may_say_who_asks_for_money_but_not_where_packages_are(plant: Plant) -> None:
    lock = [
        '  "node_modules/a": {',
        '    "resolved": "https://mirror.example/a.tgz",',
        '    "funding": "https://example.org/sponsor",',
        '    "funding": {',
        '      "url": "https://example.org/sponsor"',
        "",
    ]

    assert found(addresses.check(plant({"package-lock.json": "\n".join(lock)}))) == [("package-lock.json", 2)]


def test_a_package_opens_with_a_docstring(plant: Plant) -> None:
    tree = plant(
        {
            "server/src/themis_server/shard/__init__.py": "import this\n",
            "server/src/themis_server/query/__init__.py": '"""Answers questions."""\n',
            "server/tests/unit/__init__.py": "",
        }
    )

    assert found(packages.check(tree)) == [("server/src/themis_server/shard/__init__.py", 1)]


def test_a_generated_file_says_so(plant: Plant) -> None:
    sound, bare = "// Do not edit.\n", "export const a = 1;\n"
    tree = plant(
        {
            "server/src/_generated/a.py": "a = 1\n",
            "server/src/_generated/b.py": "# Do not edit.\nb = 1\n",
            "clients/javascript/src/_generated/a.ts": bare,
            "clients/javascript/src/_generated/b.ts": sound + bare,
            "clients/java/src/main/java/generated/A.java": "record A() {}\n",
        }
    )

    assert found(packages.check(tree)) == [
        ("clients/java/src/main/java/generated/A.java", 1),
        ("clients/javascript/src/_generated/a.ts", 1),
        ("server/src/_generated/a.py", 1),
    ]


def test_links_lead_to_files_and_headings(plant: Plant) -> None:
    tree = plant(
        {
            "README.md": "\n".join(
                [
                    "# Themis: *a* `database`",
                    "[up](#themis-a-database) [down](docs/a.md#second_1) [folder](docs) [web](https://example.org/x)",
                    "[missing](docs/b.md)",
                    "[no heading](docs/a.md#third)",
                    "`[not a link](nowhere.md)`",
                    "```",
                    "[nor this](nowhere.md)",
                    "```",
                    "[reference]: docs/c.md",
                    '<img src="picture.svg">',
                    "[outside](../other/README.md)",
                    "[own id](docs/a.md#chosen)\n",
                ]
            ),
            "docs/a.md": "## Second\n## Second\n## Fourth {#chosen}\n",
        }
    )

    assert found(links.check(tree)) == [("README.md", line) for line in (3, 4, 9, 10, 11)]


def test_a_module_that_nothing_imports_is_dead(plant: Plant) -> None:
    source = "server/src/themis_server"
    tree = plant(
        {
            "server/pyproject.toml": '[project]\nname = "s"\nscripts = { s = "themis_server.cli:main" }\n',
            "pyproject.toml": '[tool.tidy.doors]\n"themis_server.door" = "for tests"\n',
            f"{source}/__init__.py": "",
            f"{source}/cli.py": "from themis_server.storage import keys\nfrom .late import x\n",
            f"{source}/late.py": 'NAME = "themis_server.by_name"\n',
            f"{source}/by_name.py": "",
            f"{source}/door.py": "",
            f"{source}/storage/__init__.py": "",
            f"{source}/storage/keys.py": "",
            f"{source}/storage/dead.py": "",
            "server/tests/test_dead.py": "import themis_server.storage.dead\n",
        }
    )

    assert found(dead.check(tree)) == [(f"{source}/storage/dead.py", 0)]


def test_a_page_outside_the_menu_is_dead(plant: Plant) -> None:
    tree = plant(
        {
            "mkdocs.yml": "nav:\n  - Home: index.md\n  - More: [deep/a.md]\nextra: !!python/name:material.x ''\n",
            "docs/index.md": "",
            "docs/deep/a.md": "",
            "docs/lost.md": "",
        }
    )

    assert found(dead.check(tree)) == [("docs/lost.md", 0)]
