"""Dagster: what it shows, that its job is the pipeline's, what it tries again, what starts it and whom it tells."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from expectations.families import GATES
from orchestration.build import gates
from orchestration.build.pipeline import STEPS, Build, steps_of
from orchestration.core.contract import source_tables
from orchestration.core.errors import BuildError, GateClosedError
from orchestration.core.settings import load_settings
from orchestration.scheduling.notify import post
from orchestration.scheduling.session import WarehouseBuild
from orchestration.scheduling.triggers import landed_stamp, settled_files
from tests.support.builds import build, settings_for
from tests.support.command import contents, last_run
from tests.support.landing import Landing

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def definitions(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dg.Definitions]:
    """What Dagster loads, with the default settings but a warehouse of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KPI_WAREHOUSE", str(tmp_path_factory.mktemp("definitions")))
        patch.setenv("KPI_LANDING", "landing-of-the-environment")
        from orchestration.definitions import defs

        yield defs


# Where runs and their events are kept.
INSTANCE = dg.DagsterInstance.ephemeral()


@dataclass(frozen=True)
class Published:
    """A small company built by a Dagster run."""

    landing: Landing
    warehouse: Path
    result: dg.ExecuteInProcessResult

    def copy(self, folder: Path) -> Published:
        """A copy for a test that goes on from there."""
        shutil.copytree(self.landing.folder, folder / "landing", dirs_exist_ok=True)
        shutil.copytree(self.warehouse, folder / "warehouse", symlinks=True)
        return Published(Landing(folder / "landing"), folder / "warehouse", self.result)


@pytest.fixture(scope="module")
def published(definitions: dg.Definitions, tmp_path_factory: pytest.TempPathFactory) -> Published:
    folder = tmp_path_factory.mktemp("published")
    landing = Landing(folder / "landing")
    landing.add_parents()
    return Published(landing, folder / "warehouse", run(definitions, landing.folder, folder / "warehouse"))


@pytest.fixture
def company(landing: Landing) -> Landing:
    """Just enough to be built."""
    landing.add_parents()
    return landing


def run(
    definitions: dg.Definitions, landing: Path, warehouse: Path, only: list[dg.AssetKey] | None = None, **settings: Any
) -> dg.ExecuteInProcessResult:
    """The build job as Dagster runs it, in this process; all of it, or some assets."""
    given = {"landing": str(landing), "warehouse": str(warehouse), "as_of_date": "2026-06-30", **settings}
    return definitions.resolve_job_def("build").execute_in_process(
        run_config={"resources": {"warehouse": {"config": {"settings": given, "retry_delay_seconds": 0.5}}}},
        raise_on_error=False,
        asset_selection=only,
        instance=INSTANCE,
    )


def steps(result: dg.ExecuteInProcessResult, event_type: str) -> list[str]:
    return [str(event.step_key) for event in result.all_events if event.event_type_value == event_type]


def node(step: str) -> str:
    """What Dagster calls a step of a build."""
    if step == "postgres":
        return "published__postgres"
    return f"gate_{step}" if step in GATES else step


class TestWhatIsShown:
    def test_every_step_of_the_pipeline_is_a_step_of_the_job(self, definitions: dg.Definitions) -> None:
        job = definitions.resolve_job_def("build")
        assert sorted(job.graph.node_dict) == sorted(map(node, steps_of(load_settings({}))))

    def test_what_is_made_of_the_published_marts_is_a_step_where_it_is_wanted(
        self, definitions: dg.Definitions, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from orchestration.definitions import definitions as defined

        monkeypatch.setenv("KPI_DASHBOARD", "true")
        monkeypatch.setenv("KPI_POSTGRES_URL", "postgresql://localhost/sales")
        assert steps_of(load_settings({})) == STEPS
        graph = defined().resolve_job_def("build").graph
        assert sorted(graph.node_dict) == sorted(map(node, STEPS))
        assets = defined().resolve_asset_graph().get_all_asset_keys()
        assert dg.AssetKey(["published", "dashboard"]) in assets

    def test_lineage_goes_from_landing_files_to_published_files_in_groups_by_layer(
        self, definitions: dg.Definitions
    ) -> None:
        graph = definitions.resolve_asset_graph()
        by_group: dict[str, set[str]] = {}
        for key in graph.get_all_asset_keys():
            by_group.setdefault(str(graph.get(key).group_name), set()).add(key.path[-1])
        assert by_group.keys() == {
            "landing", "raw", "reference", "staging", "meta", "intermediate", "facts", "kpi", "published", "finance",
        }  # fmt: skip
        assert by_group["raw"] == {table.raw_name for table in source_tables()} | {
            "load_files",
            "malformed_lines",
            "replaced_characters",
        }
        assert {"kpi_revenue", "kpi_scorecard", "kpi_catalog"} <= by_group["kpi"]
        assert by_group["published"] == {"marts_duckdb", "parquet"}
        revenue = dg.AssetKey(["kpi", "kpi_revenue"])
        upstream = dg.AssetSelection.assets(revenue).upstream().resolve(graph)
        orders = dg.AssetKey(["raw", "billing__orders"])
        assert orders in upstream
        assert graph.get(orders).parent_keys == {dg.AssetKey(["landing", "billing", "orders"])}
        assert dg.AssetKey(["published", "marts_duckdb"]) in graph.get(revenue).child_keys

    def test_every_asset_says_what_it_is_and_whose(self, definitions: dg.Definitions) -> None:
        for spec in definitions.resolve_all_asset_specs():
            assert spec.description, spec.key
            assert spec.owners, spec.key
            assert spec.kinds, spec.key
            if spec.group_name in ("kpi", "published"):
                assert spec.freshness_policy is not None, spec.key

    def test_every_table_of_a_gate_has_a_blocking_check(self, definitions: dg.Definitions) -> None:
        graph = definitions.resolve_asset_graph()
        for gate in GATES:
            specs = [
                graph.get_check_spec(key) for key in graph.asset_check_keys if key.name == f"gate_{gate}"
            ]  # fmt: skip
            assert len(specs) == len(gates.tables_of(gate))
            assert all(spec.blocking for spec in specs)
            assert {spec.asset_key for spec in specs} <= set(graph.get_all_asset_keys())

    def test_schedules_and_sensors(self, definitions: dg.Definitions) -> None:
        schedule = definitions.resolve_schedule_def("daily_build")
        assert (schedule.cron_schedule, schedule.execution_timezone) == ("0 5 * * *", "UTC")
        monthly = definitions.resolve_schedule_def("monthly_close")
        assert (monthly.cron_schedule, monthly.execution_timezone) == ("0 8 * * *", "UTC")
        assert definitions.resolve_schedule_def("nightly_verify").cron_schedule == "0 3 * * *"
        names = {sensor.name for sensor in definitions.sensors or []}
        assert {"landed_files", "notify_failure", "notify_success"} <= names


class TestTheJob:
    def test_it_publishes_what_kpi_build_publishes_and_tells_rows_and_seconds(self, published: Published) -> None:
        result, warehouse = published.result, published.warehouse
        assert result.success
        record = last_run(warehouse)
        assert (record["exit_code"], record["orchestrator_run_id"]) == (0, result.run_id)
        assert [entry["gate"] for entry in record["gates"]] == list(GATES)
        assert (warehouse / "marts.duckdb").is_file()
        materialized = {
            tuple(event.asset_key.path): event.step_materialization_data.materialization.metadata
            for event in result.get_asset_materialization_events()
            if event.asset_key is not None
        }
        assert materialized["raw", "crm__leads"]["dagster/row_count"].value == 1
        assert materialized["facts", "fct_leads"]["dagster/row_count"].value == 1
        assert materialized["kpi", "kpi_revenue"]["seconds"].value > 0  # type: ignore[operator]
        assert materialized["kpi", "kpi_revenue"]["data_tests_passed"].value >= 1  # type: ignore[operator]
        checks = result.get_asset_check_evaluations()
        assert len(checks) == sum(len(gates.tables_of(gate)) for gate in GATES)
        assert all(check.passed or check.severity == dg.AssetCheckSeverity.WARN for check in checks)

    def test_a_closed_gate_ends_it_there_and_says_why(
        self, definitions: dg.Definitions, published: Published, tmp_path: Path
    ) -> None:
        company = published.copy(tmp_path)
        warehouse = company.warehouse
        before = contents(warehouse)
        company.landing.add("crm.leads", {"created_at": "soon"}, file="bad.csv")
        result = run(definitions, company.landing.folder, warehouse)
        assert not result.success
        assert steps(result, "STEP_FAILURE") == ["gate_after_staging"]
        assert not {"facts", "kpi", "publish"} & set(steps(result, "STEP_START"))
        assert contents(warehouse) == before
        failed = [
            check
            for check in result.get_asset_check_evaluations()
            if not check.passed and check.severity == dg.AssetCheckSeverity.ERROR
        ]
        assert [check.asset_key.path[-1] for check in failed] == ["stg_crm__leads"]
        assert "1 of 2 rows quarantined: invalid_created_at 1" in str(failed[0].description)
        assert last_run(warehouse)["exit_code"] == 4
        told = result.failure_data_for_node("gate_after_staging")
        assert told is not None and told.user_failure_data is not None
        assert str(told.user_failure_data.description).startswith("the gate after staging closed: crm.leads")

    def test_what_may_be_gone_at_the_next_try_is_tried_again(
        self, definitions: dg.Definitions, company: Landing, warehouse: Path
    ) -> None:
        warehouse.mkdir()
        graph = definitions.resolve_asset_graph()
        raw = [key for key in graph.get_all_asset_keys() if key.path[0] == "raw"]
        holder = subprocess.Popen(
            [
                sys.executable, "-c",
                "import duckdb, sys, time; c = duckdb.connect(sys.argv[1]); print('held', flush=True); time.sleep(2)",
                str(warehouse / "build.duckdb"),
            ],
            stdout=subprocess.PIPE,
        )  # fmt: skip
        assert holder.stdout is not None and holder.stdout.readline()
        result = run(definitions, company.folder, warehouse, raw)
        holder.wait()
        assert set(steps(result, "STEP_UP_FOR_RETRY")) == {"load"}
        assert result.success
        assert last_run(warehouse)["exit_code"] == 0

    def test_bad_input_is_not_tried_again(self, definitions: dg.Definitions, company: Landing, warehouse: Path) -> None:
        company.add_file("crm.deals", "", "empty.csv")
        result = run(definitions, company.folder, warehouse)
        assert steps(result, "STEP_FAILURE") == ["load"]
        assert steps(result, "STEP_UP_FOR_RETRY") == []
        assert last_run(warehouse)["exit_code"] == 3


class TestARunThatIsContinued:
    def test_it_keeps_what_the_gates_said_if_nothing_has_happened_since(
        self, published: Published, tmp_path: Path
    ) -> None:
        company = published.copy(tmp_path)
        settings = settings_for(company.landing.folder, company.warehouse)
        before = published.result.run_id
        other = settings_for(company.landing.folder, company.warehouse, revenue_basis="bookings")
        assert not Build(other).resume(before)
        assert not Build(settings).resume("another run")
        again = Build(settings)
        with again.running():
            assert again.resume(before)
            again.step("publish")
        assert last_run(company.warehouse)["run_id"] == again.record.run_id
        assert last_run(company.warehouse)["published"] == str(company.warehouse / "marts.duckdb")

    def test_nothing_is_published_that_did_not_pass_every_gate(self, company: Landing, warehouse: Path) -> None:
        half = Build(settings_for(company.folder, warehouse))
        with pytest.raises(BuildError, match="did not pass the gate after load"), half.running():
            half.step("load")
            half.step("publish")
        assert not (warehouse / "marts.duckdb").exists()

    def test_a_run_that_died_is_told_of_by_the_next(self, company: Landing, warehouse: Path) -> None:
        warehouse.mkdir()
        (warehouse / ".running.json").write_text(
            json.dumps({"run_id": "R0", "pid": 1, "started_at": "2026-06-30T05:00:00+00:00", "step": "facts"})
        )
        company.add("crm.leads", {"created_at": "soon"}, file="bad.csv")
        with pytest.raises(GateClosedError):
            build(company, warehouse)
        assert "run R0, started 2026-06-30T05:00:00+00:00, died in step facts" in last_run(warehouse)["notes"][0]
        assert not (warehouse / ".running.json").exists()


class TestTheMonthClose:
    def test_it_is_off_until_somebody_switches_it_on(self, definitions: dg.Definitions) -> None:
        assert definitions.resolve_schedule_def("monthly_close").default_status == dg.DefaultScheduleStatus.STOPPED
        assert definitions.resolve_schedule_def("daily_build").default_status == dg.DefaultScheduleStatus.RUNNING

    def test_materialize_all_closes_nothing(
        self, definitions: dg.Definitions, published: Published, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        company = published.copy(tmp_path)
        monkeypatch.setenv("KPI_WAREHOUSE", str(company.warehouse))
        result = definitions.resolve_job_def("month_close").execute_in_process()
        (made,) = result.asset_materializations_for_node("finance__closed_months")
        assert str(made.metadata["closed"].value).startswith("nothing: a month is closed for good")
        assert not (company.warehouse / "finance").exists()

    def test_whatever_is_materialized_runs_in_one_process(self, definitions: dg.Definitions) -> None:
        job = definitions.resolve_implicit_global_asset_job_def()
        assert job.executor_def is dg.in_process_executor

    def test_it_starts_on_the_third_business_day_and_not_before(
        self, definitions: dg.Definitions, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setenv("KPI_WAREHOUSE", str(tmp_path))
        schedule = definitions.resolve_schedule_def("monthly_close")

        def tick(day: int) -> Any:
            context = dg.build_schedule_context(scheduled_execution_time=datetime(2026, 6, day, 8, tzinfo=UTC))
            return schedule.evaluate_tick(context)

        # 1 June 2026 is a Monday
        assert tick(2).skip_message == "no month is due to be closed"
        (request,) = tick(3).run_requests
        assert request.tags["month"] == "2026-05"
        assert request.run_key == "close-2026-05-2026-06-03"

    def test_the_job_closes_a_month_that_is_over_and_refuses_one_that_is_not(
        self, definitions: dg.Definitions, published: Published, tmp_path: Path
    ) -> None:
        company = published.copy(tmp_path)

        def close(month: str) -> dg.ExecuteInProcessResult:
            config = {"month": month, "settings": {"warehouse": str(company.warehouse)}}
            return definitions.resolve_job_def("month_close").execute_in_process(
                run_config={"ops": {"finance__closed_months": {"config": config}}}, raise_on_error=False
            )

        assert close("2026-05").success
        assert (company.warehouse / "finance" / "2026-05" / "manifest.json").is_file()
        early = close("2026-06")
        told = early.failure_data_for_node("finance__closed_months")
        assert not early.success and told is not None and told.user_failure_data is not None
        assert "2026-06" in str(told.user_failure_data.description)
        assert steps(early, "STEP_UP_FOR_RETRY") == []

        def verify() -> dg.ExecuteInProcessResult:
            config = {"settings": {"warehouse": str(company.warehouse)}}
            return definitions.resolve_job_def("verify_closed_months").execute_in_process(
                run_config={"ops": {"closed_months_verified": {"config": config}}}, raise_on_error=False
            )

        assert verify().success
        damaged = company.warehouse / "finance" / "2026-05" / "facts" / "fct_sales.parquet"
        damaged.chmod(0o644)
        damaged.write_bytes(b"")
        found = verify()
        (check,) = found.get_asset_check_evaluations()
        assert not found.success and not check.passed
        assert "2026-05/facts/fct_sales.parquet was changed" in str(check.description)


class TestTheSensor:
    def test_a_file_is_taken_up_once_and_only_when_it_has_settled(self, landing: Landing) -> None:
        path = landing.add("crm.leads", {}, file="a.csv")
        landed = landed_stamp(path)
        second = 10**9
        assert settled_files(landing.folder, 0, landed + 59 * second, 60) == ([], 0)
        labels, cursor = settled_files(landing.folder, 0, landed + 61 * second, 60)
        assert (labels, cursor) == (["crm/leads/a.csv"], landed)
        assert settled_files(landing.folder, cursor, landed + 99 * second, 60) == ([], cursor)

    def test_one_run_for_a_batch_and_a_cursor_that_outlives_the_process(
        self, definitions: dg.Definitions, landing: Landing, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("KPI_LANDING", str(landing.folder))
        monkeypatch.setenv("KPI_SETTLE_SECONDS", "0")
        for name in ("a.csv", "b.csv"):
            landing.add("crm.leads", {}, file=name)
        sensor = definitions.resolve_sensor_def("landed_files")
        first = sensor.evaluate_tick(dg.build_sensor_context(definitions=definitions))
        assert first.run_requests is not None and len(first.run_requests) == 1
        assert first.run_requests[0].tags["landed_files"] == "crm/leads/a.csv, crm/leads/b.csv"
        again = sensor.evaluate_tick(dg.build_sensor_context(cursor=first.cursor, definitions=definitions))
        assert not again.run_requests
        landing.add("crm.leads", {}, file="b.csv")
        third = sensor.evaluate_tick(dg.build_sensor_context(cursor=first.cursor, definitions=definitions))
        assert third.run_requests is not None
        assert third.run_requests[0].tags["landed_files"] == "crm/leads/b.csv"
        assert third.run_requests[0].run_key != first.run_requests[0].run_key

    def test_no_landing_folder_is_no_error(self, definitions: dg.Definitions, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("KPI_LANDING", "/nowhere")
        sensor = definitions.resolve_sensor_def("landed_files")
        tick = sensor.evaluate_tick(dg.build_sensor_context(definitions=definitions))
        assert tick.skip_message == "landing folder /nowhere does not exist"


class Webhook(HTTPServer):
    """A chat tool's webhook on loopback that is away for the first `failures` calls."""

    def __init__(self, failures: int = 0) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.failures = failures
        self.calls = 0
        self.told: list[dict[str, str]] = []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/hook"


class _Handler(BaseHTTPRequestHandler):
    server: Webhook

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.calls += 1
        is_away = self.server.calls <= self.server.failures
        if not is_away:
            self.server.told.append(json.loads(body))
        self.send_response(503 if is_away else 200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


class TestNotifications:
    def test_a_webhook_that_is_away_for_a_moment_is_tried_again(self) -> None:
        webhook = Webhook(failures=1)
        post(webhook.url, "hello")
        assert (webhook.calls, webhook.told) == (2, [{"text": "hello"}])

    def test_a_failed_run_is_told_with_its_reason(
        self, definitions: dg.Definitions, company: Landing, warehouse: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        company.add_file("crm.deals", "", "empty.csv")
        result = run(definitions, company.folder, warehouse)
        webhook = Webhook()
        self.notify(definitions, "notify_failure", result, monkeypatch, webhook)
        (told,) = webhook.told
        assert told["text"].startswith(f":x: build failed (run {result.run_id[:8]}): ")
        assert "empty.csv" in told["text"]

    def test_a_success_is_told_if_asked_for(
        self, definitions: dg.Definitions, published: Published, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        result = published.result
        webhook = Webhook()
        self.notify(definitions, "notify_success", result, monkeypatch, webhook)
        assert webhook.told == []
        monkeypatch.setenv("KPI_NOTIFY_SUCCESS", "true")
        self.notify(definitions, "notify_success", result, monkeypatch, webhook)
        assert webhook.told == [{"text": f":white_check_mark: build succeeded (run {result.run_id[:8]})"}]

    @staticmethod
    def notify(
        definitions: dg.Definitions,
        name: str,
        result: dg.ExecuteInProcessResult,
        monkeypatch: pytest.MonkeyPatch,
        webhook: Webhook,
    ) -> None:
        """Evaluate a notification sensor for a run that has ended."""
        monkeypatch.setenv("KPI_NOTIFY_URL", webhook.url)
        sensor = next(sensor for sensor in definitions.sensors or [] if sensor.name == name)
        is_failure = name == "notify_failure"
        event = result.get_run_failure_event() if is_failure else result.get_run_success_event()
        context: Any = dg.build_run_status_sensor_context(
            sensor_name=name, dagster_event=event, dagster_instance=INSTANCE,
            dagster_run=result.dagster_run,
        )  # fmt: skip
        for skipped in sensor(context.for_run_failure() if is_failure else context) or []:
            assert isinstance(skipped, dg.SkipReason)


def test_the_resource_is_only_there_within_a_run() -> None:
    with pytest.raises(AssertionError):
        _ = WarehouseBuild().build
