"""The generated pages: what does not fit together is told in a line. That they are up to date: test_architecture."""

from __future__ import annotations

import ast
import re
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from orchestration.core import catalog
from orchestration.core.contract import PROJECT_ROOT
from orchestration.core.errors import UsageError
from orchestration.docs import licenses, pages


def test_a_name_that_the_semantic_layer_gives_to_a_helper_is_told_in_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    metrics = pages.semantic_metrics()
    helper = next(name for name, metric in metrics.items() if "config" not in metric)
    monkeypatch.setattr(pages, "semantic_metrics", lambda: {**metrics, "win_rate": metrics[helper]})
    semantic_page = tmp_path / pages.SEMANTIC_PAGE.name
    semantic_page.write_text(pages.SEMANTIC_PAGE.read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.setattr(pages, "SEMANTIC_PAGE", semantic_page)
    monkeypatch.setattr(pages, "DOCS", tmp_path)
    with pytest.raises(SystemExit) as ended:
        pages.main()
    assert ended.value.code == 2
    assert list(tmp_path.iterdir()) == [semantic_page], "pages are written although they do not fit together"
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert told.startswith("models/semantic: the name win_rate is taken by a metric that serves others")
    assert "rename that one, or declare it as the metric of kpi_win_rate" in told


def test_a_metric_that_is_not_in_the_semantic_layer_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    metrics = pages.semantic_metrics()
    monkeypatch.setattr(pages, "semantic_metrics", lambda: {k: v for k, v in metrics.items() if k != "win_rate"})
    with pytest.raises(UsageError, match=r"win_rate is not in the semantic layer: .* `not_in_semantic_layer`"):
        pages.pages()


def test_a_metric_of_the_catalogue_without_a_mart_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    metrics = catalog.metrics()
    shoes = replace(metrics["revenue"], metric_id="shoe_size")
    monkeypatch.setattr(catalog, "metrics", lambda: {**metrics, "shoe_size": shoes})
    with pytest.raises(UsageError, match=r"seeds/metrics.csv: no mart has metric shoe_size: declare kpi_shoe_size"):
        pages.pages()


def test_a_page_holds_what_the_catalogue_and_the_yaml_say() -> None:
    page = pages.pages()[pages.DOCS / "metrics" / "win_rate.md"]
    own = catalog.metrics()["win_rate"]
    meta = pages.marts_yaml()["win_rate"]["config"]["meta"]
    for told in (
        own.name_en,
        *own.names_ko,
        own.formula,
        meta["is_not"],
        meta["owner"],
        *pages.cuts_of_mart("win_rate"),
    ):
        assert told in page
    assert "\n\n\n" not in page and page.endswith("```\n")


def test_every_dependency_has_its_reason_and_its_licence() -> None:
    asked = {
        re.split(r"[=\[]", line)[0].lower()
        for line in (PROJECT_ROOT / "requirements.in").read_text(encoding="utf-8").splitlines()
        if line and not line.startswith("#")
    }
    reasons = (PROJECT_ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    cells = [line.split("|")[1] for line in reasons.splitlines() if line.startswith("| ")]
    told = {name.strip() for cell in cells for name in cell.split(",")} - {"package"}
    assert told == asked
    # what a package declares is read where it is installed; which there are is the same everywhere
    listed, pinned = (
        [line.split("|")[1:3] for line in text.splitlines() if line.startswith("| ")]
        for text in (licenses.PAGE.read_text(encoding="utf-8"), licenses.page())
    )
    assert listed == pinned, "run `make docs`"


def test_what_the_project_imports_it_asks_for() -> None:
    """A package that comes with another one may go with it."""
    own = {"orchestration", "expectations", "dashboards", *sys.stdlib_module_names}
    named = {"dagster_dbt": "dagster-dbt", "great_expectations": "great-expectations", "yaml": "pyyaml"}
    named |= {"dbt": "dbt-core", "dbt_metricflow": "dbt-metricflow", "metricflow": "dbt-metricflow"}
    named |= {"pydantic": "pydantic-settings", "vl_convert": "vl-convert-python", "duckdb_engine": "duckdb-engine"}
    named |= {"metricflow_semantics": "dbt-metricflow", "dbt_semantic_interfaces": "dbt-metricflow"}
    named |= {"sqlalchemy": "great-expectations", "urllib3": "requests", "dbt_common": "dbt-core"}
    asked = (PROJECT_ROOT / "requirements.in").read_text(encoding="utf-8").lower()
    for folder in ("orchestration", "expectations", "dashboards"):
        for path in (PROJECT_ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                names = [node.module] if isinstance(node, ast.ImportFrom) and node.module and not node.level else []
                names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                for name in {full.partition(".")[0] for full in names} - own:
                    package = named.get(name, name).replace("_", "-")
                    assert re.search(rf"^{re.escape(package)}\b", asked, re.MULTILINE), f"{path} imports {name}"


@pytest.mark.parametrize("page", ["reliability", "threat_model", "dependencies"])
def test_every_test_that_a_page_names_is_there(page: str) -> None:
    """`tests/test_x.py::name`, and `::name` or `test_name` after it, of the same file."""
    text = (PROJECT_ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")
    named = re.findall(r"`(?:(tests/test_\w+\.py))?(?:(?:::)?(\w+))?`", text)
    file, missing = "", []
    for path, name in named:
        file = path or file
        is_a_test = name.startswith(("test_", "Test"))
        if path and not (PROJECT_ROOT / path).is_file():
            missing.append(path)
        elif is_a_test and not re.search(rf"(def|class) {name}\b", (PROJECT_ROOT / file).read_text(encoding="utf-8")):
            missing.append(f"{file}::{name}")
    assert missing == []
    assert any(path for path, _ in named)
