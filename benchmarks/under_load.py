"""Real builds while readers read, and builds killed at random moments. Takes a quarter of an hour on the sample.

    python benchmarks/under_load.py LANDING AS_OF [BUILDS] [KILLS]

Eight readers ask questions of the marts as a BI tool does (benchmarks/kpi_reader.py), a moment apart, while BUILDS
builds publish, and a ninth (tests/support/reader.py) reads the whole of `marts.duckdb` and the Parquet files every few
seconds, to see that both are always of one build; then KILLS builds are killed (SIGKILL) at random moments of their
time, and one more build must give the marts of an undisturbed one. Prints what was seen; exits 1 where a reader failed
or a mart differs.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb

PROJECT = Path(__file__).resolve().parent.parent
KPI = Path(sys.executable).parent / "kpi"
NINTH = PROJECT / "tests" / "support" / "reader.py"
CLIENT = PROJECT / "benchmarks" / "kpi_reader.py"
READERS = 8
PAUSE_SECONDS = 0.2
PAUSE_OF_THE_NINTH_SECONDS = 2


def build(landing: str, as_of: str, warehouse: Path) -> subprocess.Popen[bytes]:
    """Start a build."""
    return subprocess.Popen(
        [KPI, "build", "--landing", landing, "--as-of", as_of, "--warehouse", str(warehouse)],
        stdout=subprocess.DEVNULL,
    )


def fingerprint(path: Path) -> dict[str, tuple[object, ...]]:
    """Rows and a hash of each mart of a published database."""
    with duckdb.connect() as connection:
        connection.execute(f"attach '{path}' as published (read_only)")
        names = connection.execute(
            "select table_name from duckdb_tables() where database_name = 'published' and schema_name = 'kpi' "
            "order by 1"
        ).fetchall()
        return {
            name: connection.execute(
                f"select count(*), bit_xor(hash(mart)) from published.kpi.{name} as mart"
            ).fetchall()[0]
            for (name,) in names
        }


def percentiles(milliseconds: list[float]) -> str:
    """How long they took, in words."""
    ordered = sorted(milliseconds)
    shown = ", ".join(f"p{share} {ordered[len(ordered) * share // 100]:.1f}" for share in (50, 95, 99))
    return f"{len(ordered):,} times, milliseconds {shown}, longest {ordered[-1]:.1f}"


def main() -> int:
    landing, as_of = sys.argv[1], sys.argv[2]
    builds = int(sys.argv[3]) if len(sys.argv) > 3 else 20
    kills = int(sys.argv[4]) if len(sys.argv) > 4 else 10
    rng = random.Random(1)
    with tempfile.TemporaryDirectory() as folder:
        warehouse = Path(folder) / "warehouse"
        started = time.monotonic()
        assert build(landing, as_of, warehouse).wait() == 0
        seconds = time.monotonic() - started
        undisturbed = fingerprint(warehouse / "marts.duckdb")
        reader = subprocess.Popen(
            [sys.executable, NINTH, warehouse, "--pause", str(PAUSE_OF_THE_NINTH_SECONDS)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        clients = [
            subprocess.Popen(
                [sys.executable, CLIENT, str(warehouse), str(seed), str(PAUSE_SECONDS)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            )
            for seed in range(READERS)
        ]  # fmt: skip
        codes = [build(landing, as_of, warehouse).wait() for _ in range(builds)]
        seen, _ = reader.communicate("stop\n")
        answers = [json.loads(client.communicate("stop\n")[0]) for client in clients]
        for kind in answers[0]:
            print(f"{READERS} readers, {kind}: {percentiles([one for each in answers for one in each[kind]])}")
        print(f"{builds} builds, exit codes {sorted(set(codes))}; reader: exit {reader.returncode}, {seen.split()[1:]}")
        ok = reader.returncode == 0 and set(codes) == {0}
        for _ in range(kills):
            process = build(landing, as_of, warehouse)
            moment = rng.uniform(0, seconds)
            time.sleep(moment)
            process.kill()
            process.wait()
            readable = fingerprint(warehouse / "marts.duckdb") == undisturbed
            print(f"killed after {moment:.1f} s: published marts {'as before' if readable else 'DIFFER'}")
            ok = ok and readable
        code = build(landing, as_of, warehouse).wait()
        same = fingerprint(warehouse / "marts.duckdb") == undisturbed
        print(f"the next build: exit {code}, marts {'the same' if same else 'DIFFER'}")
        return 0 if ok and code == 0 and same else 1


if __name__ == "__main__":
    sys.exit(main())
