"""`kpi sample`: the landing files of the sample company."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, TextColumn

from orchestration.commands.console import PLAIN, out, parse_date, progress_bars
from orchestration.core.errors import UsageError
from orchestration.sample import DEFAULT_AS_OF, write_sample
from orchestration.sample.as_systems import write_sample_as


def register(app: typer.Typer) -> None:
    """Add the command to the `kpi` command."""
    app.command()(sample)


def sample(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Where to write; must be empty or not exist.")],
    scale: Annotated[int, typer.Option(help="Size of the business: 1 is one of ten reps.")] = 1,
    seed: Annotated[int, typer.Option(help="Another seed, another company.")] = 1,
    as_of: Annotated[str, typer.Option("--as-of", help="Last day of its three years.")] = DEFAULT_AS_OF.isoformat(),
    currency: Annotated[str, typer.Option(help="What it keeps its books in: USD or KRW.")] = "USD",
    systems: Annotated[
        str | None,
        typer.Option("--as", help="As source systems deliver it, without dirt: hubspot, stripe or hubspot,stripe."),
    ] = None,
) -> None:
    """Write the landing files of the sample company, the dirt of real exports included."""
    with progress_bars(TextColumn("Writing the sample company"), BarColumn()) as bars:
        task = bars.add_task("", total=scale)
        company: dict[str, Any] = {"scale": scale, "seed": seed, "as_of": parse_date(as_of)}
        company["currency"] = currency.upper()
        try:
            if systems is not None:
                rows = write_sample_as(directory, [name.strip() for name in systems.split(",")], **company)
            else:
                rows = write_sample(
                    directory, **company, progress=lambda done, total: bars.update(task, completed=done, total=total)
                )
        except (ValueError, OSError) as error:
            raise UsageError(str(error)) from error
    out.print(f"{sum(rows.values()):,} rows of {len(rows)} tables written to {directory}", **PLAIN)
    settings = "" if currency.upper() == "USD" else f" --var reporting_currency={currency.upper()}"
    out.print(f"build it with: kpi build --landing {directory} --as-of {as_of}{settings}", **PLAIN)
