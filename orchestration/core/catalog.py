"""The catalogue of metrics as the seeds declare it: what there is to know of a metric beside its SQL."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from orchestration.core.company import SEEDS_FOLDER, seed_rows

METRICS_FILE = SEEDS_FOLDER / "metrics.csv"


@dataclass(frozen=True)
class Metric:
    """A row of seeds/metrics.csv (seeds/_seeds.yml describes its columns), and its Korean names, its own first."""

    metric_id: str
    name_en: str
    names_ko: tuple[str, ...]
    category: str
    unit: str
    is_higher_better: bool
    formula: str
    grains: tuple[str, ...]
    over_members: str
    over_periods: str
    headline_position: int | None
    needs: tuple[str, ...]
    drill: str


@cache
def metrics() -> dict[str, Metric]:
    """The metrics by id, in the catalogue's order."""
    other_names: dict[str, list[str]] = {}
    for row in seed_rows("metric_other_names"):
        other_names.setdefault(row["metric_id"], []).append(row["name_ko"])
    return {
        row["metric_id"]: Metric(
            metric_id=row["metric_id"],
            name_en=row["name_en"],
            names_ko=(row["name_ko"], *other_names.get(row["metric_id"], ())),
            category=row["category"],
            unit=row["unit"],
            is_higher_better=row["is_higher_better"] == "true",
            formula=row["formula"],
            grains=tuple(row["grains"].split("|")),
            over_members=row["over_members"],
            over_periods=row["over_periods"],
            headline_position=int(row["headline_position"]) if row["headline_position"] else None,
            needs=tuple(row["needs"].split("|")),
            drill=row["drill"],
        )
        for row in seed_rows("metrics")
    }


def headlines() -> tuple[str, ...]:
    """The ids of the headline metrics, the first first."""
    return tuple(
        metric.metric_id
        for metric in sorted(metrics().values(), key=lambda metric: metric.headline_position or 0)
        if metric.headline_position
    )
