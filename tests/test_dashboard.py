"""The boards in a real browser: they render, ask nothing of the network, say what the marts say, and filter."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import altair
import duckdb
import jsonschema
import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from dashboards.boards import BOARDS
from dashboards.marts import Marts
from dashboards.painter import Painter
from dashboards.site import render_site
from dashboards.vega import bundled, vega
from orchestration.build.pipeline import run_build
from orchestration.core.catalog import metrics
from orchestration.core.errors import BuildError, UsageError
from orchestration.publish.releases import current_release
from orchestration.sample import write_sample
from orchestration.text.catalogue import LANGUAGES
from orchestration.warehouse.connections import open_published
from tests.support.builds import settings_for
from tests.support.landing import Landing

pytestmark = pytest.mark.slow

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
needs_a_browser = pytest.mark.skipif(CHROMIUM is None, reason="no chromium: apt-get install chromium")
AS_OF = date(2026, 10, 31)
PAGES = [(language, board.slug) for language in LANGUAGES for board in BOARDS]
LOOKS = [(*page, width) for page in PAGES for width in (1280, 390) if page[0] == "en" or width == 390]
TOLERANCE = 1e-9
HOSTILE = "<img src=x onerror=alert(1)></script><b>Eve</b>"


@dataclass
class Seen:
    """A page that is open, and what went wrong or left the machine while it was."""

    page: Page
    complaints: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The warehouse of the sample company, with its dashboard."""
    folder = tmp_path_factory.mktemp("dashboard")
    write_sample(folder / "landing", scale=1, seed=1, as_of=AS_OF)
    settings = settings_for(folder / "landing", folder / "warehouse", as_of_date=AS_OF, dashboard=True)
    run_build(settings)
    return settings.warehouse


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A business with a CRM and won deals only: no support desk, no subscriptions, no marketing, no plans."""
    folder = tmp_path_factory.mktemp("small")
    (folder / "landing").mkdir()
    landing = Landing(folder / "landing")
    landing.add("crm.sales_reps", {"rep_id": "R1", "rep_name": HOSTILE, "team": "North"})
    landing.add("crm.accounts", {"account_id": "A1"})
    landing.add("crm.leads", {"lead_id": "L1", "account_id": "A1", "owner_rep_id": "R1"})
    deal = {"account_id": "A1", "owner_rep_id": "R1", "lead_id": "L1"}
    landing.add("crm.deals", {**deal, "stage": "closed_won", "closed_at": "2026-04-10"}, deal)
    settings = settings_for(landing.folder, folder / "warehouse", revenue_basis="bookings", dashboard=True)
    run_build(settings)
    return settings.warehouse


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


def look(browser: Browser, warehouse: Path, language: str, board: str, choice: str = "", width: int = 1280) -> Seen:
    """Open a board from the disk and wait until its charts are drawn."""
    seen = Seen(browser.new_page(viewport={"width": width, "height": 900}))

    def heard(message: ConsoleMessage) -> None:
        if message.type == "error":
            seen.complaints.append(message.text)

    def asked(url: str) -> None:
        if not url.startswith(("file:", "data:")):
            seen.complaints.append(f"asked for {url}")

    seen.page.on("console", heard)
    seen.page.on("pageerror", lambda error: seen.complaints.append(str(error)))
    seen.page.on("request", lambda request: asked(request.url))
    seen.page.on("dialog", lambda dialog: seen.complaints.append(f"dialog {dialog.message}"))
    path = warehouse / "dashboard" / language / f"{board}.html"
    seen.page.goto(path.as_uri() + (f"#{choice}" if choice else ""))
    drawn(seen.page)
    return seen


def drawn(page: Page) -> None:
    page.wait_for_function("() => window.boardReady !== undefined")
    assert page.evaluate("() => window.boardReady")


def choose(page: Page, name: str, value: str) -> None:
    page.select_option(f"#{name}", value)
    drawn(page)


def mart_row(warehouse: Path, metric: str, grain: str, period: str, dimension: str = "all", value: str = "all") -> Any:
    """metric_value, prior_period_value, prior_year_value, target_value of a mart's row; None where it has none."""
    with open_published(warehouse / "marts.duckdb") as connection:
        return connection.execute(
            f"select metric_value, prior_period_value, prior_year_value, target_value from kpi.kpi_{metric} "
            "where period_grain = ? and period_start = ? and dimension = ? and dimension_value = ?",
            [grain, period, dimension, value],
        ).fetchone()


def is_same(shown: str | None, value: Any) -> bool:
    if shown is None or value is None:
        return shown is None and value is None
    return abs(float(shown) - float(value)) <= TOLERANCE * max(1.0, abs(float(value)))


def score_rows(page: Page) -> dict[str, dict[str, str | None]]:
    """Per metric of the table what its cells hold: value, before, year_before, target, status, text."""
    rows: dict[str, dict[str, str | None]] = page.evaluate(
        """() => Object.fromEntries([...document.querySelectorAll("#score tr[id]")].map((row) => [
            row.id.replace("metric-", ""),
            {
                value: row.querySelector("td.value")?.dataset.value ?? null,
                ...Object.fromEntries(["before", "year_before", "target"].map((column) => [
                    column, row.querySelector(`td[data-column="${column}"]`)?.dataset.value ?? null])),
                status: row.dataset.status ?? null,
                text: row.textContent,
            },
        ]))"""
    )
    return rows


def visible_rows(page: Page, key: str) -> list[dict[str, Any]]:
    """The rows a chart shows now, after its own filters."""
    rows: list[dict[str, Any]] = page.evaluate(
        "(key) => window.board.charts.find((chart) => chart.key === key).visible", key
    )
    return rows


def drawn_marks(page: Page, key: str, kind: str) -> int:
    return page.locator(f"#{key} svg .mark-{kind} path").count()


@needs_a_browser
@pytest.mark.parametrize(("language", "board", "width"), LOOKS)
def test_a_board_renders_whole_and_asks_nothing_of_the_network(
    browser: Browser, sample: Path, language: str, board: str, width: int
) -> None:
    seen = look(browser, sample, language, board, width=width)
    assert not seen.complaints
    page = seen.page
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("document.documentElement.lang") == language
    figures = page.locator("figure")
    for number in range(figures.count()):
        figure = figures.nth(number)
        assert figure.locator("h3").inner_text().strip()
        is_chart = figure.locator("svg.marks").count() == 1 and figure.locator(".chart").is_visible()
        assert is_chart != figure.locator(".none").is_visible()
        if is_chart:
            size = figure.locator("svg.marks").bounding_box()
            around = figure.bounding_box()
            assert size is not None and around is not None
            assert size["height"] > 60 and size["x"] + size["width"] <= around["x"] + around["width"]
    assert figures.count() or page.locator("#score tr[id]").count()
    page.close()


@needs_a_browser
@pytest.mark.parametrize("choice", ["", "grain=week", "grain=quarter", "grain=year", "grain=month&period=2026-03-01"])
def test_each_number_on_the_scorecard_is_the_marts(browser: Browser, sample: Path, choice: str) -> None:
    page = look(browser, sample, "en", "scorecard", choice).page
    chosen = page.evaluate("window.board.chosen")
    assert chosen["period"] == (choice.rpartition("period=")[2] if "period=" in choice else chosen["period"])
    rows = score_rows(page)
    with open_published(sample / "marts.duckdb") as connection:
        catalogue = dict(connection.execute("select metric_id, is_higher_better from kpi.kpi_catalog").fetchall())
        spine = connection.execute(
            "select max(period_start) from kpi.kpi_revenue where dimension = 'all' and period_grain = ? "
            "and is_complete", [chosen["grain"]],
        ).fetchone()  # fmt: skip
    if "period=" not in choice:
        assert spine is not None and chosen["period"] == spine[0].isoformat()
    assert set(rows) == set(catalogue)
    for metric, row in rows.items():
        expected = mart_row(sample, metric, chosen["grain"], chosen["period"]) or (None,) * 4
        shown = [row[name] for name in ("value", "before", "year_before", "target")]
        if expected[0] is None:
            expected = (None, *expected[1:])
        assert all(map(is_same, shown, expected)), (metric, shown, expected)
        assert row["status"] == status(expected, catalogue[metric]), (metric, expected)
    tiles = page.evaluate(
        "[...document.querySelectorAll('#tiles strong')].map((tile) => [tile.dataset.metric, tile.textContent])"
    )
    assert len(tiles) == 6
    for metric, told in tiles:
        assert any(figure.isdigit() for figure in told) == (rows[metric]["value"] is not None), (metric, told)
    page.close()


def status(row: tuple[Any, ...], is_higher_better: bool) -> str:
    """As docs/dashboards.md says: against the target, else last year, else the period before."""
    value, before, year_before, target = (None if one is None else float(one) for one in row)
    yardstick = next((one for one in (target, year_before, before) if one is not None), None)
    if value is None or yardstick is None:
        return "none"
    missing = (yardstick - value) * (1 if is_higher_better else -1)
    if missing <= 0:
        return "good"
    return "near" if missing <= abs(yardstick) / 10 else "off"


@needs_a_browser
def test_a_running_period_is_not_judged(browser: Browser, sample: Path) -> None:
    page = look(browser, sample, "en", "scorecard", "grain=month&period=2026-10-01").page
    rows = score_rows(page)
    assert rows["revenue"]["status"] == "running" and "so far" in (rows["revenue"]["text"] or "")
    page.close()


@needs_a_browser
def test_filters_filter_and_move_with_the_reader(browser: Browser, sample: Path) -> None:
    page = look(browser, sample, "en", "performance").page
    assert {row["d"] for row in visible_rows(page, "revenue")} == {"all"}
    assert {row["g"] for row in visible_rows(page, "revenue")} == {"month"}
    before = drawn_marks(page, "revenue", "rect")
    choose(page, "grain", "quarter")
    choose(page, "by", "team")
    rows = visible_rows(page, "revenue")
    assert {(row["g"], row["d"]) for row in rows} == {("quarter", "team")}
    assert drawn_marks(page, "revenue", "rect") not in (0, before)
    for row in rows:
        expected = mart_row(sample, "revenue", "quarter", row["t"], "team", row["k"].partition(":")[2])
        assert is_same(row["v"], expected[0])
    # a metric that has no such cut says so, and shows the company
    assert {row["d"] for row in visible_rows(page, "mrr")} == {"all"}
    assert page.locator("#mrr .remark").is_visible()
    assert page.locator("#legend").inner_text().count("Falcon") == 1
    # the choice goes along to the other language, and survives a reload
    with page.expect_navigation():
        page.click("header a.language")
    drawn(page)
    assert page.evaluate("document.documentElement.lang") == "ko"
    assert page.evaluate("[window.board.chosen.grain, window.board.chosen.by]") == ["quarter", "team"]
    page.reload()
    drawn(page)
    assert {row["d"] for row in visible_rows(page, "revenue")} == {"team"}
    page.close()


@needs_a_browser
def test_members_beyond_the_colours_are_summed_only_where_that_is_right(browser: Browser, sample: Path) -> None:
    page = look(browser, sample, "en", "performance", "by=sales_rep").page
    by_month: dict[str, float] = {}
    for row in visible_rows(page, "revenue"):
        by_month[row["t"]] = by_month.get(row["t"], 0.0) + row["v"]
    for month, total in by_month.items():
        assert total == pytest.approx(float(mart_row(sample, "revenue", "month", month)[0]), abs=0.01)
    assert "others" in {row["k"] for row in visible_rows(page, "revenue")}
    assert "others" not in {row["k"] for row in visible_rows(page, "win_rate")}
    page.close()


@needs_a_browser
def test_periods_and_reps_are_chosen_on_the_team_board(browser: Browser, sample: Path) -> None:
    page = look(browser, sample, "en", "team").page
    first = page.evaluate("window.board.chosen.rep")
    page.locator("#leaders button").nth(2).click()
    drawn(page)
    chosen = page.evaluate("window.board.chosen")
    assert chosen["rep"] != first
    choose(page, "period", "2026-06-01")
    rows = score_rows(page)
    assert len(rows) > 20
    for metric, row in rows.items():
        expected = mart_row(sample, metric, "month", "2026-06-01", "sales_rep", chosen["rep"])
        assert is_same(row["value"], expected and expected[0]), metric
    quota = {row["m"]: row["v"] for row in visible_rows(page, "quota_attainment_by_sales_rep")}
    with open_published(sample / "marts.duckdb") as connection:
        expected_quota = dict(
            connection.execute(
                "select dimension_label, metric_value from kpi.kpi_quota_attainment where dimension = 'sales_rep' "
                "and period_grain = 'month' and period_start = '2026-06-01' and metric_value is not null"
            ).fetchall()
        )
    assert quota == pytest.approx({name: float(value) for name, value in expected_quota.items()})
    page.close()


@needs_a_browser
def test_the_mrr_bridge_ends_at_the_marts_mrr(browser: Browser, sample: Path) -> None:
    page = look(browser, sample, "en", "customers", "period=2026-05-01").page
    steps = sorted(visible_rows(page, "mrr_bridge"), key=lambda row: row["o"])
    assert steps[0]["v"] == pytest.approx(float(mart_row(sample, "mrr", "month", "2026-04-01")[0]), abs=0.01)
    assert steps[-1]["b"] == pytest.approx(float(mart_row(sample, "mrr", "month", "2026-05-01")[0]), abs=0.01)
    page.close()


@needs_a_browser
@pytest.mark.parametrize(("language", "board"), [*PAGES[: len(BOARDS)], ("ko", "scorecard")])
def test_an_empty_business_is_told_what_did_not_land(browser: Browser, small: Path, language: str, board: str) -> None:
    seen = look(browser, small, language, board, "grain=month&period=2026-04-01")
    assert not seen.complaints
    page = seen.page
    for number in range(page.locator("figure").count()):
        figure = page.locator("figure").nth(number)
        assert figure.locator(".chart").is_visible() != figure.locator(".none").is_visible()
    told = page.locator("main").inner_text()
    assert "NaN" not in told and "undefined" not in told and "Infinity" not in told
    if (language, board) == ("en", "customers"):
        assert "No data landed for csat responses" in page.locator("#csat").inner_text()
        assert "No data landed for subscription changes" in page.locator("#mrr_bridge").inner_text()
    if (language, board) == ("ko", "scorecard"):
        assert "다음 데이터가 없습니다: csat responses" in page.locator("#metric-csat").inner_text()
        assert "₩" not in told
    if board == "team":
        # a name from the data is text, whatever it holds
        assert HOSTILE in page.locator("#leaders").inner_text()
        assert page.locator("#leaders img, #leaders b").count() == 0
    page.close()


@needs_a_browser
@pytest.mark.parametrize("board", ["scorecard", "performance", "team"])
def test_a_business_without_anything_has_boards_all_the_same(
    browser: Browser, small: Path, tmp_path: Path, board: str
) -> None:
    shutil.copyfile(small / "marts.duckdb", tmp_path / "marts.duckdb")
    with duckdb.connect() as connection:
        connection.execute(f"attach '{tmp_path / 'marts.duckdb'}' as emptied")
        connection.execute("use emptied")
        for (mart,) in connection.execute(
            "select table_name from duckdb_tables() where schema_name = 'kpi' and table_name like 'kpi_%' "
            "and table_name <> 'kpi_catalog'"
        ).fetchall():
            connection.execute(f"delete from kpi.{mart} where dimension <> 'all'")
            connection.execute(f"update kpi.{mart} set numerator = null, denominator = null, metric_value = null")
    render_site(tmp_path / "marts.duckdb")
    seen = look(browser, tmp_path, "en", board)
    assert not seen.complaints
    told = seen.page.locator("main").inner_text()
    assert "No data landed for" in told or "Nothing happened in the periods shown" in told
    assert seen.page.locator("#grain option").count() > 0
    seen.page.close()


def figures(warehouse: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    with open_published(warehouse / "marts.duckdb") as connection:
        for language in LANGUAGES:
            painter = Painter(Marts(connection, language))
            for board in BOARDS:
                for section in board.page(painter).sections:
                    for figure in section.figures:
                        assert figure.spec, f"{board.slug} {figure.key} has nothing to show of the sample company"
                        yield f"{language} {board.slug} {figure.key}", figure.spec


def test_every_chart_is_valid_vega_lite(sample: Path) -> None:
    path = Path(altair.__file__).parent / "vegalite" / "v6" / "schema" / "vega-lite-schema.json"
    validator = jsonschema.Draft7Validator(json.loads(path.read_text(encoding="utf-8")))
    checked: dict[str, str] = {}
    for name, spec in figures(sample):
        checked.setdefault(json.dumps(spec, sort_keys=True), name)
    for text, name in checked.items():
        error = jsonschema.exceptions.best_match(validator.iter_errors(json.loads(text)))
        assert error is None, f"{name}: {error and error.message}"


def test_the_script_kept_for_the_pages_is_the_packages() -> None:
    assert vega() == bundled(), "run `python -m dashboards.vega`"


@pytest.fixture(scope="module")
def crowded(sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample company with more sales reps than its pages have room for."""
    folder = tmp_path_factory.mktemp("crowded")
    shutil.copyfile(sample / "marts.duckdb", folder / "marts.duckdb")
    with pytest.MonkeyPatch.context() as context:
        context.setattr("dashboards.team.MOST_REPS", 4)
        render_site(folder / "marts.duckdb")
    return folder


@needs_a_browser
@pytest.mark.parametrize(
    ("language", "told"),
    [
        ("en", "The 4 sales reps with the most revenue of the last year, of 14; kpi_scorecard has all of them."),
        ("ko", "전체 14명 중 최근 1년 매출 상위 4명입니다. 전체는 kpi_scorecard에 있습니다."),
    ],
)
def test_a_page_has_the_largest_members_and_says_where_the_others_are(
    browser: Browser, crowded: Path, language: str, told: str
) -> None:
    seen = look(browser, crowded, language, "team")
    assert not seen.complaints
    page = seen.page
    assert told in page.locator("main").inner_text()
    with open_published(crowded / "marts.duckdb") as connection:
        by_revenue = connection.execute(
            "select dimension_value from kpi.kpi_revenue "
            "where dimension = 'sales_rep' and dimension_value <> 'unknown' and period_grain = 'month' "
            "and period_start > date '2025-10-31' group by 1 order by sum(numerator) desc limit 4"
        ).fetchall()
    assert page.locator("#rep option").evaluate_all("options => options.map((one) => one.value)") == [
        rep for (rep,) in by_revenue
    ]
    assert len(visible_rows(page, "activity_and_revenue")) == 4
    assert "kpi_revenue" in page.locator("#activity_and_revenue").inner_text()
    page.close()


def test_a_page_can_be_mailed(sample: Path) -> None:
    largest = max((sample / "dashboard").rglob("*.html"), key=lambda path: path.stat().st_size)
    assert largest.stat().st_size < 2_000_000, largest


def test_every_metric_has_its_place(sample: Path) -> None:
    with open_published(sample / "marts.duckdb") as connection:
        marts = Marts(connection, "en")
    assert set(metrics()) == set(marts.metrics)
    pages = {slug: (sample / "dashboard" / "en" / f"{slug}.html").read_text(encoding="utf-8") for _, slug in PAGES}
    for metric in marts.metrics.values():
        assert f'"metric_id":"{metric.metric_id}"' in pages["scorecard"]
        if metric.category != "beyond":
            assert f'<figure id="{metric.metric_id}"' in pages[metric.category], metric.metric_id


def test_metrics_are_named_as_the_catalogue_names_them(sample: Path) -> None:
    page = (sample / "dashboard" / "ko" / "activity.html").read_text(encoding="utf-8")
    with open_published(sample / "marts.duckdb") as connection:
        names = connection.execute(
            "select name_ko from kpi.kpi_catalog where category = 'activity' and is_primary_name"
        ).fetchall()
    assert len(names) == 13
    assert not [name for (name,) in names if f"<h3>{name}</h3>" not in page]


def test_boards_that_are_no_more_are_removed(sample: Path) -> None:
    old = sample / "dashboard" / "en" / "weather.html"
    old.write_text("once", encoding="utf-8")
    render_site(sample / "marts.duckdb")
    assert not old.exists()


def test_what_is_published_comes_with_its_dashboard_or_not_at_all(
    landing: Landing, warehouse: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    landing.add_parents()
    settings = settings_for(landing.folder, warehouse, dashboard=True)

    def fails(*_: object) -> None:
        raise ValueError("no such colour\nand more")

    with monkeypatch.context() as context:
        context.setattr("dashboards.site.render_site", fails)
        with pytest.raises(
            BuildError, match=r"the dashboard is not rendered, so nothing is published: no such colour$"
        ):
            run_build(settings)
    assert not settings.paths.marts_file.exists()
    assert json.loads(settings.paths.last_run_file.read_text(encoding="utf-8"))["exit_code"] == BuildError.exit_code
    settings.paths.dashboard.write_text("somebody's", encoding="utf-8")
    with pytest.raises(BuildError, match=r"dashboard is in the way of what is published"):
        run_build(settings)
    assert current_release(settings.paths) is None
    settings.paths.dashboard.unlink()
    run_build(settings)
    assert settings.paths.dashboard_file.exists() and settings.paths.marts_file.exists()


def test_nothing_published_is_told_in_a_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nothing is published"):
        render_site(tmp_path / "marts.duckdb")
