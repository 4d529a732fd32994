from __future__ import annotations

import tomllib
from pathlib import Path

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from themis_server.config import Config, load, load_with_origins, render, render_reference, render_toml
from themis_server.config.settings import SECTIONS, SETTINGS, Section, Setting


def values_of(setting: Setting) -> st.SearchStrategy[object]:
    if setting.choices:
        return st.sampled_from(setting.choices)
    if setting.pattern is not None:
        return st.from_regex(setting.pattern.replace("$", r"\Z"), fullmatch=True)
    text = st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=setting.length_min)
    strategies: dict[str, st.SearchStrategy[object]] = {
        "boolean": st.booleans(),
        "integer": st.integers(int(setting.minimum), int(setting.maximum)),
        "number": st.floats(setting.minimum, setting.maximum),
        "string": text,
        "list of strings": st.lists(text, max_size=3).map(tuple),
    }
    return strategies[setting.kind]


configs = st.fixed_dictionaries(
    {
        section.name: st.fixed_dictionaries({}, optional={item.key: values_of(item) for item in section.settings})
        for section in SECTIONS
    }
).map(lambda tables: msgspec.convert(tables, Config))


@given(configs)
def test_what_is_printed_is_toml_that_says_the_same(config: Config) -> None:
    tables = tomllib.loads(render_toml(config))

    assert msgspec.convert(tables, Config) == config


def test_the_printed_defaults_are_a_file_to_start_from(tmp_path: Path) -> None:
    file = tmp_path / "themis.toml"
    file.write_text(render_toml(Config()))

    loaded = load_with_origins(file, {}, {})

    assert loaded.config == Config()
    assert set(loaded.origins) == set(SETTINGS)


def test_values_that_are_no_defaults_say_so_and_where_they_came_from(tmp_path: Path) -> None:
    loaded = load_with_origins(None, {"THEMIS_HTTP_PORT": "9000"}, {})

    printed = render_toml(loaded.config, loaded.origins)

    assert "# Default: 8080\nport = 9000  # from THEMIS_HTTP_PORT\n" in printed
    assert load(None, {}, tomllib.loads("[http]\n'http.port' = '9000'")["http"]) == loaded.config


def test_a_secret_is_never_printed() -> None:
    section = Section(
        name="login",
        description="d",
        settings=(Setting(section="login", key="seed", kind="string", default="", description="d", secret=True),),
    )

    class Login(msgspec.Struct):
        seed: str = "hunter2"

    assert "hunter2" not in render.render_section(section, Login(), {})


def test_settings_whose_names_sound_secret_are_marked() -> None:
    for setting in SETTINGS.values():
        sounds_secret = any(word in setting.key for word in ("password", "secret", "token", "credential"))
        names_a_file = setting.key.endswith("_file")  # what is in the file is secret, where it lies is not
        assert setting.secret or names_a_file or not sounds_secret, setting.name


def test_the_reference_names_every_setting_with_its_variable() -> None:
    page = render_reference()

    for setting in SETTINGS.values():
        assert f"### {setting.name}\n" in page
        assert f"`{setting.variable}`" in page
        assert setting.description in page


def test_every_setting_has_a_sentence_and_a_default_that_it_takes() -> None:
    for setting in SETTINGS.values():
        assert setting.description.endswith((".", ".)", "?")), setting.name
        assert setting.allowed
