"""The pages over HTTP, on this machine only. Nothing can be changed through it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from retail_assets.dashboards.answers import Query, ask, chosen_of, content
from retail_assets.dashboards.dictionary import NAME
from retail_assets.dashboards.pages import Page
from retail_assets.dashboards.site import STATIC, Site, as_csv
from retail_assets.resources.ports import HOST, listening
from retail_assets.resources.warehouse import Warehouse, WarehouseError

# No page loads anything from elsewhere, whatever is in the data. ECharts sets styles of its elements.
_POLICY = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:"
_HEADERS = {
    "Content-Security-Policy": f"{_POLICY}; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def application(warehouse: Warehouse, site: Site) -> Starlette:
    """The pages as an ASGI application."""
    pages = {page.name: page for page in site.pages}

    async def home(_request: Request) -> Response:
        return RedirectResponse(f"/{site.pages[0].name}", headers=_HEADERS)

    async def page(request: Request) -> Response:
        shown = pages.get(request.path_params["page"])
        if shown is None:
            return _not_there(site)
        return await run_in_threadpool(lambda: _page(warehouse, site, shown, _address(request)))

    async def dictionary(_request: Request) -> Response:
        return await run_in_threadpool(lambda: _dictionary(warehouse, site))

    async def rows(request: Request) -> Response:
        shown = pages.get(request.path_params["page"])
        number = request.path_params["number"]
        if shown is None or number >= len(shown.charts):
            return _not_there(site)
        return await run_in_threadpool(lambda: _rows(warehouse, site, shown, number, _address(request)))

    return Starlette(
        routes=[
            Route("/", home),
            Mount("/static", StaticFiles(directory=STATIC)),
            Route(f"/{NAME}", dictionary),
            Route("/{page}", page),
            Route("/{page}/{number:int}.csv", rows),
        ],
        # A page of another site could otherwise read these under a name of its own (DNS rebinding).
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=[HOST, "localhost"])],
        exception_handlers={404: _handler(site)},
    )


def serve(warehouse: Warehouse, site: Site, port: int, say: Callable[[str], None]) -> None:
    """Serve the pages until the process is stopped. Raises `UserError` if the port is taken."""
    import uvicorn

    # From here on whoever asks waits until the server answers.
    socket = listening(port)
    say(f"http://{HOST}:{socket.getsockname()[1]}")
    config = uvicorn.Config(application(warehouse, site), log_level="warning", server_header=False)
    uvicorn.Server(config).run(sockets=[socket])


def _page(warehouse: Warehouse, site: Site, page: Page, address: Mapping[str, Sequence[str]]) -> Response:
    return _shown(
        warehouse, site, lambda query: site.page(content(page, address, query, warehouse.comments_query))
    )


def _dictionary(warehouse: Warehouse, site: Site) -> Response:
    return _shown(warehouse, site, lambda query: site.dictionary(query, warehouse.comments_query))


def _shown(warehouse: Warehouse, site: Site, write: Callable[[Query], str]) -> Response:
    try:
        with warehouse.reading() as query:
            written = write(query)
    except WarehouseError as error:
        return HTMLResponse(site.message("Nothing to show yet", str(error)), 503, headers=_HEADERS)
    return HTMLResponse(written, headers=_HEADERS)


def _rows(
    warehouse: Warehouse, site: Site, page: Page, number: int, address: Mapping[str, Sequence[str]]
) -> Response:
    try:
        with warehouse.reading() as query:
            chosen, _, _ = chosen_of(page, address, query)
            answer = ask(page.charts[number].sql, page, chosen, query)
    except WarehouseError as error:
        return PlainTextResponse(str(error), 503, headers=_HEADERS)
    if answer.problem:
        return PlainTextResponse(answer.problem, 404, headers=_HEADERS)
    name = f"{page.name}-{number}-{chosen.first}-{chosen.last}.csv"
    headers = {**_HEADERS, "Content-Disposition": f'attachment; filename="{name}"'}
    return Response(as_csv(answer), media_type="text/csv; charset=utf-8", headers=headers)


def _address(request: Request) -> Mapping[str, Sequence[str]]:
    return {name: request.query_params.getlist(name) for name in request.query_params}


def _not_there(site: Site) -> Response:
    return HTMLResponse(site.message("No such page", "Choose one of those above."), 404, headers=_HEADERS)


def _handler(site: Site) -> Callable[[Request, Exception], Awaitable[Response]]:
    async def handle(_request: Request, _error: Exception) -> Response:
        return _not_there(site)

    return handle
