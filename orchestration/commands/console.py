"""What the commands share: where they print, their common options, the progress of a build."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress as Bars
from rich.progress import ProgressColumn, SpinnerColumn, TimeElapsedColumn

from orchestration.build.progress import Progress
from orchestration.core.errors import UsageError
from orchestration.core.process import use_company

# Text of the data must come out as it is: no `:smile:` turned into a picture.
out = Console(emoji=False)
err = Console(stderr=True, emoji=False)
# For lines that people copy or grep: no wrapping, no colouring of numbers.
PLAIN: dict[str, Any] = {"soft_wrap": True, "highlight": False}

Landing = Annotated[Path | None, typer.Option(help="Folder of the landed files: <system>/<table>/<file>.")]
Warehouse = Annotated[Path | None, typer.Option(help="The warehouse folder: marts.duckdb, releases/ and the rest.")]
Company = Annotated[
    Path | None,
    typer.Option(
        "--company",
        help="The company's folder. Default: the nearest with a kpi.yml from here upward.",
        show_default=False,
    ),
]
AsOf = Annotated[str | None, typer.Option("--as-of", help="Last day that counts, YYYY-MM-DD. Default: today.")]


def with_company(command: Callable[..., None]) -> Callable[..., None]:
    """A command with the option that all have: whose company it works for."""

    @functools.wraps(command)
    def wrapped(*, company: Path | None = None, **arguments: Any) -> None:
        if company is not None:
            use_company(company)
        command(**arguments)

    option = inspect.Parameter("company", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Company)
    signature = inspect.signature(command, eval_str=True)
    wrapped.__signature__ = signature.replace(parameters=[*signature.parameters.values(), option])  # type: ignore[attr-defined]
    wrapped.__annotations__ = {**get_type_hints(command, include_extras=True), "company": Company}
    return wrapped


def parse_date(text: str) -> date:
    """The date of --as-of. Raises UsageError where it is none."""
    try:
        return datetime.strptime(text, "%Y-%m-%d").date()
    except ValueError as error:
        raise UsageError(f"--as-of {text}: write the date as YYYY-MM-DD") from error


def progress_bars(*columns: ProgressColumn) -> Bars:
    """Bars that are gone when the work is done."""
    return Bars(SpinnerColumn(), *columns, TimeElapsedColumn(), console=out, transient=True)


class TerminalProgress(Progress):
    """Progress bars in a terminal; one line a step elsewhere."""

    def __init__(self, bars: Bars, is_terminal: bool) -> None:
        self._bars = bars
        self._is_terminal = is_terminal
        self._task = bars.add_task("", total=None, visible=False)

    def step(self, name: str, total: int | None = None) -> None:
        if self._is_terminal:
            self._bars.remove_task(self._task)
            self._task = self._bars.add_task(name, total=total)
        else:
            out.print(f"{name} ...")

    def advance(self, item: str) -> None:
        self._bars.advance(self._task)

    def note(self, text: str) -> None:
        out.print(f"note: {escape(text)}", style="yellow", **PLAIN)
