"""What a program may read of this installation over HTTP. Nothing is started or changed; an id is the right to read."""

from collections.abc import Callable
from typing import Any

from pydantic import TypeAdapter
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from rlm_app import __version__
from rlm_app.application import App
from rlm_app.errors import NotFound, RlmAppError
from rlm_app.events import EVENT
from rlm_app.export import to_markdown
from rlm_app.model import KEYLESS_LABEL, Run

RUN: TypeAdapter[Run] = TypeAdapter(Run)
HEADERS = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}

Read = Callable[[App, Request], Response]


def routes(app: Callable[[], App]) -> list[Route]:
    """The API's routes, all GET, over the App that `app` opens on first use."""

    def route(path: str, read: Read) -> Route:
        def respond(request: Request) -> Response:  # not async: Starlette runs it in a thread, and the store may wait
            try:
                return read(app(), request)
            except NotFound as error:
                return _json({"error": str(error)}, 404)
            except RlmAppError as error:
                return _json({"error": str(error)}, 503)

        return Route(path, respond, methods=["GET"])

    return [
        Route("/api/health", health, methods=["GET"]),
        Route("/ask", to_ask, methods=["GET"]),
        route("/api/runs/{run_id}", run),
        route("/api/runs/{run_id}/events", events),
        route("/api/runs/{run_id}/export.md", markdown),
    ]


async def health(_: Request) -> Response:
    """The server is up."""
    return _json({"status": "ok", "version": __version__})


async def to_ask(request: Request) -> Response:
    """The way to the Ask page, which Streamlit serves at the root alone since it is the default."""
    query = f"?{request.url.query}" if request.url.query else ""
    return RedirectResponse(f"./{query}", 307, headers=HEADERS)


def run(app: App, request: Request) -> Response:
    """The folded run with its citations."""
    return _json(run_json(app.run(request.path_params["run_id"])))


def events(app: App, request: Request) -> Response:
    """The run's events as they are stored, in order."""
    run_id = request.path_params["run_id"]
    stored = app.store.events(run_id)
    if not stored:
        app.run(run_id)
    return _json([EVENT.dump_python(event, mode="json") for event in stored])


def markdown(app: App, request: Request) -> Response:
    """The run as one Markdown document, to be saved rather than shown: its text is of others."""
    found = app.run(request.path_params["run_id"])
    name = {"Content-Disposition": f'attachment; filename="run-{found.id}.md"'}
    return Response(to_markdown(found), media_type="text/markdown; charset=utf-8", headers=HEADERS | name)


def run_json(run: Run) -> dict[str, Any]:
    """A run as JSON: its fields, the sums over its calls, and the label its answer must carry."""
    document: dict[str, Any] = RUN.dump_python(run, mode="json")
    return document | {
        "label": KEYLESS_LABEL if run.keyless else None,
        "usage": run.usage.model_dump(),
        "root_usage": run.root_usage.model_dump(),
        "sub_usage": run.sub_usage.model_dump(),
    }


def _json(document: object, status: int = 200) -> JSONResponse:
    return JSONResponse(document, status, headers=HEADERS)
