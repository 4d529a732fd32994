"""What makes typedoc's and javadoc's pages part of the documentation's site: a hook that mkdocs.yml names.

The pages become files of the site before it is built, so that links to them are checked like all others, and `mkdocs
serve` shows them too. Where they have not been made, a page says so in their place.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

PAGES = Path(".cache", "api")
LANGUAGES = ("javascript", "java")
_ABSENT = """<!doctype html><meta charset="utf-8"><title>Not built</title>
<p>These pages are made by <code>./themis docs</code> where the tools of that language are installed;
<code>./themis doctor</code> says what is missing.
"""


def on_files(files: Files, /, *, config: MkDocsConfig) -> Files:
    """Add the pages below `api/` to the files of the site."""
    made = Path(config.config_file_path).parent / PAGES
    for language in LANGUAGES:
        if (made / language / "index.html").is_file():
            for file in _static(made, language, config):
                files.append(file)
        else:
            files.append(File.generated(config, f"api/{language}/index.html", content=_ABSENT))
    return files


def _static(made: Path, language: str, config: MkDocsConfig) -> Iterator[File]:
    for path in sorted((made / language).rglob("*")):
        if path.is_file():
            name = Path("api", path.relative_to(made)).as_posix()
            # javadoc's licences of scripts are Markdown, and no pages of this documentation.
            name += ".txt" if path.suffix == ".md" else ""
            yield File.generated(config, name, abs_src_path=str(path))
