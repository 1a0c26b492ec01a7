"""dbt reads the project once for all days, warehouses and settings that it is the same for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from orchestration.build.parsing import PARSED_SETTINGS, _remembered_file, parse
from orchestration.build.systems import source_vars
from orchestration.build.transform import DbtProject
from orchestration.core.contract import PROJECT_ROOT
from orchestration.core.settings import Settings, load_settings

# A value of each setting that is not the default.
OTHERS = {
    "as_of_date": "2025-03-14",
    "business_timezone": "Asia/Seoul",
    "naive_timestamps_in": "crm=Asia/Seoul",
    "full_extract_tables": "crm.deals",
    "decimal_comma_in": "crm",
    "reporting_currency": "KRW",
    "fiscal_year_start_month": 4,
    "revenue_basis": "bookings",
    "customer_active_days": 90,
    "renewal_gap_days": 5,
    "fx_rate_max_age_days": 5,
    "velocity_days": 30,
    "quarantine_threshold": 0.5,
    "win_rate_basis": "amount",
    "sales_cycle_start": "deal_created",
    "lead_conversion_basis": "period",
    "cac_costs": "paid_only",
    "cac_lag_days": 30,
    "churn_formula": "stripe",
    "response_time_clock": "business_hours",
    "fx_inference": "cross",
    "attributes_as_of": "event",
    "paused_subscriptions": "included",
}


def parsed_by(settings: Settings) -> dict[str, Any]:
    """What a build with these settings has the project read by."""
    variables = {**settings.dbt_vars(), **source_vars(settings)}
    return {name: variables[name] for name in (*PARSED_SETTINGS, *source_vars(settings))}


def without_times(value: Any) -> Any:
    """A manifest without when it was made."""
    if isinstance(value, dict):
        return {key: without_times(entry) for key, entry in value.items() if key not in ("created_at", "metadata")}
    if isinstance(value, list):
        return [without_times(entry) for entry in value]
    return value


@pytest.mark.slow
def test_a_parse_depends_on_no_other_settings(tmp_path: Path) -> None:
    settings = load_settings({"warehouse": tmp_path / "warehouse"})
    assert set(OTHERS) == set(settings.dbt_vars())
    by = parsed_by(settings)
    others = {name: value for name, value in OTHERS.items() if name not in PARSED_SETTINGS}
    # each read anew: dbt never saw these vars
    plain, other = (
        parse(PROJECT_ROOT, tmp_path / name, tmp_path / "logs", {**by, **more, "of_this_test": name})
        for name, more in (("plain", {}), ("other", others))
    )
    one, two = (without_times(manifest.writable_manifest().to_dict(omit_none=False)) for manifest in (plain, other))
    assert one.keys() == two.keys()
    for part in one:
        different = [name for name in one[part] if one[part][name] != two[part].get(name)]
        assert not different, (part, different)
        assert one[part] == two[part], part
    for name, more in (("plain", {}), ("other", others)):
        _remembered_file(PROJECT_ROOT, tmp_path, _text({**by, **more, "of_this_test": name})).unlink()


def _text(variables: dict[str, Any]) -> str:
    return json.dumps(variables, sort_keys=True)


def test_another_day_and_warehouse_read_nothing_anew(tmp_path: Path) -> None:
    for name, as_of in (("first", "2026-06-30"), ("second", "2026-07-01")):
        settings = load_settings({"warehouse": tmp_path / name, "as_of_date": as_of})
        project = DbtProject(settings)
        remembered = _remembered_file(PROJECT_ROOT, settings.paths.dbt_target, _text(parsed_by(settings)))
        assert remembered.is_relative_to(PROJECT_ROOT / "target")
        if name == "first":
            before = remembered.stat().st_mtime_ns
        assert remembered.stat().st_mtime_ns == before
        assert project.semantic_manifest.is_file()
        assert project.models_of("kpi")


def test_a_setting_that_the_project_is_read_by_is_another_parse(tmp_path: Path) -> None:
    settings = [load_settings({"warehouse": tmp_path, "cac_costs": costs}) for costs in ("fully_loaded", "paid_only")]
    texts = [_text(parsed_by(one)) for one in settings]
    assert _remembered_file(PROJECT_ROOT, tmp_path, texts[0]) != _remembered_file(PROJECT_ROOT, tmp_path, texts[1])


def test_a_project_that_nobody_may_write_beside_is_remembered_in_the_warehouse(tmp_path: Path) -> None:
    elsewhere = tmp_path / "links"
    assert _remembered_file(elsewhere, tmp_path / "dbt", "{}").parent == tmp_path / "dbt"
