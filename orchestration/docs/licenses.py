"""The licence of every package that is installed with the project, as docs/licenses.md: `make docs` writes it."""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, metadata

from orchestration.core.contract import PROJECT_ROOT

PAGE = PROJECT_ROOT / "docs" / "licenses.md"
LOCK = PROJECT_ROOT / "requirements.txt"
HEAD = """# Licences

Every package of `requirements.txt`, as the package itself declares it; written by `make docs`.

| package | version | licence |
|---|---|---|
"""
_PINNED = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;\\]+)", re.MULTILINE)


def page() -> str:
    """The page. What is pinned for other machines alone is named, without a licence."""
    rows = [f"| {name} | {version} | {_licence(name)} |" for name, version in _PINNED.findall(LOCK.read_text("utf-8"))]
    return HEAD + "\n".join(rows) + "\n"


def _licence(name: str) -> str:
    try:
        declared = metadata(name)
    except PackageNotFoundError:
        return "not installed on this machine"
    classified = [
        entry.rpartition(" :: ")[2] for entry in declared.get_all("Classifier") or [] if entry.startswith("License ::")
    ]
    named = {key: declared[key] for key in ("License-Expression", "License") if key in declared}
    text = named.get("License-Expression") or ", ".join(classified) or named.get("License", "")
    return " ".join(text.split())[:80].replace("|", "/") or "not declared"


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
