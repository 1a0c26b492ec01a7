"""The `kpi` command."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from orchestration.core.errors import InterruptedByError, KpiError, no_room
from orchestration.core.process import end_in_order_when_told_to, interruption

if TYPE_CHECKING:
    import typer


def main() -> None:
    """Run the command; a user's mistake ends in a line or two and its exit code, never in a stack trace."""
    end_in_order_when_told_to()
    try:
        _application()()
    except InterruptedByError as ended_by:
        _end_interrupted(ended_by)
    except Exception as error:
        if (ended_by_signal := interruption()) is not None:
            _end_interrupted(ended_by_signal)
        _fail(error)


def _application() -> typer.Typer:
    """The command with all its subcommands. They are imported here, since that takes a moment: a process can be told
    to end meanwhile, too."""
    import typer

    from orchestration.commands import build, close, init, mapping, postgres, sample, show
    from orchestration.commands.console import with_company

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
    return app


def _end_interrupted(ended_by: InterruptedByError) -> None:
    print(f"kpi: ended by {ended_by.signal_name}; {ended_by.outcome}", file=sys.stderr)
    sys.exit(ended_by.exit_code)


def _fail(error: Exception) -> None:
    from rich.markup import escape

    from orchestration.commands.console import err

    known = error if isinstance(error, KpiError) else no_room(error)
    if known is not None:
        err.print(f"kpi: {escape(str(known))}", style="bold red", highlight=False, soft_wrap=True)
        for detail in known.details:
            err.print(f"  {escape(detail)}", highlight=False, soft_wrap=True)
        sys.exit(known.exit_code)
    if os.environ.get("KPI_DEBUG"):
        raise error
    first_line = str(error).splitlines()[0] if str(error) else ""
    err.print(f"kpi: {type(error).__name__}: {escape(first_line)}", style="bold red", soft_wrap=True)
    err.print("  this is a bug: run again with KPI_DEBUG=1 for the stack trace")
    sys.exit(5)
