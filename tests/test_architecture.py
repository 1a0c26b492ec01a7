"""The rules of the house: layers, names, and that what is declared is what is built and documented."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jinja2
import pytest
import yaml
from dbt.parser.schemas import is_valid_type
from dbt_common.clients.jinja import get_environment

from orchestration.build.transform import DbtProject
from orchestration.core.catalog import headlines, metrics
from orchestration.core.contract import PROJECT_ROOT, source_objects, source_tables
from orchestration.core.settings import load_settings
from orchestration.docs.pages import stale_pages

# What each layer may read. Staging reads staging where a row is judged by its parent (an order, a rate).
MAY_READ = {
    "sources": {"source", "seed", "sources"},
    "staging": {"source", "seed", "sources", "staging"},
    "intermediate": {"seed", "staging", "intermediate"},
    "facts": {"seed", "staging", "intermediate", "facts"},
    "kpis": {"facts", "kpis"},
    "finance": {"seed", "facts", "kpis", "finance"},
}
# The source systems that the project knows.
SYSTEMS = sorted({table.system for table in source_objects()})
# The catalogue is a KPI made of seeds, by definition.
EXCEPTIONS = {("kpi_catalog", "metrics"), ("kpi_catalog", "metric_other_names")}
LEADING_COLUMNS = [
    "metric_id", "period_grain", "period_start", "period_end", "is_complete", "period_label", "dimension",
    "dimension_value", "dimension_label", "numerator", "denominator", "metric_value", "prior_period_value",
    "prior_year_value", "target_value",
]  # fmt: skip


@pytest.fixture(scope="module", params=["the contract's files", "all source systems"])
def manifest(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The project as it is built where only the contract's own files landed, and where every known system did."""
    landing = tmp_path_factory.mktemp("landing")
    if request.param == "all source systems":
        for system in SYSTEMS:
            (landing / system).mkdir()
    settings = load_settings({"warehouse": tmp_path_factory.mktemp("warehouse"), "landing": landing})
    return DbtProject(settings).manifest


def models(manifest: Any) -> Iterator[Any]:
    return (node for node in manifest.nodes.values() if node.resource_type == "model")


def marts(manifest: Any) -> dict[str, Any]:
    """The metric marts by metric id."""
    return {
        node.name.removeprefix("kpi_"): node
        for node in models(manifest)
        if node.fqn[1] == "kpis" and len(node.fqn) == 4
    }


def test_no_ref_jumps_a_layer(manifest: Any) -> None:
    jumps = []
    for node in models(manifest):
        for parent_id in node.depends_on.nodes:
            parent = manifest.nodes.get(parent_id)
            layer = "source" if parent is None else "seed" if parent.resource_type == "seed" else parent.fqn[1]
            name = parent_id if parent is None else parent.name
            if layer not in MAY_READ[node.fqn[1]] and (node.name, name) not in EXCEPTIONS:
                jumps.append(f"{node.fqn[1]}.{node.name} reads {layer}.{name}")
    assert jumps == []


def test_an_event_fact_reads_neither_the_period_spine_nor_a_fact_of_periods(manifest: Any) -> None:
    floors = {
        "dimensions": {"dimensions"},
        "events": {"dimensions", "events"},
        "spine": {"events", "spine"},
        "periods": {"dimensions", "events", "spine", "periods"},
    }
    facts = {node.unique_id: node for node in models(manifest) if node.fqn[1] == "facts"}
    wrong = [
        f"{node.fqn[2]}.{node.name} reads {facts[parent].fqn[2]}.{facts[parent].name}"
        for node in facts.values()
        for parent in node.depends_on.nodes
        if parent in facts and facts[parent].fqn[2] not in floors[node.fqn[2]]
    ]
    assert wrong == []


def test_no_fact_reads_staging_for_what_an_intermediate_model_has(manifest: Any) -> None:
    # of these the intermediate models have some of the rows; the facts have them all
    allowed = {
        ("fct_leads", "stg_crm__leads"),
        ("fct_activities", "stg_crm__activities"),
        ("fct_deal_stage_changes", "stg_crm__deal_stage_changes"),
    }
    staged: dict[str, set[tuple[str, str]]] = {"facts": set(), "intermediate": set()}
    for node in models(manifest):
        if node.fqn[1] in staged:
            names = {parent.rpartition(".")[2] for parent in node.depends_on.nodes}
            staged[node.fqn[1]] |= {(node.name, name) for name in names if name.startswith("stg_")}
    known = {name for _, name in staged["intermediate"]}
    assert {(fact, name) for fact, name in staged["facts"] if name in known} == allowed


def test_a_source_system_reads_itself_and_the_links_alone(manifest: Any) -> None:
    contract = {table.name: table.column_names for table in source_tables()}
    for node in models(manifest):
        if node.fqn[1] != "sources":
            continue
        system = node.fqn[2]
        for parent in node.depends_on.nodes:
            place = parent.split(".")
            if place[0] == "source":
                # who the reps are stands in the contract's own file, whatever system they are of
                assert place[2] in (system, "load") or place[2:] == ["crm", "sales_reps"]
            elif place[0] == "model" and system != "identities":
                assert manifest.nodes[parent].fqn[2] in (system, "identities"), node.name
        # what it brings of a table is its columns, with where they are from
        brings = node.name.removeprefix(f"{system}__")
        if brings in contract:
            own = {name for name in node.columns if not name.startswith("_")}
            assert own <= set(contract[brings]), node.name
            assert {"_file_id", "_line", "_part", "_left_out"} <= set(node.columns), node.name
            assert node.config.meta.get("rows_of"), f"{node.name} does not say of which objects its rows are"


def test_no_data_test_is_left_out(manifest: Any) -> None:
    """dbt takes out, with a warning, a test that names what it does not find: one of a model that is out may be."""
    out = [node for node in manifest.nodes.values() if not node.config.enabled]
    assert [node.name for node in out if node.resource_type != "test" or node.attached_node in manifest.nodes] == []


def test_every_row_of_a_source_system_is_accounted_for(manifest: Any) -> None:
    tested = {
        parent
        for node in manifest.nodes.values()
        if node.resource_type == "test" and node.name.startswith("accounts_for")
        for parent in node.depends_on.nodes
    }
    for node in models(manifest):
        if node.fqn[1] == "sources" and node.config.meta.get("rows_of"):
            assert node.unique_id in tested, node.name
            objects = {f"source.sales_kpis.{node.fqn[2]}.{name}" for name in node.config.meta["rows_of"]}
            assert objects <= tested, node.name


def test_only_typed_and_base_models_and_the_books_read_raw(manifest: Any) -> None:
    readers = {
        node.name
        for node in models(manifest)
        if node.fqn[1] != "sources" and any(parent.startswith("source.") for parent in node.depends_on.nodes)
    }
    allowed = {f"{kind}_{table.system}__{table.name}" for table in source_tables() for kind in ("typed", "base")}
    assert readers == allowed | {"quarantined_rows", "load_books", "landed_files", "data_findings"}


def test_every_landed_table_has_its_staging_model(manifest: Any) -> None:
    names = {node.name for node in models(manifest)}
    assert {f"stg_{table.system}__{table.name}" for table in source_tables()} <= names
    listed = (PROJECT_ROOT / "macros" / "staging.sql").read_text(encoding="utf-8")
    for table in source_tables():
        assert f"('{table.system}', '{table.name}')" in listed


def test_catalogue_models_and_scorecard_name_the_same_metrics(manifest: Any) -> None:
    declared = set(metrics())
    built = set(marts(manifest))
    scorecard = next(node for node in models(manifest) if node.name == "kpi_scorecard")
    in_scorecard = {
        manifest.nodes[parent].name.removeprefix("kpi_")
        for parent in scorecard.depends_on.nodes
        if parent in manifest.nodes and manifest.nodes[parent].fqn[1] == "kpis" and len(manifest.nodes[parent].fqn) == 4
    }
    assert declared == built == in_scorecard


def test_the_catalogue_agrees_with_the_models_and_the_contract(manifest: Any) -> None:
    tables = {table.label for table in source_tables()}
    tables |= {f"{table.label}.{name}" for table in source_tables() for name in table.column_names}
    for metric in metrics().values():
        assert metric.category == marts(manifest)[metric.metric_id].fqn[2], metric.metric_id
        # a/b: one of the two
        assert {table for need in metric.needs for table in need.split("/")} <= tables, metric.metric_id
    assert len(headlines()) == len({metrics()[name].headline_position for name in headlines()})


def test_every_mart_is_documented_contracted_and_tested(manifest: Any) -> None:
    tested = {
        parent
        for node in manifest.nodes.values()
        if node.resource_type == "test" and "kpi_invariants" in node.name
        for parent in node.depends_on.nodes
    }
    for metric, node in marts(manifest).items():
        assert list(node.columns)[: len(LEADING_COLUMNS)] == LEADING_COLUMNS, metric
        assert node.contract.enforced, metric
        assert {"owner", "is_not", "facts", "decision"} <= set(node.config.meta), metric
        assert node.unique_id in tested, f"{metric} has no kpi_invariants test"


def test_facts_marts_and_finances_models_describe_every_column(manifest: Any) -> None:
    for node in models(manifest):
        if node.fqn[1] in ("facts", "kpis", "finance"):
            assert node.description, node.name
            assert node.contract.enforced, node.name
            undescribed = [column.name for column in node.columns.values() if not column.description]
            assert undescribed == [], node.name


def test_each_mart_reads_the_facts_it_names(manifest: Any) -> None:
    for metric, node in marts(manifest).items():
        reads = {manifest.nodes[parent].name for parent in node.depends_on.nodes}
        named = set(node.config.meta["facts"])
        assert named <= reads, f"{metric} names {named - reads} in meta.facts but does not read it"


def test_every_macro_and_its_arguments_are_documented(manifest: Any) -> None:
    """But for the implementations of one engine, which the macro that dispatches to them documents, and how dbt makes
    tables: YAML cannot name a materialization."""
    wrong = [
        f"{entry['name']} is documented and not there"
        for path in (PROJECT_ROOT / "macros").glob("*.yml")
        for entry in yaml.safe_load(path.read_text(encoding="utf-8"))["macros"]
        if f"macro.{manifest.metadata.project_name}.{entry['name']}" not in manifest.macros
    ]
    for macro in manifest.macros.values():
        is_materialization = macro.name.startswith("materialization_")
        if macro.package_name != manifest.metadata.project_name or "__" in macro.name or is_materialization:
            continue
        documented = [argument.name for argument in macro.arguments]
        if documented != signature(macro.macro_sql):
            wrong.append(f"{macro.name}({', '.join(signature(macro.macro_sql))}) is documented with {documented}")
        if not macro.description or not all(argument.description for argument in macro.arguments):
            wrong.append(f"{macro.name} or an argument of it lacks a description")
        wrong += [
            f"{macro.name}: {argument.name} has the type {argument.type}, which dbt does not know"
            for argument in macro.arguments
            if not is_valid_type(argument.type or "")
        ]
    assert wrong == [], "see macros/_macros.yml"


def signature(macro_sql: str) -> list[str]:
    """The names of a macro's arguments, as the macro itself has them."""
    [macro] = get_environment(None, capture_macros=True).parse(macro_sql).find_all(jinja2.nodes.Macro)
    return [argument.name for argument in macro.args]


def test_every_decision_a_mart_names_is_written_down(manifest: Any) -> None:
    text = (PROJECT_ROOT / "docs" / "decisions.md").read_text(encoding="utf-8")
    headings = {heading_slug(line[3:]) for line in text.splitlines() if line.startswith("## ")}
    missing = {
        f"{metric}: {node.config.meta['decision']}"
        for metric, node in marts(manifest).items()
        if node.config.meta["decision"] not in headings
    }
    assert missing == set()


def heading_slug(heading: str) -> str:
    """The anchor that Markdown viewers give a heading."""
    kept = "".join(letter for letter in heading.lower() if letter.isalnum() or letter in " -_")
    return kept.strip().replace(" ", "-")


def test_generated_pages_are_fresh() -> None:
    assert stale_pages() == [], "run `make docs`"


def test_select_distinct_and_star_are_not_used() -> None:
    for path in (PROJECT_ROOT / "models").rglob("*.sql"):
        text = path.read_text(encoding="utf-8").lower()
        assert "select distinct" not in text, path.name
        assert "select *" not in text, path.name


def test_no_lock_file_or_registry_host_is_committed() -> None:
    assert not list(Path(PROJECT_ROOT).glob("*.lock"))
    assert "://" not in (PROJECT_ROOT / "requirements.txt").read_text(encoding="utf-8")


def test_no_line_of_a_model_is_longer_than_120_characters() -> None:
    long = [
        f"{path.relative_to(PROJECT_ROOT)}:{number}"
        for path in (PROJECT_ROOT / "models").rglob("*.sql")
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if len(line) > 120
    ]
    assert long == []


def test_facts_marts_and_finances_models_are_public_and_nothing_else_is(manifest: Any) -> None:
    for node in models(manifest):
        is_public = node.fqn[1] in ("facts", "kpis", "finance")
        assert (node.access == "public") == is_public, node.name
        assert node.group, node.name


def test_the_three_users_have_their_exposures_and_every_landed_table_its_freshness(manifest: Any) -> None:
    owners = {exposure.name: exposure.owner.name for exposure in manifest.exposures.values()}
    assert owners == {"nightly_run": "data", "dashboards": "analytics", "month_close": "finance"}
    watched = {source.identifier for source in manifest.sources.values() if source.freshness}
    assert watched == {table.raw_name for table in source_tables()}
