"""The catalogue of translations is what code and templates say, whole, and says it with the same fields."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from string import Formatter
from typing import Any

import pytest
from babel.messages import Catalog, Message, pofile
from babel.messages.frontend import CommandLineInterface

from dashboards.site import SCRIPT, messages_of_script
from orchestration.core.catalog import metrics
from orchestration.core.contract import PROJECT_ROOT
from orchestration.docs.pages import cuts_of_mart
from orchestration.text import labels
from orchestration.text.catalogue import DOMAIN, LANGUAGES, LOCALE_FOLDER, Language, translations

TRANSLATED: list[Language] = [language for language in LANGUAGES if language != "en"]
HANGUL = re.compile("[\uac00-\ud7a3]")
# names of the sample company's people and things, and the languages' own names
SPEAK_KOREAN = {
    # what files in Korean have: encodings, dates, totals
    "orchestration/load/kinds/charset.py",
    "orchestration/mapping/formats.py",
    "orchestration/mapping/proposal.py",
    "orchestration/mapping/sample_rows.py",
    "orchestration/sample/catalog.py",
    "orchestration/text/catalogue.py",
}
Key = tuple[str | None, str | tuple[str, ...]]


def keys(messages: Iterable[Message]) -> dict[Key, Message]:
    """Messages by context and English text (texts, of a plural); without the file's header."""
    return {(one.context, tuple(one.id) if one.pluralizable else str(one.id)): one for one in messages if one.id}


def catalog_of(language: Language) -> Catalog:
    path = LOCALE_FOLDER / language / "LC_MESSAGES" / f"{DOMAIN}.po"
    with path.open("rb") as stream:
        return pofile.read_po(stream, locale=language, abort_invalid=True)


@pytest.fixture(scope="module")
def in_code(tmp_path_factory: pytest.TempPathFactory) -> dict[Key, Message]:
    """The messages that Babel finds in code and templates."""
    path = tmp_path_factory.mktemp("messages") / "messages.pot"
    mapping = str(PROJECT_ROOT / "pyproject.toml")
    command: Any = CommandLineInterface()
    command.run(["pybabel", "-q", "extract", "-F", mapping, "-o", str(path), str(PROJECT_ROOT)])
    with path.open("rb") as stream:
        return keys(pofile.read_po(stream))


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_message_is_translated_and_no_translation_is_left_over(
    in_code: dict[Key, Message], language: Language
) -> None:
    catalog = catalog_of(language)
    translated = {key: one for key, one in keys(catalog).items() if all(_texts(one.string)) and not one.fuzzy}
    assert not in_code.keys() - translated.keys(), "not translated: `make messages`, then translate what is new"
    assert not keys(catalog).keys() - in_code.keys(), "said nowhere: `make messages` removes them"
    assert not catalog.obsolete
    assert len(in_code) > 150


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_translation_has_the_plurals_of_its_language_and_the_fields_of_the_message(language: Language) -> None:
    catalog = catalog_of(language)
    for message in keys(catalog).values():
        forms = _texts(message.string)
        assert len(forms) == (catalog.num_plurals if message.pluralizable else 1), message.id
        wanted = set[str]().union(*map(fields, _texts(message.id)))
        assert all(fields(form) == wanted for form in forms), message.id


def _texts(told: object) -> list[str]:
    """One text, or those of a plural."""
    return list(told) if isinstance(told, (list, tuple)) else [str(told)]


def fields(text: str) -> set[str]:
    """The names between braces."""
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def test_code_speaks_english() -> None:
    places = [*(PROJECT_ROOT / "dashboards").rglob("*.*"), *(PROJECT_ROOT / "orchestration").rglob("*.py")]
    speaking = {
        str(path.relative_to(PROJECT_ROOT))
        for path in places
        if path.suffix in (".py", ".js", ".j2") and HANGUL.search(path.read_text(encoding="utf-8"))
    }
    assert speaking == SPEAK_KOREAN


def test_the_script_of_the_boards_gets_all_its_messages() -> None:
    said = re.findall(r'\b_\("((?:[^"\\]|\\.)*)"\)', SCRIPT.read_text(encoding="utf-8"))
    assert len(said) > 30
    korean = messages_of_script("ko")
    assert set(korean) == set(said)
    assert korean["so far"] == translations("ko").gettext("so far") != "so far"
    assert messages_of_script("en") == {}


def test_every_cut_and_unit_has_its_korean_name() -> None:
    cuts = {cut for metric in metrics() for cut in cuts_of_mart(metric)}
    assert len(cuts) > 10
    units = {metric.unit for metric in metrics().values()}
    assert not [cut for cut in {"all", *cuts} if not HANGUL.search(labels.cut_name(cut, "ko"))]
    assert not [unit for unit in units if not HANGUL.search(labels.unit_name(unit, "ko"))]


def test_what_has_no_name_stands_for_itself() -> None:
    assert labels.cut_name("shoe_size", "ko") == labels.line_name("shoe_size", "en") == "Shoe size"


def test_one_english_word_may_be_two_in_korean() -> None:
    korean = translations("ko")
    assert korean.pgettext("cut", "Company") != korean.gettext("Company")


def test_a_damaged_catalogue_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "ko" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    (folder / f"{DOMAIN}.po").write_text('msgid "Metric"\nmsgstr:\n', encoding="utf-8")
    monkeypatch.setattr("orchestration.text.catalogue.LOCALE_FOLDER", tmp_path)
    with pytest.raises(pofile.PoFileError):
        translations.__wrapped__("ko")
