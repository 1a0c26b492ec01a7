"""What a build takes, against its floor: `make bench SCALE="1 10 100"`, or

    python benchmarks/bench.py [--once] [SCALE ...]

For each scale: the sample company of that size is written (kept in target/bench), built by `kpi build` into an empty
warehouse, built once more as of the next day with nothing new, and run bare (benchmarks/floor.py), in turn on this
machine. Prints seconds, peak memory, size on disk and the ratio product / floor of each step, and by how much each
step and query grows from scale to scale; writes the tables into docs/performance.md. With --once it is built once,
without the next day and the floor: what a company takes that is too large to do that often.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path

from floor import REFERENCE
from growth import exponents
from watch import Watch

PROJECT = Path(__file__).resolve().parent.parent
KPI = Path(sys.executable).parent / "kpi"
FOLDER = PROJECT / "target" / "bench"
PAGE = PROJECT / "docs" / "performance.md"
# The places of the page that are written: several scales beside their floor, and one build of a large one.
COMPARED, ONCE = "benchmark", "once"
AS_OF = date(2026, 10, 31)
# The only setting that a caller decides.
LIMIT = "KPI_MEMORY_LIMIT"
# The steps of a build that the floor has, too; the others do what the floor does not.
SAME = ("load", "staging", "facts", "kpi", "publish")
OTHERS = ("parse", "after_load", "after_staging", "after_facts", "after_kpi", "dashboard")
MOST_GROWTH = 1.1
# Of the steps and queries that grow, so many stand on the page; the terminal has all.
ON_PAGE = 10
# The sizes of a build that are told, in megabytes.
SIZES = {
    "peak memory": "peak_bytes",
    "written for want of memory, at most": "spilled_bytes",
    "landing files": "landing_bytes",
    "build.duckdb": "build_bytes",
    "a release": "release_bytes",
}


@dataclass(frozen=True)
class Built:
    """A build: seconds as a whole and by step, peak memory of its processes, sizes on disk."""

    seconds: float
    steps: Mapping[str, float]
    peak_bytes: int
    spilled_bytes: int
    landing_bytes: int
    build_bytes: int
    release_bytes: int


@dataclass(frozen=True)
class Measured:
    """A scale: its build, the same build the next day, and the floor's seconds by step and query."""

    scale: int
    build: Built
    next_day: Built
    floor: Mapping[str, float]
    queries: Mapping[str, float]

    @property
    def floor_seconds(self) -> float:
        """Seconds of the floor: reading, models, copying."""
        return sum(seconds for step, seconds in self.floor.items() if step in SAME)


def measure(scale: int) -> Measured:
    """Build and run bare the sample company of a scale."""
    landing, warehouse, bare = _landing(scale), FOLDER / f"warehouse_{scale}", FOLDER / f"floor_{scale}"
    for folder in (warehouse, bare):
        shutil.rmtree(folder, ignore_errors=True)
    _into_cache(landing)
    build = _build(landing, warehouse, AS_OF)
    _into_cache(landing)
    floor = subprocess.run(
        [sys.executable, PROJECT / "benchmarks" / "floor.py", landing, warehouse, bare],
        check=True, stdout=subprocess.PIPE,
    )  # fmt: skip
    bare_seconds = json.loads(floor.stdout)
    shutil.rmtree(bare)
    next_day = _build(landing, warehouse, AS_OF + timedelta(days=1))
    return Measured(scale, build, next_day, bare_seconds["steps"], bare_seconds["queries"])


def _landing(scale: int) -> Path:
    """The landing folder of a scale, written if it is not there yet."""
    landing = FOLDER / f"landing_{scale}"
    if not landing.exists():
        partial = landing.with_suffix(".partial")
        shutil.rmtree(partial, ignore_errors=True)
        command = [str(KPI), "sample", "--scale", str(scale), "--as-of", AS_OF.isoformat(), str(partial)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        partial.rename(landing)
    return landing


def build_once(scale: int) -> str:
    """Build the sample company of a scale once; its seconds, memory and sizes, as Markdown."""
    landing, warehouse = _landing(scale), FOLDER / f"warehouse_{scale}"
    shutil.rmtree(warehouse, ignore_errors=True)
    build = _build(landing, warehouse, AS_OF)
    steps = sorted(build.steps.items(), key=lambda step: -step[1])
    return "\n".join([
        f"{_machine()}; {date.today().isoformat()}; memory limit of DuckDB {os.environ.get(LIMIT, 'half of it')}.",
        "",
        f"| scale {scale} | |",
        "|---|---|",
        f"| whole build | {build.seconds / 60:,.1f} minutes |",
        *(f"| {step} | {seconds:,.0f} s |" for step, seconds in steps),
        *(f"| {name} | {_megabytes(build, size)} MB |" for name, size in SIZES.items()),
    ])  # fmt: skip


def _build(landing: Path, warehouse: Path, as_of: date) -> Built:
    """Run `kpi build` as its user does."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("KPI_") or name == LIMIT}
    started = time.perf_counter()
    process = subprocess.Popen(
        [KPI, "build", "--landing", landing, "--warehouse", warehouse, "--as-of", as_of.isoformat()],
        stdout=subprocess.DEVNULL, env=environment, cwd=FOLDER,
    )  # fmt: skip
    with Watch(process.pid, warehouse) as watched:
        process.wait()
    seconds = time.perf_counter() - started
    if process.returncode:
        raise SystemExit(f"the build of {landing} ended with exit {process.returncode}")
    return Built(
        seconds,
        json.loads((warehouse / "last_run.json").read_text(encoding="utf-8"))["seconds"],
        watched.peak_bytes,
        watched.spilled_bytes,
        _size(landing),
        _size(warehouse / "build.duckdb"),
        _size((warehouse / "current").resolve()),
    )


def _into_cache(folder: Path) -> None:
    """Have the files be read from the page cache by whoever comes next: both begin alike."""
    for file in folder.rglob("*"):
        if file.is_file():
            file.read_bytes()


def _size(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())


def tables(measured: Sequence[Measured]) -> str:
    """The tables of a run, as Markdown."""
    lines = [
        f"{_machine()}; {date.today().isoformat()}.",
        "",
        "| | " + " | ".join(f"scale {one.scale} | floor | ratio" for one in measured) + " |",
        "|---|" + "---|---|---|" * len(measured),
    ]
    for step in SAME:
        cells = (_compared(one.build.steps.get(step, 0), one.floor[step]) for one in measured)
        lines.append(f"| {step} | " + " | ".join(cells) + " |")
    for step in OTHERS:
        lines.append(_row(step, (f"{one.build.steps.get(step, 0):.1f}" for one in measured)))
    whole = (_compared(one.build.seconds, one.floor_seconds, "**") for one in measured)
    lines += [
        "| **whole build**, seconds | " + " | ".join(whole) + " |",
        _row("the next day, nothing new", (f"{one.next_day.seconds:.1f}" for one in measured)),
        *(_row(f"{name}, MB", (_megabytes(one.build, size) for one in measured)) for name, size in SIZES.items()),
    ]
    return "\n".join(lines)


def _compared(took: float, floor: float, mark: str = "") -> str:
    """The cells of seconds, those of the floor, and their ratio."""
    return " | ".join(f"{mark}{cell}{mark}" for cell in (f"{took:.1f}", f"{floor:.1f}", f"{took / floor:.2f}"))


def _row(name: str, cells: Iterable[str]) -> str:
    """A line of what the floor has not."""
    return f"| {name} | " + " | ".join(f"{cell} | | " for cell in cells) + " |"


def _megabytes(build: Built, size: str) -> str:
    return f"{getattr(build, size) / 1e6:,.0f}"


def growth(measured: Sequence[Measured], most: int | None = None) -> str:
    """By how much steps and queries (`most`: so many, None: all that take some time) grow between the two largest
    scales, as Markdown; '' for one scale."""
    if len(measured) < 2:
        return ""
    seconds: dict[str, dict[int, float]] = {}
    for one in measured:
        for name, took in {**{f"step {step}": took for step, took in one.build.steps.items()}, **one.queries}.items():
            seconds.setdefault(name, {})[one.scale] = took
    by_name = exponents(seconds)
    reference = by_name.pop(REFERENCE, MOST_GROWTH)
    found = sorted(by_name.items(), key=lambda pair: -pair[1])
    above = sum(exponent > MOST_GROWTH for _, exponent in found)
    beyond = sum(exponent > max(MOST_GROWTH, reference) for _, exponent in found)
    small, large = sorted(one.scale for one in measured)[-2:]
    lines = [
        f"Growth from scale {small} to {large}, as the exponent of seconds by scale (1: linear), of the steps and "
        f"queries that take some time: {above} of {len(found)} are above {MOST_GROWTH}. A plain `group by` of as many "
        f"texts as rows landed, which leaves the processor's caches on the way, has {reference:.2f} on this machine; "
        f"{beyond} are above that. Those that grow most:",
        "",
        "| step or query | exponent | seconds |",
        "|---|---|---|",
        *(f"| {name} | {exponent:.2f} | {seconds[name][large]:.1f} |" for name, exponent in found[:most]),
    ]
    return "\n".join(lines)


def _machine() -> str:
    cpu = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        platform.processor(),
    )
    gigabytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{os.cpu_count()} cores ({cpu}), {gigabytes:.0f} GiB, {platform.system()}, Python {platform.python_version()}"
    )


def write_page(place: str, text: str) -> None:
    """Put tables into their place of docs/performance.md, instead of the last ones."""
    begin, end = f"<!-- {place} -->", f"<!-- /{place} -->"
    page = PAGE.read_text(encoding="utf-8")
    before, _, rest = page.partition(begin)
    _, _, after = rest.partition(end)
    PAGE.write_text(f"{before}{begin}\n{text}\n{end}{after}", encoding="utf-8")


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--once", action="store_true", help="one build of each scale, without the floor")
    arguments.add_argument("scales", metavar="SCALE", nargs="*", type=int, default=[1])
    given = arguments.parse_args()
    scales = sorted(set(given.scales))
    FOLDER.mkdir(parents=True, exist_ok=True)
    if given.once:
        text = "\n\n".join(build_once(scale) for scale in scales)
        print(text)
        write_page(ONCE, text)
        return 0
    measured = []
    for scale in scales:
        one = measure(scale)
        (FOLDER / f"measured_{scale}.json").write_text(json.dumps(asdict(one), indent=1), encoding="utf-8")
        measured.append(one)
        print(f"scale {scale}: {one.build.seconds:.1f} s, floor {one.floor_seconds:.1f} s", flush=True)
    print("\n\n".join((tables(measured), growth(measured))))
    write_page(COMPARED, "\n\n".join((tables(measured), growth(measured, ON_PAGE))).strip())
    return 0


if __name__ == "__main__":
    sys.exit(main())
