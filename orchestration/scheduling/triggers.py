"""When builds and closes start: every morning, when files have landed, and some business days into a month."""

import time
from collections.abc import Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from orchestration.close.closing import due_month
from orchestration.core.company import company_folder, own_sources
from orchestration.core.contract import landed_tables
from orchestration.core.settings import Settings, load_settings
from orchestration.finance.calendar import month_name
from orchestration.load.landing_folder import find_files

# How often the landing folder is looked at.
SENSOR_SECONDS = 60
RUNNING = dg.DefaultScheduleStatus.RUNNING
STOPPED = dg.DefaultScheduleStatus.STOPPED


def build_schedule(job: UnresolvedAssetJobDefinition, settings: Settings) -> dg.ScheduleDefinition:
    """The daily build, in the business's time zone."""
    return dg.ScheduleDefinition(
        name="daily_build",
        job=job,
        cron_schedule=settings.build_schedule,
        execution_timezone=settings.business_timezone,
        default_status=RUNNING,
        description="Builds every day, whether files have landed or not: the as-of date moves.",
    )


def close_schedule(job: UnresolvedAssetJobDefinition, settings: Settings) -> dg.ScheduleDefinition:
    """The monthly close: looks every day whether a month is due, so that what could not be closed is tried again."""

    @dg.schedule(
        name="monthly_close", job=job, cron_schedule=settings.close_schedule,
        execution_timezone=settings.business_timezone, default_status=STOPPED,
        description="Closes a month on the close_business_day-th business day after it, or later if it could not then. "
        "Off until somebody switches it on: a closed month is closed for good.",
    )  # fmt: skip
    def monthly_close(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        given = load_settings({})
        day = context.scheduled_execution_time.astimezone(ZoneInfo(given.business_timezone)).date()
        month = due_month(given, day)
        if month is None:
            return dg.SkipReason("no month is due to be closed")
        name = month_name(month)
        return dg.RunRequest(
            run_key=f"close-{name}-{day.isoformat()}",
            run_config={"ops": {"finance__closed_months": {"config": {"month": name}}}},
            tags={"month": name},
        )

    return monthly_close


def verify_schedule(job: UnresolvedAssetJobDefinition, settings: Settings) -> dg.ScheduleDefinition:
    """The nightly look at every file of every closed month, which publishing leaves to it."""
    return dg.ScheduleDefinition(
        name="nightly_verify",
        job=job,
        cron_schedule=settings.verify_schedule,
        execution_timezone=settings.business_timezone,
        default_status=RUNNING,
        description="Reads every file of every closed month; fails where one is not as it was closed.",
    )


def landed_stamp(path: Path) -> int:
    """When a file came to be what it is, in ns. The inode's change time, too: a copied file may keep an old mtime."""
    status = path.stat()
    return max(status.st_mtime_ns, status.st_ctime_ns)


def settled_files(landing: Path, after_stamp: int, now_ns: int, settle_seconds: float) -> tuple[list[str], int]:
    """Labels of the files that landed since `after_stamp` and have not changed for a while; and the latest stamp.

    A file still being written is not settled. As long as any is not, those that landed after it wait with it.
    """
    tables = landed_tables(own_sources(company_folder()))
    files = [(landed_stamp(file.path), file.label) for file in find_files(landing, tables)[0] if file.path.exists()]
    limit = now_ns - int(settle_seconds * 1e9)
    settled = sorted(entry for entry in files if after_stamp < entry[0] <= limit)
    return [label for _, label in settled], settled[-1][0] if settled else after_stamp


def landing_sensor(job: UnresolvedAssetJobDefinition) -> dg.SensorDefinition:
    """One build for every batch of files that landed. The cursor is the stamp of the last file seen."""

    @dg.sensor(
        name="landed_files", job=job, minimum_interval_seconds=SENSOR_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Starts a build when new files have landed and settled; one build for a batch of files.",
    )  # fmt: skip
    def landed_files(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        settings = load_settings({})
        if not settings.landing.is_dir():
            return dg.SkipReason(f"landing folder {settings.landing} does not exist")
        seen = int(context.cursor or 0)
        labels, stamp = settled_files(settings.landing, seen, time.time_ns(), settings.settle_seconds)
        if not labels:
            return dg.SkipReason("no new file has landed and settled")
        request = dg.RunRequest(run_key=f"landed-{stamp}", tags={"landed_files": _told(labels)})
        return dg.SensorResult(run_requests=[request], cursor=str(stamp))

    return landed_files


def _told(labels: Sequence[str], most: int = 5) -> str:
    more = len(labels) - most
    return ", ".join(labels[:most]) + (f" and {more} more" if more > 0 else "")
