"""Renders the boards: one HTML file a board and language, with its data, its script and Vega in it.

A page asks nothing of the network: it can be opened from the disk, mailed, or served.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
from babel.messages.extract import extract_javascript

from dashboards.boards import BOARDS, Board
from dashboards.charts import OTHER_MEMBERS
from dashboards.marts import ALL, MOST_MEMBERS, Marts
from dashboards.packing import packed
from dashboards.painter import Page, Painter
from dashboards.vega import vega
from orchestration.core.errors import UsageError
from orchestration.text.catalogue import LANGUAGE_NAMES, LANGUAGES, Language, translations
from orchestration.warehouse.connections import open_published

TEMPLATES = Path(__file__).parent / "templates"
SCRIPT = TEMPLATES / "board.js"
FOLDER = "dashboard"


def render_site(published: Path, company: str | None = None) -> Path:
    """Render every board over a published `marts.duckdb` into `dashboard/` beside it; returns the folder.

    Each page is replaced in one rename. `company` is the name on the pages. Raises UsageError where nothing is
    published yet, or where the folder cannot be written.
    """
    folder = published.parent / FOLDER
    try:
        for language in LANGUAGES:
            (folder / language).mkdir(parents=True, exist_ok=True)
        with open_published(published) as connection:
            marts = None
            for language in LANGUAGES:
                marts = Marts(connection, language, marts)
                painter = Painter(marts)
                for board in BOARDS:
                    _write(folder / language / f"{board.slug}.html", page_html(painter, board, company))
        _write(folder / "index.html", _template("index.html.j2").render(languages=LANGUAGES, first=BOARDS[0].slug))
        _forget_boards_that_are_no_more(folder)
    except OSError as error:
        raise UsageError(f"the dashboard cannot be written to {folder}: {error.strerror}") from error
    return folder


def page_html(painter: Painter, board: Board, company: str | None = None) -> str:
    """The page of a board in the painter's language."""
    language = painter.marts.language
    page = board.page(painter)
    other = next(one for one in LANGUAGES if one != language)
    return _template("page.html.j2").render(
        _=painter.gettext,
        pgettext=translations(language).pgettext,
        language=language,
        other=other,
        other_name=LANGUAGE_NAMES[other],
        board=board,
        boards=BOARDS,
        page=page,
        company=company,
        build=painter.marts.build,
        data=_json(_data(painter, page)),
        script=SCRIPT.read_text(encoding="utf-8"),
        style=(TEMPLATES / "board.css").read_text(encoding="utf-8"),
        vega=vega(),
    )


def _data(painter: Painter, page: Page) -> dict[str, Any]:
    """What a page's script reads."""
    marts = painter.marts
    figures = [figure for section in page.sections for figure in section.figures]
    metrics = marts.metrics.values() if page.scores or page.leaders else ()
    return {
        "figures": {figure.key: {"spec": figure.spec, "rows": packed(figure.rows)} for figure in figures},
        "metrics": {one.metric_id: {**asdict(one), "missing": _missing(painter, one.metric_id)} for one in metrics},
        "scores": packed(page.scores),
        "entities": page.entities,
        "leaders": page.leaders,
        "tiles": page.tiles,
        "members": page.members,
        "most_members": MOST_MEMBERS,
        "others_colour": OTHER_MEMBERS,
        "company": marts.cut_name(ALL),
        "cuts": {cut: marts.cut_name(cut) for cut in page.members},
        "periods": marts.periods(),
        "currency": marts.build.settings["reporting_currency"],
        "messages": messages_of_script(marts.language),
    }


@cache
def messages_of_script(language: Language) -> dict[str, str]:
    """The translations of the messages in the pages' script; empty in English, whose texts stand there."""
    told = {message: translations(language).gettext(message) for message in _messages_in_script()}
    return {message: text for message, text in told.items() if text != message}


@cache
def _messages_in_script() -> list[str]:
    with SCRIPT.open("rb") as stream:
        found = extract_javascript(stream, {"_": None}, (), {"encoding": "utf-8"})
        return [str(message) for _, _, message, _ in found]


def _missing(painter: Painter, metric_id: str) -> list[str] | None:
    """What a metric lacks, in words; None where it has what it needs."""
    return painter.missing([metric_id]) if painter.marts.is_empty(metric_id) else None


def _json(data: dict[str, Any]) -> str:
    """JSON that can stand in a script element, whatever names the business's data holds."""
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")


@cache
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip


def _template(name: str) -> jinja2.Template:
    return _environment().get_template(name)


def _write(path: Path, html: str) -> None:
    temporary = path.with_suffix(".partial")
    temporary.write_text(html, encoding="utf-8")
    temporary.replace(path)


def _forget_boards_that_are_no_more(folder: Path) -> None:
    known = {f"{board.slug}.html" for board in BOARDS}
    for path in folder.iterdir():
        if path.is_dir() and path.name not in LANGUAGES:
            shutil.rmtree(path)
        elif path.is_dir():
            for page in path.iterdir():
                if page.name not in known:
                    page.unlink()
