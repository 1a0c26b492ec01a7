"""What docs/bi/README.md says may be summed, read from its table and held against published marts."""

from __future__ import annotations

import re
from pathlib import Path

from orchestration.core.contract import PROJECT_ROOT
from orchestration.warehouse.connections import open_published

PAGE = PROJECT_ROOT / "docs" / "bi" / "README.md"
MARK = "<!-- safe-to-sum"
VALUES = {
    "sum": "sum(metric_value)",
    "divide": "sum(numerator) / case when sum(denominator) > 0 then sum(denominator) end",
}
# Sums of rounded amounts, and of rates computed in floating point.
TOLERANCE = 1e-6


def declared() -> dict[str, tuple[str, str]]:
    """By metric: how it adds up over members, and over periods (sum, divide or never)."""
    table = PAGE.read_text(encoding="utf-8").partition(MARK)[2].partition("\n\n")[0]
    found: dict[str, tuple[str, str]] = {}
    for line in table.splitlines()[3:]:
        metrics, members, periods = (cell.strip() for cell in line.strip("|").split("|"))
        for metric in re.findall(r"`(\w+)`", metrics):
            assert metric not in found, f"{metric} is there twice"
            found[metric] = (members.split(":")[0], periods.split(":")[0])
    return found


def differences(published: Path) -> list[str]:
    """Where the marts do not add up as declared, a line each; and metrics that are not declared."""
    table = declared()
    wrong = []
    with open_published(published) as connection:
        known = {row[0] for row in connection.execute("select distinct metric_id from kpi.kpi_catalog").fetchall()}
        wrong += [f"{metric} is declared or published only" for metric in sorted(known ^ table.keys())]
        for metric, (members, periods) in table.items():
            mart = f"kpi.kpi_{metric}"
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
                    wrong.append(f"{metric} over {what}: {rows[1]} of {rows[0]} differ")
    return wrong
