"""Whether closed months are what was closed: every file, the manifests, the chain they form.

`verify` reads every file and is what `kpi verify` and the schedule run. Publishing asks `manifest_problems`, which
reads manifests and checksums only, so that it takes no longer the more has been closed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestration.finance.calendar import month_name, months_after, parse_month
from orchestration.finance.register import REGISTER, DamagedRegisterError, read_register, register_problems
from orchestration.finance.store import (
    CHECKSUMS,
    MANIFEST,
    ClosedMonth,
    DamagedMonthError,
    Link,
    closed_folders,
    file_problem,
    files_of,
    folder_name,
    is_unfinished,
    read_closed,
)

# A closed month by name and version.
Key = tuple[str, int]


@dataclass(frozen=True)
class Problem:
    """What is wrong with a closed month, in a line that names the file."""

    month: Key
    text: str


@dataclass(frozen=True)
class Recorded:
    """What is known of the closes beside their folders.

    `published`: the manifests that the published database knows, so that a month that was closed and is gone, or was
    closed anew, is found; `register`: the SHA-256 of the register's lines that it holds, in order; `key`: what closes
    are signed with, if they are.
    """

    published: Sequence[Link] = ()
    register: Sequence[str] = ()
    key: bytes | None = None


NOTHING_RECORDED = Recorded()


def verify(finance: Path, recorded: Recorded = NOTHING_RECORDED) -> list[str]:
    """What is wrong with the closed months and their chain, a line each; empty where all is as it was closed.

    Reads every file.
    """
    closed, problems = _read_all(finance)
    lines = register_problems(finance, recorded.register, recorded.key)
    lines += [problem.text for problem in problems]
    lines += [line for one in closed.values() for line in verify_files(one)]
    lines += [problem.text for problem in _chain_problems(finance, closed, _known(finance, recorded))]
    lines += [f"{path} is no closed month" for path in _strays(finance)]
    return list(dict.fromkeys(lines))


def manifest_problems(finance: Path, recorded: Recorded = NOTHING_RECORDED) -> tuple[list[ClosedMonth], list[Problem]]:
    """The closed months that have a manifest, in order, and what is wrong with manifests, checksums and chain.

    Where the register is not what was written, no closed month can be trusted.
    """
    closed, problems = _read_all(finance)
    damaged = register_problems(finance, recorded.register, recorded.key)
    problems += [Problem(key, line) for key in closed for line in damaged[:1]]
    problems += [Problem(key, line) for key, one in closed.items() for line in _checksum_problems(one)]
    return list(closed.values()), problems + _chain_problems(finance, closed, _known(finance, recorded))


def _known(finance: Path, recorded: Recorded) -> list[Link]:
    """Every close that is on record: in the register, or published before there was one."""
    try:
        entered = [entry.link for entry in read_register(finance) or []]
    except DamagedRegisterError:
        entered = []
    keys = {(link.month, link.version) for link in entered}
    return entered + [link for link in recorded.published if (link.month, link.version) not in keys]


def _strays(finance: Path) -> list[Path]:
    """What lies among the closed months and is none."""
    if not finance.is_dir():
        return []
    own = {REGISTER, *(path.name for _, _, path in closed_folders(finance))}
    return sorted(path for path in finance.iterdir() if path.name not in own and not path.name.startswith("."))


def verify_files(closed: ClosedMonth) -> list[str]:
    """What is wrong with the files of one closed month, a line each naming the file. Reads every file."""
    told = {entry.path: entry for entry in closed.manifest.files}
    problems = [problem for entry in told.values() if (problem := file_problem(closed, entry))]
    problems += [
        f"{closed.file(path)} was not part of {closed.label}"
        for path in files_of(closed.folder)
        if path not in {*told, MANIFEST, CHECKSUMS}
    ]
    return problems + _checksum_problems(closed)


def _read_all(finance: Path) -> tuple[dict[Key, ClosedMonth], list[Problem]]:
    closed: dict[Key, ClosedMonth] = {}
    problems = []
    for month, version, folder in closed_folders(finance):
        if folder.is_symlink():
            problems.append(Problem((month_name(month), version), f"{folder} is a link: a closed month is a folder"))
        try:
            closed[month_name(month), version] = read_closed(month, version, folder)
        except DamagedMonthError as error:
            problems.append(Problem((month_name(month), version), str(error)))
    return closed, problems


def _checksum_problems(closed: ClosedMonth) -> list[str]:
    """Manifest and SHA256SUMS vouch for each other: whoever touches one must touch both."""
    path = closed.file(CHECKSUMS)
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return [f"{path} is missing or cannot be read"]
    told = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    expected = {MANIFEST: closed.manifest_sha256, **{entry.path: entry.sha256 for entry in closed.manifest.files}}
    if told == expected and len(lines) == len(expected):
        return []
    if told.get(MANIFEST) != closed.manifest_sha256:
        return [f"{closed.file(MANIFEST)} was changed since {closed.label} was closed"]
    return [f"{path} was changed since {closed.label} was closed"]


def _chain_problems(finance: Path, closed: Mapping[Key, ClosedMonth], known: Sequence[Link]) -> list[Problem]:
    """Each month names the one before, each version the one it took over from; and each is the one recorded."""
    present = [(month_name(month), version) for month, version, _ in closed_folders(finance)]
    problems = []
    first = min((name for name, _ in present), default="")
    for key, one in sorted(closed.items()):
        name, version = key
        manifest, file = one.manifest, one.file(MANIFEST)
        before = month_name(months_after(one.month, -1))
        if name != first:
            if manifest.previous is None or manifest.previous.month != before:
                problems.append(Problem(key, f"{file} does not name the month before, {before}"))
            else:
                problems += _link_problems(one, manifest.previous, closed, present)
        if version > 1:
            if manifest.restates is None or manifest.restates.version != version - 1:
                problems.append(Problem(key, f"{file} does not name version {version - 1}"))
            else:
                problems += _link_problems(one, manifest.restates, closed, present)
        elif name == first and manifest.previous is not None:
            missing = one.folder.parent / manifest.previous.month
            problems.append(Problem(key, f"{missing} is missing: {one.label} builds on it"))
    return problems + _recorded_problems(finance, closed, present, known)


def _link_problems(
    one: ClosedMonth, link: Link, closed: Mapping[Key, ClosedMonth], present: Sequence[Key]
) -> list[Problem]:
    key = (link.month, link.version)
    if key not in present:
        folder = one.folder.parent / folder_name(parse_month(link.month), link.version)
        return [Problem(key, f"{folder} is missing: {one.label} builds on it")]
    if key in closed and closed[key].manifest_sha256 != link.manifest_sha256:
        return [Problem(key, f"{closed[key].file(MANIFEST)} is not the one that {one.label} builds on")]
    return []


def _recorded_problems(
    finance: Path, closed: Mapping[Key, ClosedMonth], present: Sequence[Key], known: Sequence[Link]
) -> list[Problem]:
    problems = []
    for link in known:
        key = (link.month, link.version)
        if key not in present:
            if not is_unfinished(finance, link):
                folder = finance / folder_name(parse_month(link.month), link.version)
                problems.append(Problem(key, f"{folder} is missing"))
        elif key in closed and closed[key].manifest_sha256 != link.manifest_sha256:
            file = closed[key].file(MANIFEST)
            problems.append(Problem(key, f"{file} is not the one that was closed"))
    if known:
        keys = {(link.month, link.version) for link in known}
        problems += [
            Problem(key, f"{closed[key].folder} was never closed here: {REGISTER} does not know it")
            for key in closed
            if key not in keys
        ]
    return problems
