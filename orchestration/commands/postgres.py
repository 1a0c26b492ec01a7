"""`kpi publish-postgres`: the copy of what is published."""

from __future__ import annotations

from typing import Annotated

import typer

from orchestration.commands.console import PLAIN, Warehouse, out
from orchestration.core.errors import UsageError
from orchestration.core.settings import load_settings
from orchestration.publish.postgres import publish_postgres


def register(app: typer.Typer) -> None:
    """Add the command to the `kpi` command."""
    app.command("publish-postgres")(to_postgres)


def to_postgres(
    url: Annotated[
        str | None, typer.Argument(help="postgresql://user:password@host:port/database. Default: KPI_POSTGRES_URL.")
    ] = None,
    warehouse: Warehouse = None,
    schema: Annotated[str | None, typer.Option(help="Schema of the views. Default: kpi.")] = None,
    reader: Annotated[str | None, typer.Option(help="Role that may read them. Default: kpi_reader.")] = None,
    recreate: Annotated[
        bool, typer.Option("--recreate", help="Drop views that lost columns, with what depends on them.")
    ] = False,
) -> None:
    """Copy what is published into PostgreSQL, for tools that speak ODBC or JDBC only; all of it or nothing."""
    settings = load_settings(
        {"warehouse": warehouse, "postgres_url": url, "postgres_schema": schema, "postgres_reader": reader}
    )
    if settings.postgres_url is None:
        raise UsageError("no database is named: give its URL, or set KPI_POSTGRES_URL")
    copied = publish_postgres(
        settings.paths.marts_file,
        settings.postgres_url,
        schema=settings.postgres_schema,
        reader=settings.postgres_reader,
        recreate=recreate,
    )
    out.print(
        f"{copied.tables} tables, {copied.rows:,} rows of run {copied.run_id} copied to schemas "
        f"{', '.join(copied.schemas)}; role {copied.reader} may read them",
        **PLAIN,
    )
