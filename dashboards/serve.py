"""Serves the rendered boards on this machine: pages of the folder only, to requests that name this machine only."""

from __future__ import annotations

import socket
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from orchestration.core.errors import UsageError

LOOPBACK = "127.0.0.1"
# A page on another host's name that points here (DNS rebinding) is refused.
HOSTS = (LOOPBACK, "localhost")


class _Boards(StaticFiles):
    """The files of a folder, looked up anew with each request: the folder may be a link to what is current."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        if "\0" in path:
            return Response("Not Found", status_code=404, media_type="text/plain")
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = "no-cache"
        return response


def application(folder: Path) -> Starlette:
    """The web application: the pages of a folder. It lists no folder, follows no link within, takes no other host."""

    async def first_page(_: object) -> RedirectResponse:
        return RedirectResponse("/index.html")

    return Starlette(
        routes=[Route("/", first_page), Mount("/", _Boards(directory=folder, follow_symlink=False))],
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=list(HOSTS), www_redirect=False)],
    )


class Serving:
    """A server of a folder on the loopback address; its port is taken when it is made."""

    def __init__(self, folder: Path, port: int) -> None:
        """`port` 0 takes any free one. Raises UsageError where the port is taken."""
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._socket.bind((LOOPBACK, port))
            self._socket.listen()
        except OSError as error:
            self._socket.close()
            raise UsageError(f"--port {port}: {error.strerror}; name another one, or 0 for any free one") from error
        config = uvicorn.Config(application(folder), log_level="error", access_log=False, lifespan="off")
        self._server = uvicorn.Server(config)

    @property
    def port(self) -> int:
        return int(self._socket.getsockname()[1])

    def serve(self) -> None:
        """Serve until it is interrupted, or told to stop."""
        self._server.run(sockets=[self._socket])

    def stop(self) -> None:
        """Have `serve` return."""
        self._server.should_exit = True
