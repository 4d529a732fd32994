"""The READMEs: one text in three languages, and nothing of it missing in one of them."""

from __future__ import annotations

import pytest

from tools import readmes
from tools.readmes import ReadmeError, render

TEXTS = {"style": "camelCase", "error_ending": "Error", "word": "a text\n"}


def test_names_and_errors_are_written_in_the_manner_of_the_language() -> None:
    page = "{{ name get_entity }}, {{ name get }}, {{ error NotFound }}, {{ word }}."
    snake = TEXTS | {"style": "snake_case", "errors_with_ending": ["Themis"]}
    assert render("java", page, TEXTS).endswith("\n\ngetEntity, get, NotFoundError, a text.\n")
    assert render("python", page, snake).endswith("\n\nget_entity, get, NotFound, a text.\n")
    assert render("python", "{{ error Themis }} {{ word }}", snake).endswith("\n\nThemisError a text\n")


@pytest.mark.parametrize(
    ("page", "message"),
    [
        ("{{ other }} {{ word }}", "no text 'other'"),
        ("nothing", "no place for 'word'"),
        ("{{ word }} {{style}}", "not understood"),
        ("{{ word }} {{ style }}", "no text 'style'"),
    ],
)
def test_what_does_not_fit_together_is_refused(page: str, message: str) -> None:
    with pytest.raises(ReadmeError, match=message):
        render("java", page, TEXTS)


def test_an_unknown_style_is_refused() -> None:
    with pytest.raises(ReadmeError, match="style is one of"):
        render("java", "{{ word }}", TEXTS | {"style": "kebab-case"})


def test_paragraphs_are_filled_and_code_is_left_alone() -> None:
    page = "a\nb {{ word }}\n\n```sh\na\n\nb\n```\n\n| a |\n|---|\n| b |\n\n# T\n\n- x\n- y\n"
    assert render("java", page, TEXTS).split("\n\n", 1)[1] == (
        "a b a text\n\n```sh\na\n\nb\n```\n\n| a |\n|---|\n| b |\n\n# T\n\n- x\n- y\n"
    )


def test_a_drawing_keeps_its_columns() -> None:
    page = "{{ word }}\n\n```text\n├── {{ error A }}    one\n│          two\n└── {{ error Longer }}   three\n```\n"
    assert "├── AError        one\n│                 two\n└── LongerError   three\n" in render("java", page, TEXTS)


@pytest.mark.parametrize("language", readmes.LANGUAGES)
def test_every_sdk_has_its_readme(language: str) -> None:
    text = render(language)
    assert text.count("\n## ") == 6
    assert max(len(line) for line in text.splitlines() if not line.startswith("|")) < 260
