"""Every public name of every SDK is documented; a planted one that is not is found, in each language."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tools import tree
from tools.apidocs import __main__ as program
from tools.apidocs import java, javascript, python
from tools.apidocs.symbols import ApiDocsError, Symbol, sentence, undocumented

TSCONFIG = """{"compilerOptions": {"strict": true, "target": "ES2022", "module": "NodeNext", "types": []}}"""


def plant(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return root


def test_every_public_name_is_documented() -> None:
    counted = program.count()

    assert {language: undocumented(symbols) for language, symbols in counted.items()} == {
        language: [] for language in counted
    }
    # The three offer the same: a tool that overlooks most of an SDK would have nothing to complain of.
    assert all(len(symbols) > 150 for symbols in counted.values()), [sentence(*item) for item in counted.items()]


def test_python_names_without_documentation_are_found(tmp_path: Path) -> None:
    package = '''
"""A package."""
from planted._base import Base
__all__ = ["Client", "Fields", "bare", "LIMIT"]
LIMIT = 1
"""Described below itself."""
class Client(Base):
    """Described.

    Attributes:
        endpoint: Described here.
    """
    endpoint: str
    port: int
    def get(self) -> None:
        """Described."""
    def put(self) -> None: ...
    def _hidden(self) -> None: ...
class Fields:
    """Described.

    Args:
        ratio: Described here.
    """
    ratio: float
def bare() -> None: ...
def unlisted() -> None: ...
'''
    base = '"""Private."""\nclass Base:\n    """Private."""\n    def inherited(self) -> None: ...\n'
    plant(tmp_path, {"planted/__init__.py": package, "planted/_base.py": base})

    symbols = python.symbols("planted", tmp_path)

    assert undocumented(symbols) == ["Client.inherited", "Client.port", "Client.put", "bare"]
    assert sentence("python", symbols) == "python: 6 of 10 public names are documented"


def test_a_python_name_that_leads_nowhere_is_an_error(tmp_path: Path) -> None:
    plant(tmp_path, {"astray/__init__.py": '__all__ = ["gone"]\n'})

    with pytest.raises(ApiDocsError, match="gone"):
        python.symbols("astray", tmp_path)


def test_javascript_names_without_documentation_are_found(tmp_path: Path) -> None:
    source = """
class Base { inherited(): void {} }
/** Described. */
export class Client extends Base {
  /** Described. */
  get(): void {}
  put(): void {}
  private hidden(): void {}
}
export interface Options {
  /** Described. */
  timeout?: number;
  retries?: number;
}
/** Described. */
export type Pair = {
  /** Described. */
  first: string;
  second: string;
};
export function bare(): void {}
function unlisted(): void {}
"""
    plant(tmp_path, {"src/index.ts": source, "tsconfig.json": TSCONFIG, "package.json": '{"name": "planted"}'})
    hidden = ["--excludePrivate", "--gitRevision", "main", "--disableSources"]

    symbols = javascript.symbols(tmp_path, ["--entryPoints", "src/index.ts", *hidden])

    assert undocumented(symbols) == [
        *("Client.inherited", "Client.put"),
        *("Options", "Options.retries"),
        *("Pair.second", "bare"),
    ]
    assert sentence("javascript", symbols) == "javascript: 5 of 11 public names are documented"


def test_java_names_without_documentation_are_found(tmp_path: Path) -> None:
    source = """
package planted;
/** Described. */
public class Client implements AutoCloseable {
  /** Described. */ public static final int LIMIT = 1;
  public int port;
  public Client(int port) {}
  /** Described. */ public void get() {}
  public void put() {}
  void hidden() {}
  @Override public void close() {}
  /** Described.
   * @param first described
   */
  public record Pair(int first, int second) {}
  /** Described. */
  public enum Kind { /** Described. */ ONE, TWO }
  /** Described; its constructor is the compiler's. */
  public static class Plain {}
}
"""
    plant(
        tmp_path, {"planted/Client.java": source, "planted/package-info.java": "/** Described. */\npackage planted;\n"}
    )

    symbols = java.symbols(tmp_path)

    assert undocumented(symbols) == [
        "planted.Client.Client(int)",
        "planted.Client.Kind.TWO",
        "planted.Client.Pair.second",
        "planted.Client.port",
        "planted.Client.put()",
    ]
    assert sentence("java", symbols) == "java: 10 of 15 public names are documented"


def test_java_pages_are_written_without_a_warning_or_not_at_all(tmp_path: Path) -> None:
    source = "/** Described. */\npublic class Plain {\n  private Plain() {}\n}\n"
    sound = plant(tmp_path / "sound", {"Plain.java": source})
    broken = plant(tmp_path / "broken", {"Plain.java": source.replace("Described", "Described {@link Gone}")})

    java.pages(sound, (), tmp_path / "site")

    assert (tmp_path / "site" / "Plain.html").is_file()
    with pytest.raises(ApiDocsError, match="Gone"):
        java.pages(broken, (), tmp_path / "other")


def test_the_program_says_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    symbols = [Symbol("Client", True), *(Symbol(f"Client.m{number:02d}", False) for number in range(41))]
    monkeypatch.setattr(tree, "ROOT", tmp_path)
    monkeypatch.setattr(program, "count", lambda _pages: {"java": symbols})

    assert program.main() == 1
    said = capsys.readouterr().out
    assert "java: 1 of 42 public names are documented\n  without documentation: Client.m00\n" in said
    assert "and 1 more" in said


def site_of(root: Path, page: str) -> subprocess.CompletedProcess[str]:
    """Build a site of one page, with the hook."""
    hook_file = tree.ROOT / "tools" / "apidocs" / "hook.py"
    checks = "validation: {nav: {omitted_files: warn}, links: {not_found: warn}}"
    settings = f"site_name: x\nnav: [index.md]\nhooks: [{hook_file}]\n{checks}\n"
    plant(root, {"mkdocs.yml": settings, "docs/index.md": page})
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(root / "site")]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)


def test_the_pages_are_part_of_the_site(tmp_path: Path) -> None:
    made = {"index.html": "made by javadoc", "deep/style.css": "a {}", "legal/jquery.md": "a licence"}
    plant(tmp_path, {f".cache/api/java/{name}": text for name, text in made.items()})

    built = site_of(tmp_path, "[java](api/java/index.html) [js](api/javascript/index.html)\n")

    assert built.returncode == 0, built.stderr
    assert (tmp_path / "site/api/java/index.html").read_text(encoding="utf-8") == "made by javadoc"
    assert (tmp_path / "site/api/java/deep/style.css").is_file()
    assert (tmp_path / "site/api/java/legal/jquery.md.txt").is_file()
    assert "./themis doctor" in (tmp_path / "site/api/javascript/index.html").read_text(encoding="utf-8")


def test_a_link_to_a_page_that_typedoc_did_not_make_is_found(tmp_path: Path) -> None:
    built = site_of(tmp_path, "[gone](api/javascript/gone.html)\n")

    assert built.returncode == 1
    assert "gone.html" in built.stderr


def test_the_tree_has_the_three_languages() -> None:
    assert all(folder.is_dir() for folder in (tree.CLIENT, tree.JAVASCRIPT, tree.JAVA))
