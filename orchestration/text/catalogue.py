"""The catalogue of translations, in gettext's manner: a message is its English text, `locale/` holds its Korean.

Code says `_("Deals lost")`, with the translations of its language's `gettext` as `_`. Babel finds the messages in code
and templates and brings them into the catalogue: `make messages`. A message that several things share but Korean tells
apart has a context: `pgettext("cut", "Company")`.
"""

from __future__ import annotations

import gettext
from functools import cache
from io import BytesIO
from typing import Literal

from orchestration.core.contract import PROJECT_ROOT

Language = Literal["en", "ko"]
LANGUAGES: tuple[Language, ...] = ("en", "ko")
# each in its own words
LANGUAGE_NAMES: dict[Language, str] = {"en": "English", "ko": "한국어"}
LOCALE_FOLDER = PROJECT_ROOT / "locale"
DOMAIN = "sales_kpis"


@cache
def translations(language: Language) -> gettext.NullTranslations:
    """The texts of a language. English is what stands in the code; a message without a translation stays English.

    The catalogue is read as it is written (`.po`), so there is nothing to compile after a change. Raises
    `babel.messages.pofile.PoFileError` where it is damaged, FileNotFoundError where it is not there.
    """
    if language == "en":
        return gettext.NullTranslations()
    from babel.messages import mofile, pofile  # a twentieth of a second, for those who read another language only

    path = LOCALE_FOLDER / language / "LC_MESSAGES" / f"{DOMAIN}.po"
    with path.open("rb") as stream:
        catalog = pofile.read_po(stream, locale=language, abort_invalid=True)
    compiled = BytesIO()
    mofile.write_mo(compiled, catalog)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


def N_(message: str) -> str:
    """Marks a message for the catalogue where it is declared; it is translated where it is shown."""
    return message
