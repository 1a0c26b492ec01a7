"""The settings of a build: flags over environment (`KPI_<NAME>`) over the company's kpi.yml over dbt_project.yml."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import Field, ValidationError, field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from orchestration.core.company import COMPANY_FILE, company_folder, company_settings, own_sources
from orchestration.core.contract import PROJECT_ROOT, Table, landed_tables
from orchestration.core.errors import UsageError
from orchestration.core.paths import WarehousePaths
from orchestration.core.yaml_files import read_yaml

PROJECT_FILE = PROJECT_ROOT / "dbt_project.yml"
# What belongs to this machine or to one run, not to the business: never passed to dbt as a var.
RUN_SETTINGS = (
    "landing",
    "warehouse",
    "acknowledged",
    "wait_minutes",
    "umask",
    "build_schedule",
    "settle_seconds",
    "notify_url",
    "notify_success",
    "dashboard",
    "data_docs",
    "memory_limit",
    "postgres_url",
    "postgres_schema",
    "postgres_reader",
    "company",
    "close_business_day",
    "close_schedule",
    "close_key_file",
    "verify_schedule",
)


class _CompanyFile(PydanticBaseSettingsSource):
    """The settings of the company's kpi.yml, and the folders beside it."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        return self().get(field_name), field_name, False

    def __call__(self) -> dict[str, Any]:
        folder = company_folder()
        if folder is None:
            return {}
        return {"landing": folder / "landing", "warehouse": folder / "warehouse", **company_settings(folder)}


class _ProjectVars(PydanticBaseSettingsSource):
    """The lowest source: the vars of dbt_project.yml."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        return _project_vars().get(field_name), field_name, False

    def __call__(self) -> dict[str, Any]:
        return {name: value for name, value in _project_vars().items() if value is not None}


@cache
def _project_vars() -> dict[str, Any]:
    variables: dict[str, Any] = read_yaml(PROJECT_FILE)["vars"]
    # what a build tells dbt of its source systems is no setting
    return {name: value for name, value in variables.items() if name in Settings.model_fields}


class Settings(BaseSettings):
    """Everything a build depends on besides the landed files. See dbt_project.yml for what each var means."""

    model_config = SettingsConfigDict(env_prefix="KPI_", env_ignore_empty=True, extra="forbid")

    landing: Path = PROJECT_ROOT / "landing"
    warehouse: Path = PROJECT_ROOT / "warehouse"
    # Metrics whose past months may differ from what was published by more than the last gate allows.
    acknowledged: Annotated[tuple[str, ...], NoDecode] = ()
    # How long a build waits for another one on the same warehouse to end.
    wait_minutes: float = Field(60, ge=0)
    # Rights that others do not get to the files of a warehouse: 077 keeps them to the user, 027 lets the group read.
    umask: str = Field("077", pattern="^0?[0-7]{3}$")
    # When Dagster builds, as cron, in business_timezone.
    build_schedule: str = "0 5 * * *"
    # When Dagster looks whether a month is due to be closed.
    close_schedule: str = "0 8 * * *"
    # When Dagster reads every file of every closed month and says which is not as it was closed.
    verify_schedule: str = "0 3 * * *"
    # A landed file is taken up when it has not changed for this long.
    settle_seconds: float = Field(60, ge=0)
    # A webhook (Slack's or one like it) that is told of failed runs, and of others if notify_success is true.
    notify_url: str | None = None
    notify_success: bool = False
    # Whether a build publishes the dashboard beside the marts.
    dashboard: bool = True
    # When Great Expectations' Data Docs of a run are rendered: where a gate closed it, or always.
    data_docs: Literal["closed", "always"] = "closed"
    # How much memory DuckDB may take, such as 8GB; beyond it, it goes on with files in the warehouse folder. The
    # process takes a gigabyte more, with tens of millions of rows several. None: half of the machine's.
    memory_limit: str | None = Field(None, pattern=r"^[1-9][0-9]*(\.[0-9]+)? ?([KMGT]i?B)$")
    # A PostgreSQL database, as postgresql://user:password@host:port/database, that a build copies the marts into; the
    # schema of its views, and the role that may read them.
    postgres_url: str | None = None
    postgres_schema: str = "kpi"
    postgres_reader: str = "kpi_reader"
    # The company's name, for the dashboard and the cover of finance's workbook.
    company: str | None = None
    # A month is due to be closed on this business day of the next one (seed holidays).
    close_business_day: int = Field(3, ge=1, le=20)
    # A file with the key that closes are signed with; whoever writes the warehouse need not be able to read it.
    close_key_file: Path | None = None
    as_of_date: date | None = None
    business_timezone: str = "UTC"
    naive_timestamps_in: str = "UTC"
    full_extract_tables: str = ""
    decimal_comma_in: str = ""
    reporting_currency: str = Field("USD", pattern="^[A-Z]{3}$")
    fiscal_year_start_month: int = Field(1, ge=1, le=12)
    revenue_basis: Literal["billing", "bookings"] = "billing"
    customer_active_days: int = Field(365, ge=1)
    renewal_gap_days: int = Field(1, ge=0, le=366)
    fx_rate_max_age_days: int = Field(45, ge=0, le=36500)
    velocity_days: int = Field(90, ge=1)
    quarantine_threshold: float = Field(0.01, ge=0, le=1)
    win_rate_basis: Literal["count", "amount"] = "count"
    sales_cycle_start: Literal["first_contact", "deal_created"] = "first_contact"
    lead_conversion_basis: Literal["cohort", "period"] = "cohort"
    cac_costs: Literal["fully_loaded", "paid_only"] = "fully_loaded"
    cac_lag_days: int = Field(0, ge=0, le=3650)
    churn_formula: Literal["active_customers", "chartmogul", "stripe"] = "active_customers"
    response_time_clock: Literal["around_the_clock", "business_hours"] = "around_the_clock"
    fx_inference: Literal["direct_only", "inverse", "cross"] = "direct_only"
    attributes_as_of: Literal["current", "event"] = "current"
    paused_subscriptions: Literal["excluded", "included"] = "excluded"

    @field_validator("acknowledged", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",")) if isinstance(value, str) else value

    @field_validator("landing", "warehouse")
    @classmethod
    def _from_here(cls, value: Path) -> Path:
        """A relative path is relative to where the command runs; dbt would take it from the project's root."""
        return Path(os.path.abspath(value.expanduser()))  # noqa: PTH100 (resolve() would follow links)

    @field_validator("business_timezone")
    @classmethod
    def _is_a_time_zone(cls, value: str) -> str:
        return _time_zone(value)

    @field_validator("naive_timestamps_in", mode="before")
    @classmethod
    def _are_time_zones(cls, value: object) -> object:
        """One zone, or `system=zone,...` (also as a mapping), as text in a fixed order."""
        if not isinstance(value, (str, dict)):
            return value
        text = value if isinstance(value, str) else ",".join(f"{system}={zone}" for system, zone in value.items())
        if "=" not in text:
            return _time_zone(text.strip())
        systems = {table.system for table in _landed_tables()}
        zones: dict[str, str] = {}
        for pair in text.split(","):
            system, _, zone = (part.strip() for part in pair.partition("="))
            if system not in systems:
                raise ValueError(f"there is no source system {system}: systems are {', '.join(sorted(systems))}")
            if zone not in available_timezones():
                raise ValueError(f"{system} has no IANA time zone such as Europe/Berlin")
            zones[system] = zone
        return ",".join(f"{system}={zone}" for system, zone in sorted(zones.items()))

    @field_validator("full_extract_tables", mode="before")
    @classmethod
    def _are_landed_tables(cls, value: object) -> object:
        """`system.table,...` (also as a list), as text in a fixed order."""
        if not isinstance(value, (str, list, tuple)):
            return value
        names = {name.strip() for name in (value.split(",") if isinstance(value, str) else map(str, value))} - {""}
        if unknown := sorted(names - {table.label for table in _landed_tables()}):
            raise ValueError(f"there is no landed table {unknown[0]}; write it as system.table, such as crm.deals")
        return ",".join(sorted(names))

    @field_validator("decimal_comma_in", mode="before")
    @classmethod
    def _are_systems_or_tables(cls, value: object) -> object:
        """Systems or `system.table`s (also as a list), as text in a fixed order."""
        if not isinstance(value, (str, list, tuple)):
            return value
        names = {name.strip() for name in (value.split(",") if isinstance(value, str) else map(str, value))} - {""}
        known = {name for table in _landed_tables() for name in (table.system, table.label)}
        if unknown := sorted(names - known):
            raise ValueError(f"there is no system or landed table {unknown[0]}; write it as crm or crm.deals")
        return ",".join(sorted(names))

    @field_validator("reporting_currency", mode="before")
    @classmethod
    def _upper(cls, value: object) -> object:
        return value.upper() if isinstance(value, str) else value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, _CompanyFile(settings_cls), _ProjectVars(settings_cls)

    @property
    def today(self) -> date:
        """Today in the business's time zone."""
        return datetime.now(ZoneInfo(self.business_timezone)).date()

    @property
    def as_of(self) -> date:
        """The last day that counts: the one given, else today."""
        return self.as_of_date or self.today

    @property
    def company_sources(self) -> Path | None:
        """The company's own source systems, a folder each; None where there are none."""
        return own_sources(company_folder())

    @property
    def paths(self) -> WarehousePaths:
        """Where everything is in the warehouse folder."""
        return WarehousePaths(self.warehouse)

    def dbt_vars(self) -> dict[str, Any]:
        """The vars to run dbt with, JSON-ready, the as-of date resolved."""
        values = self.model_dump(mode="json", exclude=set(RUN_SETTINGS))
        return {**values, "as_of_date": self.as_of.isoformat()}


def _time_zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError(f"is not an IANA time zone such as Europe/Berlin: {name}")
    return name


def load_settings(flags: Mapping[str, Any]) -> Settings:
    """Settings from flags (None: not given), environment, the company's kpi.yml and dbt_project.yml.

    Raises UsageError naming the setting, its value and what it may be.
    """
    given = {name: value for name, value in flags.items() if value is not None}
    try:
        return Settings(**given)
    except ValidationError as error:
        complaints = (_complaint(item) + _origin(str(item["loc"][0]), given) for item in error.errors())
        raise UsageError("; ".join(complaints)) from error


def _origin(name: str, given: Mapping[str, Any]) -> str:
    """Where a setting stands, if that is the company's file; else ''."""
    folder = company_folder()
    if folder is None or name in given or os.environ.get(f"KPI_{name.upper()}"):
        return ""
    return f" (in {folder / COMPANY_FILE})" if name in company_settings(folder) else ""


def _landed_tables() -> tuple[Table, ...]:
    """What can land: the contract's tables, and the objects of source systems, the company's own included."""
    return landed_tables(own_sources(company_folder()))


def _complaint(item: Mapping[str, Any]) -> str:
    name = ".".join(str(part) for part in item["loc"]) or "settings"
    if item["type"] == "extra_forbidden":
        known = ", ".join(field for field in Settings.model_fields if field not in RUN_SETTINGS)
        return f"there is no setting {name}: settings are {known}"
    message = str(item["msg"]).removeprefix("Value error, ")
    return f"setting {name}={item['input']}: {message[:1].lower()}{message[1:]}"


def parse_vars(pairs: list[str]) -> dict[str, Any]:
    """`NAME=VALUE` texts as a dictionary. Raises UsageError where one is not of that form."""
    variables: dict[str, Any] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise UsageError(f"--var {pair}: write it as NAME=VALUE, such as --var revenue_basis=bookings")
        variables[name] = value
    return variables
