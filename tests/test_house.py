"""What holds of every Python module: each thing has one place. Who may import whom is import-linter's (`make lint`)."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestration.core.contract import PROJECT_ROOT

PACKAGES = ("dashboards", "expectations", "orchestration")
MODULES = sorted(
    path.relative_to(PROJECT_ROOT) for package in PACKAGES for path in (PROJECT_ROOT / package).rglob("*.py")
)
MOST_LINES = 400
# Where the state of the whole process may be changed, for libraries that take it no other way.
SETS_PROCESS_STATE = {
    Path("orchestration/core/process.py"),
    Path("orchestration/show/metricflow.py"),
    Path("expectations/great_expectations_on_duckdb.py"),
}
# Names in the warehouse folder, and the module that knows them.
PATHS = Path("orchestration/core/paths.py")
NAMES = ("build.duckdb", "marts.duckdb", "last_run.json", ".running.json", ".build.lock", "releases")


def source(module: Path) -> str:
    return (PROJECT_ROOT / module).read_text(encoding="utf-8")


def constants(module: Path) -> Iterator[str]:
    """The strings of a module that are not docstrings."""
    tree = ast.parse(source(module))
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.value


def assignments(module: Path) -> Iterator[str]:
    """What a module changes of others: `os.environ[...] = `, `os.environ.update(...)`, `imported.name = ...`."""
    tree = ast.parse(source(module))
    imported = {
        (alias.asname or alias.name).partition(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign | ast.AugAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                if isinstance(target, ast.Attribute | ast.Subscript):
                    text = ast.unparse(target)
                    if re.split(r"[.\[]", text)[0] in imported:
                        yield text
        elif isinstance(node, ast.Call):
            text = ast.unparse(node.func)
            if re.fullmatch(r"os\.(environ\.(update|setdefault|pop|clear)|putenv|chdir|umask)", text):
                yield text


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_a_module_is_short_or_says_why_not(module: Path) -> None:
    lines = source(module).count("\n")
    docstring = ast.get_docstring(ast.parse(source(module))) or ""
    assert lines <= MOST_LINES or f"over {MOST_LINES} lines" in docstring, f"{module} has {lines} lines"


def test_process_wide_state_is_set_in_one_place() -> None:
    found = {module: list(assignments(module)) for module in MODULES if module not in SETS_PROCESS_STATE}
    assert {module: changed for module, changed in found.items() if changed} == {}
    assert all(list(assignments(module)) for module in SETS_PROCESS_STATE)


def test_names_in_the_warehouse_folder_stand_in_one_place() -> None:
    found = {(module, name) for module in MODULES if module != PATHS for name in constants(module) if name in NAMES}
    assert found == set()
    assert set(NAMES) <= set(constants(PATHS))


def test_text_becomes_sql_in_one_place() -> None:
    quoting = re.compile(r"""replace\("'", "''"\)""")
    found = [module for module in MODULES if quoting.search(source(module))]
    assert found == [Path("orchestration/warehouse/sql.py")]
