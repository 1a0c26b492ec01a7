"""`kpi build --only`: what an edit changes, on a copy that nothing else reads."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import pytest

from tests.support.builds import build
from tests.support.command import kpi
from tests.support.landing import Landing


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warehouse with two closed deals, one of them won."""
    folder = tmp_path_factory.mktemp("only")
    (folder / "landing").mkdir()
    landing = Landing(folder / "landing")
    deal = {"amount": "100", "created_at": "2026-04-01", "closed_at": "2026-05-10"}
    landing.add(
        "crm.deals", {**deal, "deal_id": "D1", "stage": "closed_won"}, {**deal, "deal_id": "D2", "stage": "closed_lost"}
    )
    build(landing, folder / "warehouse")
    return folder / "warehouse"


def said(*arguments: str | Path) -> str:
    """What the command prints, in one line."""
    return " ".join(kpi("build", *arguments).out.split())


def test_nothing_differs_where_nothing_was_edited(built: Path) -> None:
    told = said("--warehouse", built, "--only", "kpi_win_rate+")
    assert "kpi_win_rate: 0 of " in told
    assert "2026-05 is 50.0%, published 50.0%" in told
    assert "kpi_scorecard: 0 of " in told
    assert "nothing is published" in told


def test_an_edit_shows_and_stays_on_the_copy(built: Path, tmp_path: Path) -> None:
    warehouse = tmp_path / "warehouse"
    shutil.copytree(built, warehouse, symlinks=True)
    said("--warehouse", warehouse, "--only", "fct_deals")
    before = (warehouse / "build.duckdb").read_bytes()
    # as if fct_deals had been edited: the model below it reads what lies on the copy
    with duckdb.connect(str(warehouse / "workbench" / "build.duckdb")) as connection:
        connection.execute("update facts.fct_deals set is_won = true")
    told = said("--warehouse", warehouse, "--only", "kpi_win_rate")
    assert "2026-05 is 100.0%, published 50.0%" in told
    assert "kpi_win_rate: 0 of " not in told
    assert (warehouse / "build.duckdb").read_bytes() == before
    # the next build is copied anew
    with duckdb.connect(str(warehouse / "build.duckdb")) as connection:
        connection.execute("create table another as select 1 as one")
    assert "kpi_win_rate: 0 of " in said("--warehouse", warehouse, "--only", "kpi_win_rate")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--only", "kpi_nothing"), "--only kpi_nothing selects no model: name one as kpi_win_rate, or kpi_win_rate+"),
        (("--warehouse", "nowhere", "--only", "kpi_win_rate"), "nothing is built in"),
    ],
)
def test_what_cannot_be_built_is_said(built: Path, arguments: tuple[str, ...], message: str) -> None:
    result = kpi("build", *(() if "nowhere" in arguments else ("--warehouse", str(built))), *arguments)
    assert result.exit_code == 2
    assert message in result.err
