"""The server of the boards: its folder's pages, to whoever asks this machine for them, and nothing else."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from dashboards.serve import Serving
from orchestration.core.errors import UsageError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of boards behind a link, as it is published."""
    real = tmp_path / "releases" / "one" / "dashboard"
    (real / "en").mkdir(parents=True)
    (real / "index.html").write_text("first", encoding="utf-8")
    (real / "en" / "board.html").write_text("board", encoding="utf-8")
    (tmp_path / "secret.txt").write_text("secret", encoding="utf-8")
    (real / "en" / "link.html").symlink_to(tmp_path / "secret.txt")
    link = tmp_path / "dashboard"
    link.symlink_to(real)
    return link


@pytest.fixture
def serving(folder: Path) -> Iterator[Serving]:
    """A server of it, running."""
    server = Serving(folder, 0)
    thread = threading.Thread(target=server.serve, daemon=True)
    thread.start()
    yield server
    server.stop()
    thread.join(10)


def get(server: Serving, path: str, host: str | None = None) -> tuple[int, bytes]:
    asking = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    asking.putrequest("GET", path, skip_host=True)
    asking.putheader("Host", host or f"127.0.0.1:{server.port}")
    asking.endheaders()
    answer = asking.getresponse()
    return answer.status, answer.read()


def test_a_page_is_served_as_it_is_on_the_disk(serving: Serving) -> None:
    assert get(serving, "/en/board.html") == (200, b"board")
    assert get(serving, "/index.html", host="localhost:1") == (200, b"first")
    assert get(serving, "/")[0] == 307


def test_the_next_release_is_served_without_a_restart(serving: Serving, folder: Path, tmp_path: Path) -> None:
    following = tmp_path / "releases" / "two" / "dashboard"
    following.mkdir(parents=True)
    (following / "index.html").write_text("second", encoding="utf-8")
    folder.unlink()
    folder.symlink_to(following)
    assert get(serving, "/index.html") == (200, b"second")


@pytest.mark.parametrize(
    "path",
    [
        "/en/", "/en", "/en/link.html", "/../secret.txt", "/%2e%2e/secret.txt", "/..%2f..%2fsecret.txt", "/%00",
        "/a%00b", "//etc/passwd", "/nothing.html",
    ],
)  # fmt: skip
def test_no_listing_no_link_and_nothing_outside(serving: Serving, path: str) -> None:
    status, body = get(serving, path)
    assert status == 404
    assert b"secret" not in body and b"board.html" not in body


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8050", "127.0.0.1.evil.example", ""])
def test_another_hosts_name_is_refused(serving: Serving, host: str) -> None:
    assert get(serving, "/index.html", host=host or "x")[0] == 400


def test_a_taken_port_is_told(serving: Serving, folder: Path) -> None:
    with pytest.raises(UsageError, match=rf"--port {serving.port}: Address already in use; name another one"):
        Serving(folder, serving.port)
