"""Tells a webhook how runs ended: JSON {"text": ...}, as Slack, Mattermost and most chat tools take it."""

from collections.abc import Iterator
from typing import Any

import dagster as dg
import requests
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from orchestration.core.errors import KpiError
from orchestration.core.settings import load_settings
from orchestration.warehouse.lock import read_json

TIMEOUT_SECONDS = 10
# A chat that is away for a moment is tried again, after 1, 2 and 4 seconds.
_RETRY = Retry(total=3, backoff_factor=1, status_forcelist=(429, 500, 502, 503, 504), allowed_methods=None)


def post(url: str, text: str) -> None:
    """Post a text to a webhook. Raises requests.RequestException where it does not take it."""
    with requests.Session() as session:
        for scheme in ("http://", "https://"):
            session.mount(scheme, HTTPAdapter(max_retries=_RETRY))
        session.post(url, json={"text": text}, timeout=TIMEOUT_SECONDS).raise_for_status()


def failure_text(job: str, run_id: str, message: str) -> str:
    return f":x: {job} failed (run {run_id[:8]}): {message}"


def success_text(job: str, run_id: str) -> str:
    return f":white_check_mark: {job} succeeded (run {run_id[:8]})"


def notification_sensors(jobs: list[UnresolvedAssetJobDefinition]) -> list[dg.SensorDefinition]:
    """A sensor for failures and one for successes; both do nothing without a `notify_url`."""

    @dg.run_failure_sensor(
        name="notify_failure", monitored_jobs=jobs, default_status=dg.DefaultSensorStatus.RUNNING,
        description="Tells notify_url of a failed run, a run that died included.",
    )  # fmt: skip
    def notify_failure(context: dg.RunFailureSensorContext) -> Iterator[dg.SkipReason]:
        yield from _tell(failure_text(context.dagster_run.job_name, context.dagster_run.run_id, failure_of(context)))

    @dg.run_status_sensor(
        run_status=dg.DagsterRunStatus.SUCCESS, name="notify_success", monitored_jobs=jobs,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Tells notify_url of a run that succeeded: if notify_success is true, or of closed months.",
    )  # fmt: skip
    def notify_success(context: dg.RunStatusSensorContext) -> Iterator[dg.SkipReason]:
        news = news_of_closed_months(read_json(load_settings({}).paths.last_run_file), context.dagster_run.run_id)
        if not load_settings({}).notify_success and not news:
            yield dg.SkipReason("notify_success is false")
            return
        lines = [success_text(context.dagster_run.job_name, context.dagster_run.run_id), *news]
        yield from _tell("\n".join(lines))

    return [notify_failure, notify_success]


def news_of_closed_months(last_run: dict[str, Any] | None, run_id: str) -> list[str]:
    """What a run's build says of closed months, where the release before did not say the same."""
    if last_run is None or last_run["orchestrator_run_id"] != run_id or not last_run.get("closed_months_are_news"):
        return []
    return [f":warning: {line}" for line in last_run["closed_months"]]


def failure_of(context: dg.RunFailureSensorContext) -> str:
    """What the step that failed first says, in two lines at most; else what the run itself says."""
    for event in context.get_step_failure_events():
        data = event.step_failure_data
        if data.user_failure_data and data.user_failure_data.description:
            return "\n".join(data.user_failure_data.description.splitlines()[:2])
        if data.error:
            return _innermost(data.error).splitlines()[0]
    return context.failure_event.message or "no message"


def _innermost(error: object) -> str:
    while getattr(error, "cause", None):
        error = error.cause  # type: ignore[attr-defined]
    return str(getattr(error, "message", error)).strip()


def _tell(text: str) -> Iterator[dg.SkipReason]:
    try:
        url = load_settings({}).notify_url
    except KpiError as error:
        yield dg.SkipReason(str(error))
        return
    if not url:
        yield dg.SkipReason("no notify_url is set")
        return
    post(url, text)
