"""The gates as Dagster asset checks: one a table and gate, all of a gate evaluated together, each blocking."""

from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg
from pydantic import Field

from expectations.runner import Finding, GateResult
from orchestration.build import gates
from orchestration.close.closing import finance_folder
from orchestration.core.contract import source_tables
from orchestration.core.errors import BuildError
from orchestration.core.settings import load_settings
from orchestration.finance.register import read_key
from orchestration.finance.tables import what_is_recorded
from orchestration.finance.verification import verify
from orchestration.scheduling.assets import closed_months, raw_key
from orchestration.scheduling.session import WarehouseBuild, failure


def checked_assets(gate: str) -> dict[str, dg.AssetKey]:
    """The asset behind each table of a gate's suites."""
    raw = {table.label: table for table in source_tables()}
    keys = {
        "after_load": lambda table: raw_key(raw[table]),
        "after_staging": lambda table: dg.AssetKey(["staging", f"stg_{raw[table].raw_name}"]),
        "after_facts": lambda table: dg.AssetKey(["facts", table]),
        "after_kpi": lambda table: dg.AssetKey(["kpi", table]),
    }
    return {table: keys[gate](table) for table in gates.tables_of(gate)}


def gate_checks(gate: str) -> dg.AssetChecksDefinition:
    """One gate. Where a check of it fails, nothing after it runs."""
    assets = checked_assets(gate)
    name = f"gate_{gate}"

    @dg.multi_asset_check(
        name=name,
        specs=[
            dg.AssetCheckSpec(
                name, asset=key, blocking=True, description=f"The expectations of expectations/{gate}.yml on {table}."
            )
            for table, key in assets.items()
        ],
    )
    def gate_check(context: dg.AssetCheckExecutionContext, warehouse: WarehouseBuild) -> Iterator[dg.AssetCheckResult]:
        result = warehouse.take(context, lambda build: build.gate(gate))
        for table, key in assets.items():
            yield _check_result(name, table, key, result)
        if not result.passed:
            raise warehouse.failure(gates.closed(result))

    return gate_check


class VerifyConfig(dg.Config):
    """`settings` overrides settings by name."""

    settings: dict[str, Any] = Field(default_factory=dict)


@dg.multi_asset_check(
    name="closed_months_verified",
    specs=[
        dg.AssetCheckSpec(
            "as_they_were_closed",
            asset=closed_months,
            description="Every file of every closed month, and the chain they form: what `kpi verify` does.",
        )
    ],
)
def closed_months_verified(config: VerifyConfig) -> Iterator[dg.AssetCheckResult]:
    """Read every file of every closed month. The run fails where one is not as it was closed, so that it is told."""
    settings = load_settings(config.settings)
    recorded = what_is_recorded(settings.paths, read_key(settings.close_key_file))
    problems = verify(finance_folder(settings), recorded)
    yield dg.AssetCheckResult(
        passed=not problems,
        description=problems[0] if problems else "every file is as it was closed",
        metadata={"problems": dg.MetadataValue.md("\n".join(f"- {problem}" for problem in problems))},
    )
    if problems:
        raise failure(BuildError(problems[0], problems[1:]))


def _check_result(name: str, table: str, key: dg.AssetKey, result: GateResult) -> dg.AssetCheckResult:
    failures = [finding for finding in result.failures if finding.table == table]
    warnings = [finding for finding in result.warnings if finding.table == table]
    return dg.AssetCheckResult(
        asset_key=key,
        check_name=name,
        passed=not failures and not warnings,
        # a warning is shown and lets pass
        severity=dg.AssetCheckSeverity.ERROR if failures else dg.AssetCheckSeverity.WARN,
        description="; ".join(map(str, [*failures, *warnings])) or "all expectations are met",
        metadata=_metadata([*failures, *warnings], result),
    )


def _metadata(findings: list[Finding], result: GateResult) -> Mapping[str, Any]:
    page = findings[0].data_docs if findings else result.data_docs
    metadata: dict[str, Any] = {"data_docs": dg.MetadataValue.path(page)} if page else {}
    if findings:
        metadata["findings"] = dg.MetadataValue.md(
            "\n".join(
                ["| expectation | observed | limit |", "|---|---|---|"]
                + [f"| {item.expectation} | {item.observed} | {item.limit} |" for item in findings]
            )
        )
    return metadata
