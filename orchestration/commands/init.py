"""`kpi init`: a company's folder."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer

from orchestration.commands.console import PLAIN, out
from orchestration.core.company import COMPANY_FILE
from orchestration.core.errors import UsageError
from orchestration.core.process import use_company
from orchestration.core.settings import load_settings

TEMPLATE = "kpi.yml.template"
FOLDERS = ("landing", "seeds", "sources")
LANDING_NOTE = """\
# Files go here

`landing/<system>/<table>/<any name>`: exports as they came, CSV, workbooks, Parquet, JSON, zipped or not.

- HubSpot: `landing/hubspot/deals/`, `companies/`, `contacts/`, `owners/`, ...
- Stripe: `landing/stripe/invoices/`, `customers/`, ...; or an export, `landing/stripe/payments/`
- plans, costs, ad spend from spreadsheets: `landing/planning/sales_targets/`, `landing/marketing/ad_spend/`, ...

`kpi doctor` says what is read as what, and what each metric still lacks. `kpi map FILE` makes a source of any other
file.
"""


def register(app: typer.Typer) -> None:
    """Add the command to the `kpi` command."""
    app.command()(init)


def init(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="The company's folder; made where it is not there.")],
    name: Annotated[str | None, typer.Option(help="The company's name.")] = None,
    currency: Annotated[str, typer.Option(help="The currency it reports in, such as EUR.")] = "USD",
    timezone: Annotated[str, typer.Option(help="Its time zone, such as Europe/Berlin.")] = "UTC",
    fiscal_year_start_month: Annotated[
        int, typer.Option("--fiscal-year-start-month", min=1, max=12, help="The month its fiscal year starts.")
    ] = 1,
) -> None:
    """Make a company's folder: its settings, its own reference data and sources, what lands, what is built."""
    file = directory / COMPANY_FILE
    if file.exists():
        raise UsageError(f"{file} is there already: edit it, or name another folder")
    load_settings(
        {
            "reporting_currency": currency,
            "business_timezone": timezone,
            "fiscal_year_start_month": fiscal_year_start_month,
        }
    )
    template = (files("orchestration.commands") / TEMPLATE).read_text(encoding="utf-8")
    try:
        for folder in FOLDERS:
            (directory / folder).mkdir(parents=True, exist_ok=True)
        note = directory / "landing" / "README.md"
        if not note.exists():
            note.write_text(LANDING_NOTE, encoding="utf-8")
        file.write_text(
            template.format(
                name=_quoted(name or directory.resolve().name),
                currency=currency.upper(),
                timezone=timezone,
                month=fiscal_year_start_month,
            ),
            encoding="utf-8",
        )
    except OSError as error:
        raise UsageError(f"{directory} cannot be written ({error.strerror})") from error
    use_company(directory)
    load_settings({})
    out.print(f"{file} written; settings are explained in it", **PLAIN)
    out.print(
        f"next: put files into {directory / 'landing'}, then from within {directory}: kpi doctor, kpi build", **PLAIN
    )


def _quoted(text: str) -> str:
    """A text as YAML writes it on one line."""
    return '"' + " ".join(text.replace("\\", "\\\\").replace('"', '\\"').split()) + '"'
