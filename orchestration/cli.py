"""The `kpi` command."""

from __future__ import annotations

import os
import sys
from typing import NoReturn

import typer
from rich.markup import escape

from orchestration.commands import build, close, init, mapping, postgres, sample, show
from orchestration.commands.console import err, with_company
from orchestration.core.errors import InterruptedByError, KpiError
from orchestration.core.process import end_in_order_when_told_to

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="The sales metrics of a small business, from landed files to published KPI marts.",
)
for commands in (build, init, mapping, sample, show, postgres, close):
    commands.register(app)
for command in app.registered_commands:
    assert command.callback is not None
    command.callback = with_company(command.callback)


def _fail(error: KpiError) -> NoReturn:
    err.print(f"kpi: {escape(str(error))}", style="bold red", highlight=False, soft_wrap=True)
    for detail in error.details:
        err.print(f"  {escape(detail)}", highlight=False, soft_wrap=True)
    raise SystemExit(error.exit_code)


def main() -> None:
    """Run the command; a user's mistake ends in a line or two and its exit code, never in a stack trace."""
    end_in_order_when_told_to()
    try:
        app()
    except KpiError as error:
        _fail(error)
    except InterruptedByError as interruption:
        err.print(f"kpi: ended by {interruption.signal_name}; what was published stays as it was")
        sys.exit(interruption.exit_code)
    except Exception as error:
        if os.environ.get("KPI_DEBUG"):
            raise
        err.print(
            f"kpi: {type(error).__name__}: {escape(str(error).splitlines()[0] if str(error) else '')}",
            style="bold red",
        )
        err.print("  this is a bug: run again with KPI_DEBUG=1 for the stack trace")
        sys.exit(5)
