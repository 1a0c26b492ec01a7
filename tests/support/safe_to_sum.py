"""What the catalogue says of a metric's adding up, held against published marts."""

from __future__ import annotations

from pathlib import Path

from orchestration.core.catalog import metrics
from orchestration.warehouse.connections import open_published

VALUES = {
    "sum": "sum(metric_value)",
    "divide": "sum(numerator) / case when sum(denominator) > 0 then sum(denominator) end",
}
# Sums of rounded amounts, and of rates computed in floating point.
TOLERANCE = 1e-6


def differences(published: Path) -> list[str]:
    """Where the marts do not add up as declared, a line each."""
    wrong = []
    with open_published(published) as connection:
        for metric_id, metric in metrics().items():
            members, periods = metric.over_members, metric.over_periods
            mart = f"kpi.kpi_{metric_id}"
            checks = {}
            if members != "never":
                checks["members"] = f"""
                    select period_grain, period_start, dimension as part, {VALUES[members]} as added
                    from {mart} where dimension <> 'all' group by all"""
            if periods != "never":
                checks["periods"] = f"""
                    select 'quarter' as period_grain, cast(date_trunc('quarter', period_start) as date) as period_start,
                        'months' as part, {VALUES[periods]} as added
                    from {mart} where dimension = 'all' and period_grain = 'month'
                    group by all having count(*) = 3"""
            for what, query in checks.items():
                rows = connection.execute(
                    f"""
                    select count(*), count(*) filter (
                        abs(added - metric_value) > {TOLERANCE} * greatest(abs(metric_value), 1)
                        or (added is null) <> (metric_value is null)
                    )
                    from ({query}) inner join (from {mart} where dimension = 'all') using (period_grain, period_start)
                    """
                ).fetchone()
                assert rows is not None
                if rows[1] or not rows[0]:
                    wrong.append(f"{metric_id} over {what}: {rows[1]} of {rows[0]} differ")
    return wrong
