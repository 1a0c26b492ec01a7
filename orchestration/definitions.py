"""What Dagster loads: `dagster dev` in the project's root, or the code location of a deployment."""

from __future__ import annotations

import dagster as dg

from expectations.families import GATES
from orchestration.build.pipeline import LAYERS, steps_of
from orchestration.build.transform import manifest_of
from orchestration.core.settings import load_settings
from orchestration.scheduling.assets import (
    closed_months,
    landing_specs,
    layer_assets,
    model_specs,
    postgres,
    published_assets,
    raw_assets,
)
from orchestration.scheduling.checks import closed_months_verified, gate_checks
from orchestration.scheduling.notify import notification_sensors
from orchestration.scheduling.session import WarehouseBuild
from orchestration.scheduling.triggers import build_schedule, close_schedule, landing_sensor, verify_schedule


def definitions() -> dg.Definitions:
    """The assets, checks, jobs, schedules and sensors of the project as it stands."""
    settings = load_settings({})
    manifest = manifest_of(settings)
    specs = model_specs(manifest)
    layers = [layer_assets(layer, specs[layer]) for layer in LAYERS]
    marts = [spec.key for spec in specs["kpi"]]
    assets = [raw_assets(manifest), *layers, published_assets(marts, with_dashboard=settings.dashboard)]
    if "postgres" in steps_of(settings):
        assets.append(postgres)
    build = dg.define_asset_job(
        "build",
        selection=dg.AssetSelection.assets(*assets),
        description="Load, transform, gate, publish: what `kpi build` does.",
        # one process, so that dbt parses once and gates see a file that nobody else has open
        executor_def=dg.in_process_executor,
        # a run whose process died is run again from its first step: nobody knows how far the last one got
        tags={"dagster/max_retries": "1", "dagster/retry_strategy": "ALL_STEPS"},
    )
    close = dg.define_asset_job(
        "month_close",
        selection=dg.AssetSelection.assets(closed_months),
        description="Freeze the month that is due: what `kpi close` does.",
        executor_def=dg.in_process_executor,
    )
    verify = dg.define_asset_job(
        "verify_closed_months",
        selection=dg.AssetSelection.checks(closed_months_verified),
        description="Read every file of every closed month: what `kpi verify` does.",
        executor_def=dg.in_process_executor,
    )
    return dg.Definitions(
        assets=[*landing_specs(manifest), *assets, closed_months],
        asset_checks=[*(gate_checks(gate) for gate in GATES), closed_months_verified],
        jobs=[build, close, verify],
        schedules=[build_schedule(build, settings), close_schedule(close, settings), verify_schedule(verify, settings)],
        sensors=[landing_sensor(build), *notification_sensors([build, close, verify])],
        resources={"warehouse": WarehouseBuild()},
        # "Materialize all", too, takes its steps in one process: the gates' verdicts are the build's own
        executor=dg.in_process_executor,
    )


defs = definitions()
