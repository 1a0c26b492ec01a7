"""The build behind a Dagster run: one for the whole run, taken a step at a time by the run's assets and checks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import dagster as dg
from pydantic import Field, PrivateAttr

from orchestration.build.pipeline import Build
from orchestration.core.errors import KpiError, TransientError
from orchestration.core.settings import load_settings

Result = TypeVar("Result")
# What may be gone at the next try is tried again, after 30, 60 and 120 seconds.
RETRIES = 3
RETRY_DELAY_SECONDS = 30.0


class WarehouseBuild(dg.ConfigurableResource):  # type: ignore[type-arg]
    """Holds the warehouse while a run lasts, and its record. Steps of a run share a process, and so share this.

    `settings` overrides settings of the build by name, such as {"as_of_date": "2026-10-31"}.
    """

    settings: dict[str, Any] = Field(default_factory=dict)
    full_refresh: bool = False
    retry_delay_seconds: float = RETRY_DELAY_SECONDS
    _build: Build | None = PrivateAttr(default=None)

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[WarehouseBuild]:
        build = Build(load_settings(self.settings), full_refresh=self.full_refresh)
        with build.running():
            if context.run is not None:
                build.record.orchestrator_run_id = context.run.run_id
                if context.run.parent_run_id:
                    build.resume(context.run.parent_run_id)
            self._build = build
            yield self

    @property
    def build(self) -> Build:
        assert self._build is not None, "only within a run"
        return self._build

    def take(self, context: Any, work: Callable[[Build], Result]) -> Result:
        """Do a piece of work of the build. Its failure is put on the build's record and told as `attempt` tells it."""
        return attempt(context, lambda: work(self.build), self.build.fail, self.retry_delay_seconds)

    def failure(self, error: KpiError) -> dg.Failure:
        """Put an error on the build's record; returns what to raise for it."""
        self.build.fail(error)
        return failure(error)


def attempt(
    context: Any,
    work: Callable[[], Result],
    on_failure: Callable[[KpiError], None] = lambda _: None,
    retry_delay_seconds: float = RETRY_DELAY_SECONDS,
) -> Result:
    """Do something in a step; its failure is told in a line, and retried only where that can help.

    Raises dagster.RetryRequested for what may be gone at the next try, else dagster.Failure.
    """
    try:
        return work()
    except KpiError as error:
        if isinstance(error, TransientError) and context.retry_number < RETRIES:
            delay = retry_delay_seconds * 2**context.retry_number
            context.log.warning(f"{error}; trying again in {delay:.0f} seconds")
            raise dg.RetryRequested(RETRIES, delay) from error
        on_failure(error)
        raise failure(error) from error


def failure(error: KpiError) -> dg.Failure:
    """An error as a step of Dagster tells it."""
    details = {"details": dg.MetadataValue.text("\n".join(error.details))} if error.details else {}
    return dg.Failure(
        "\n".join([str(error), *error.details]),
        metadata={"exit_code": error.exit_code, **details},
        allow_retries=False,
    )
