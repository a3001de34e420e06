"""Dagster's webserver, closed to other web pages: `python -m retail_assets.deployment.webserver`.

Dagster's own takes mutations from whoever reaches its port: by GET, which an image on any page can send, and
under any host name, which another site can have lead here (DNS rebinding). It takes the same arguments.
"""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from retail_assets.resources.ports import HOST
from retail_assets.settings import settings

ALLOWED_HOSTS = (HOST, "localhost")


class OwnPagesOnly:
    """Refuses requests of other origins, and queries by GET: a request without an origin can only be one."""

    def __init__(self, app: ASGIApp):
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        origin = headers.get(b"origin")
        if origin is not None and urlsplit(origin).netloc != headers.get(b"host"):
            await _refuse(scope, receive, send, 403, "This page may not ask: it is from another site.")
        elif _is_query_by_get(scope):
            await _refuse(scope, receive, send, 405, "Send GraphQL queries by POST.")
        else:
            await self._app(scope, receive, send)


def closed(build: Callable[[Any], list[Middleware]]) -> Callable[[Any], list[Middleware]]:
    """Dagster's function that lists what its webserver puts before its routes, with these checks first."""

    def middleware(webserver: Any) -> list[Middleware]:
        return [
            Middleware(TrustedHostMiddleware, allowed_hosts=[*ALLOWED_HOSTS, *settings().names]),
            Middleware(OwnPagesOnly),
            *build(webserver),
        ]

    return middleware


def main() -> None:
    """Dagster's webserver with its own arguments."""
    from dagster_webserver import cli
    from dagster_webserver.webserver import DagsterWebserver

    guarded: Any = closed(DagsterWebserver.build_middleware)
    DagsterWebserver.build_middleware = guarded  # type: ignore[method-assign]
    cli.main()  # type: ignore[no-untyped-call]


def _is_query_by_get(scope: Scope) -> bool:
    if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD"):
        return False
    asks = parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    return scope["path"].rstrip("/").endswith("/graphql") and "query" in asks


async def _refuse(scope: Scope, receive: Receive, send: Send, status: int, why: str) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 4403, "reason": why})
    else:
        await PlainTextResponse(why, status)(scope, receive, send)


if __name__ == "__main__":
    main()
