"""Serves the rendered boards on this machine. The next publish renders them anew; reload the page to see it."""

from __future__ import annotations

from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from orchestration.core.errors import UsageError


class _Handler(SimpleHTTPRequestHandler):
    def end_headers(self) -> None:
        self.send_header("Cache-Control", "no-cache")
        super().end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Requests are not told: the terminal is a person's."""


def serving(folder: Path, port: int) -> ThreadingHTTPServer:
    """A server of a folder on the loopback address, not yet started. Raises UsageError where the port is taken."""
    try:
        return ThreadingHTTPServer(("127.0.0.1", port), partial(_Handler, directory=str(folder)))
    except OSError as error:
        raise UsageError(f"--port {port}: {error.strerror}; name another one, or 0 for any free one") from error
