"""A BI tool at the marts: asks a question of one random metric every moment, until there is a line on its input.

    python benchmarks/kpi_reader.py WAREHOUSE SEED PAUSE_SECONDS

Keeps its connection for some questions, as a pool does, then opens the database anew. Prints the milliseconds of all
questions, of each kind of question, and of the openings, as JSON.
"""

from __future__ import annotations

import json
import random
import select
import sys
import time
from pathlib import Path

import duckdb

QUESTIONS_A_CONNECTION = 20
# What people look at: a metric's months, one month by its members, the scorecard, the rows of a quarter with targets.
QUESTIONS = {
    "months": "select period_start, metric_value, prior_period_value, target_value from {mart} "
    "where period_grain = 'month' and dimension = 'all' order by period_start",
    "members": "select dimension, dimension_label, metric_value from {mart} "
    "where period_grain = 'month' and period_start = date '{month}' order by metric_value desc nulls last limit 50",
    "scorecard": "select metric_id, name_en, metric_value, prior_year_value from kpi.kpi_scorecard "
    "where period_grain = 'month' and dimension = 'all' and period_start = date '{month}' order by metric_id",
    "dimensions": "select dimension, sum(numerator), sum(denominator) from {mart} "
    "where period_grain = 'quarter' group by dimension order by dimension",
}


def main() -> None:
    warehouse, rng, pause = Path(sys.argv[1]), random.Random(int(sys.argv[2])), float(sys.argv[3])
    took: dict[str, list[float]] = {kind: [] for kind in ("all questions", *QUESTIONS, "opening")}
    while not select.select([sys.stdin], [], [], 0)[0]:
        started = time.perf_counter()
        with duckdb.connect() as connection:
            connection.execute(f"attach '{warehouse / 'marts.duckdb'}' as published (read_only)")
            connection.execute("use published")
            marts = connection.execute(
                "select 'kpi.kpi_' || metric_id from kpi.kpi_catalog where is_primary_name order by 1"
            ).fetchall()
            months = connection.execute(
                "select period_start from kpi.kpi_revenue "
                "where period_grain = 'month' and dimension = 'all' and is_complete"
            ).fetchall()
            took["opening"].append((time.perf_counter() - started) * 1000)
            for _ in range(QUESTIONS_A_CONNECTION):
                time.sleep(rng.uniform(0, 2 * pause))
                kind, question = rng.choice(list(QUESTIONS.items()))
                question = question.format(mart=rng.choice(marts)[0], month=rng.choice(months)[0])
                started = time.perf_counter()
                connection.execute(question).fetchall()
                milliseconds = (time.perf_counter() - started) * 1000
                took["all questions"].append(milliseconds)
                took[kind].append(milliseconds)
    print(json.dumps(took))


if __name__ == "__main__":
    main()
