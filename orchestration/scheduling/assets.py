"""What a build makes, as Dagster assets: raw tables, every dbt model, the published files; and what it reads."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

import dagster as dg
import duckdb
from dagster_dbt import DagsterDbtTranslator, build_dbt_asset_specs
from pydantic import Field

from orchestration.build.pipeline import LAYERS, Build
from orchestration.build.transform import LayerResult
from orchestration.close.closing import close_month, due_month
from orchestration.core.contract import Table, landed_tables
from orchestration.core.settings import load_settings
from orchestration.finance.calendar import month_name, parse_month
from orchestration.scheduling.session import WarehouseBuild, attempt

DATA_TEAM = "team:data"
# Marts are late when a whole daily build was missed.
FRESHNESS = dg.FreshnessPolicy.time_window(
    fail_window=timedelta(hours=50), warn_window=timedelta(hours=26)
)  # fmt: skip
PUBLISHED_DATABASE = dg.AssetKey(["published", "marts_duckdb"])
PUBLISHED_PARQUET = dg.AssetKey(["published", "parquet"])
DASHBOARD = dg.AssetKey(["published", "dashboard"])
POSTGRES = dg.AssetKey(["published", "postgres"])


def landing_key(table: Table) -> dg.AssetKey:
    return dg.AssetKey(["landing", table.system, table.name])


def raw_key(table: Table) -> dg.AssetKey:
    return dg.AssetKey(["raw", table.raw_name])


def team(owner: str | None) -> str:
    """An owner of the models' YAML as Dagster writes teams."""
    return f"team:{re.sub(r'[^a-z0-9]+', '_', owner.lower()).strip('_')}" if owner else DATA_TEAM


class Translator(DagsterDbtTranslator):
    """dbt's nodes as assets: key (schema, name), group the layer, owner from `meta.owner`, freshness for the marts."""

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        name = dbt_resource_props.get("identifier") or dbt_resource_props["name"]
        return dg.AssetKey([dbt_resource_props["schema"], name])

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str | None:
        return str(dbt_resource_props["schema"])

    def get_owners(self, dbt_resource_props: Mapping[str, Any]) -> Sequence[str]:
        return [team((dbt_resource_props.get("meta") or {}).get("owner"))]

    def get_asset_spec(self, manifest: Any, unique_id: str, project: Any) -> dg.AssetSpec:
        spec = super().get_asset_spec(manifest, unique_id, project)
        return spec.replace_attributes(freshness_policy=FRESHNESS) if spec.group_name == "kpi" else spec


def tables_in(manifest: Mapping[str, Any]) -> list[Table]:
    """The tables that files land for, as far as the project reads them: of source systems those that landed."""
    read = {source["identifier"] for source in manifest["sources"].values()}
    return [table for table in landed_tables(load_settings({}).company_sources) if table.raw_name in read]


def landing_specs(manifest: Mapping[str, Any]) -> list[dg.AssetSpec]:
    """The landing folders, which others fill."""
    return [
        dg.AssetSpec(
            landing_key(table),
            group_name="landing",
            description=f"Files of {table.label}, in `<landing>/{table.system}/{table.name}/`.",
            owners=[DATA_TEAM],
            kinds={"file", "csv"},
        )
        for table in tables_in(manifest)
    ]


def raw_assets(manifest: Mapping[str, Any]) -> dg.AssetsDefinition:
    """The load: every new landing file into its raw table, and the load's own records."""
    landed = {table.raw_name: table for table in tables_in(manifest)}
    sources = {source["identifier"]: source["description"] for source in manifest["sources"].values()}
    specs = [
        dg.AssetSpec(
            ["raw", name],
            deps=[landing_key(landed[name])] if name in landed else [landing_key(table) for table in landed.values()],
            group_name="raw",
            description=f"{description} Every value as text, as it came; append-only."
            if name in landed
            else description,
            owners=[DATA_TEAM],
            kinds={"duckdb", "table"},
        )
        for name, description in sources.items()
    ]

    @dg.multi_asset(name="load", specs=specs)
    def load(context: dg.AssetExecutionContext, warehouse: WarehouseBuild) -> Iterator[dg.MaterializeResult[Any]]:
        """Load every new landing file into schema raw."""
        report = warehouse.take(context, Build.load)
        for note in report.notes:
            context.log.warning(note)
        context.log.info(
            f"{report.files_loaded} files loaded, {report.files_known} known already, {report.blank_rows} blank lines"
        )
        counts = row_counts(warehouse.build, "raw", sources)
        for spec in specs:
            yield dg.MaterializeResult(asset_key=spec.key, metadata={"dagster/row_count": counts[spec.key.path[-1]]})

    return load


def layer_assets(layer: str, specs: Sequence[dg.AssetSpec]) -> dg.AssetsDefinition:
    """A layer of dbt models: one step, one asset a model."""

    @dg.multi_asset(name=layer, specs=specs, can_subset=True)
    def models(context: dg.AssetExecutionContext, warehouse: WarehouseBuild) -> Iterator[dg.MaterializeResult[Any]]:
        keys = context.selected_asset_keys
        only = None if len(keys) == len(specs) else [key.path[-1] for key in keys]
        result = warehouse.take(context, lambda build: build.transform(layer, only))
        counts: dict[str, int] = {}
        for schema in {key.path[0] for key in keys}:
            counts |= row_counts(warehouse.build, schema, [key.path[-1] for key in keys if key.path[0] == schema])
        # in the order they were built: Dagster wants a model after those it reads
        built = {name: position for position, name in enumerate(result.seconds)}
        for key in sorted(keys, key=lambda key: built[key.path[-1]]):
            yield dg.MaterializeResult(asset_key=key, metadata=_model_metadata(key.path[-1], result, counts))

    return models


def _model_metadata(name: str, result: LayerResult, counts: Mapping[str, int]) -> dict[str, Any]:
    return {
        "dagster/row_count": counts[name],
        "seconds": round(result.seconds.get(name, 0.0), 3),
        "data_tests_passed": result.tests.get(name, 0),
    }


def published_assets(marts: Iterable[dg.AssetKey], *, with_dashboard: bool) -> dg.AssetsDefinition:
    """What readers see: the database, the Parquet files and the boards of a release, current by one rename."""
    deps = sorted(marts)
    told = {
        PUBLISHED_DATABASE: ("`marts.duckdb`: the marts of the last build that passed the gates.", "duckdb"),
        PUBLISHED_PARQUET: ("`parquet/kpi/<mart>.parquet`: the same marts as files.", "parquet"),
    }
    if with_dashboard:
        told[DASHBOARD] = ("`dashboard/`: the boards over the published marts, an HTML file each.", "html")
    specs = [
        dg.AssetSpec(
            key, deps=deps, group_name="published", description=description, owners=[DATA_TEAM], kinds={kind},
            freshness_policy=FRESHNESS,
        )
        for key, (description, kind) in told.items()
    ]  # fmt: skip

    @dg.multi_asset(name="publish", specs=specs)
    def publish(context: dg.AssetExecutionContext, warehouse: WarehouseBuild) -> Iterator[dg.MaterializeResult[Any]]:
        """Publish this build's marts as one release."""
        warehouse.take(context, Build.publish)
        record, paths = warehouse.build.record, warehouse.build.settings.paths
        where = {
            PUBLISHED_DATABASE: paths.marts_file, PUBLISHED_PARQUET: paths.parquet / "kpi", DASHBOARD: paths.dashboard,
        }  # fmt: skip
        for spec in specs:
            path = dg.MetadataValue.path(str(where[spec.key]))
            metadata: dict[str, Any] = {"path": path, "run_id": record.run_id, "as_of_date": record.as_of_date}
            yield dg.MaterializeResult(asset_key=spec.key, metadata=metadata)

    return publish


@dg.asset(
    key=POSTGRES, deps=[PUBLISHED_DATABASE], group_name="published", owners=[DATA_TEAM], kinds={"postgres"},
    freshness_policy=FRESHNESS,
)  # fmt: skip
def postgres(context: dg.AssetExecutionContext, warehouse: WarehouseBuild) -> dg.MaterializeResult[Any]:
    """The marts and finance's tables in PostgreSQL, as views that stay; see the setting `postgres_url`."""
    copied = warehouse.take(context, Build.copy_to_postgres)
    return dg.MaterializeResult(metadata={"tables": copied.tables, "dagster/row_count": copied.rows})


class CloseConfig(dg.Config):
    """Which month to close: YYYY-MM, or `due`; without one none is. `settings` overrides settings by name."""

    month: str | None = None
    settings: dict[str, Any] = Field(default_factory=dict)


@dg.asset(
    key=["finance", "closed_months"],
    deps=[PUBLISHED_DATABASE],
    group_name="finance",
    owners=["team:finance"],
    kinds={"parquet", "xlsx"},
)
def closed_months(context: dg.AssetExecutionContext, config: CloseConfig) -> dg.MaterializeResult[Any]:
    """`finance/<YYYY-MM>/`: the months as they were reported, written once, in a chain; `kpi verify` checks it."""
    if config.month is None:
        told = "nothing: a month is closed for good, so it must be named (month: YYYY-MM, or due)"
        return dg.MaterializeResult(metadata={"closed": told})
    settings = load_settings(config.settings)
    month = due_month(settings, settings.today) if config.month == "due" else parse_month(config.month)
    if month is None:
        return dg.MaterializeResult(metadata={"closed": "nothing is due"})
    result = attempt(context, lambda: close_month(settings, month))
    folder = dg.MetadataValue.path(str(result.closed.folder))
    return dg.MaterializeResult(
        metadata={"month": month_name(month), "folder": folder, "closed": "now" if result.is_new else "before"}
    )


def model_specs(manifest: Mapping[str, Any]) -> dict[str, list[dg.AssetSpec]]:
    """The specs of all seeds and models, by the layer of the pipeline that builds them."""
    schemas = {
        "staging": ("reference", "sources", "staging", "meta"),
        "facts": ("intermediate", "facts"),
        "kpi": ("kpi", "finance"),
    }  # fmt: skip
    specs = build_dbt_asset_specs(manifest=manifest, dagster_dbt_translator=Translator())
    return {
        layer: [spec for spec in specs if spec.group_name in schemas[layer]] for layer in LAYERS
    }  # fmt: skip


def row_counts(build: Build, schema: str, names: Iterable[str]) -> dict[str, int]:
    """Rows of tables and views of a schema of the build file."""
    counted = " union all ".join(f"select '{name}', count(*) from {schema}.{name}" for name in names)
    with duckdb.connect(str(build.settings.paths.build_file), read_only=True) as connection:
        return {str(name): int(count) for name, count in connection.execute(counted).fetchall()}
