"""The API: what a program reads is what the pages read, and reading starts nothing."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette

from rlm_app.application import App
from rlm_app.errors import StorageFailed
from rlm_app.model import KEYLESS_LABEL, Question
from rlm_app.ports import RunQuery
from rlm_app.web.api import routes
from tests.fakes import FakeSource, ScriptedAnswerer, make_app


@pytest.fixture
def app(tmp_path: Path) -> App:
    return make_app(tmp_path)


class Client:
    """Calls the routes in process."""

    def __init__(self, app: Callable[[], App]) -> None:
        self._transport = httpx.ASGITransport(Starlette(routes=routes(app)))

    def get(self, path: str) -> httpx.Response:
        return self.call("GET", path)

    def call(self, method: str, path: str) -> httpx.Response:
        async def send() -> httpx.Response:
            async with httpx.AsyncClient(transport=self._transport, base_url="http://test") as client:
                return await client.request(method, path)

        return asyncio.run(send())


@pytest.fixture
def client(app: App) -> Client:
    return Client(lambda: app)


@pytest.fixture
def run_id(app: App) -> str:
    run_id = app.ask("https://example.org/acme/shop", Question(text="Where is the cart?"))
    assert app.wait(run_id, 10)
    return run_id


def test_health_answers_without_opening_anything() -> None:
    def never() -> App:
        raise AssertionError("opened")

    assert Client(never).get("/api/health").json() == {"status": "ok", "version": "0.1.0"}


def test_a_run_is_its_fold_with_citations_sums_and_label(app: App, client: Client, run_id: str) -> None:
    got = client.get(f"/api/runs/{run_id}").json()
    run = app.run(run_id)
    assert (got["id"], got["status"], got["answer"]) == (run_id, "answered", run.answer)
    assert [citation["status"] for citation in got["citations"]] == ["verified", "out of range", "not found"]
    assert [step["code"] for step in got["steps"]] == [step.code for step in run.steps]
    assert got["label"] == KEYLESS_LABEL
    assert got["usage"]["cost"] == 0
    assert got["receipt"]["commit"] == run.receipt.commit  # type: ignore[union-attr]


def test_events_come_in_order_without_gaps(client: Client, run_id: str) -> None:
    events = client.get(f"/api/runs/{run_id}/events").json()
    assert [event["seq"] for event in events] == list(range(len(events)))
    assert (events[0]["type"], events[-1]["type"]) == ("run_started", "run_finished")


def test_the_export_is_a_file_with_question_label_answer_citations_and_steps(client: Client, run_id: str) -> None:
    got = client.get(f"/api/runs/{run_id}/export.md")
    assert got.headers["content-type"] == "text/markdown; charset=utf-8"
    assert got.headers["content-disposition"] == f'attachment; filename="run-{run_id}.md"'
    assert got.headers["x-content-type-options"] == "nosniff"
    for part in ("# Where is the cart?", KEYLESS_LABEL, "The cart is", "✓ verified: `shop/cart.py:1-2`", "### Step 3"):
        assert part in got.text


def test_the_ask_page_is_found_under_its_name_too(client: Client) -> None:
    got = client.get("/ask?source=a/b&question=x%20%26")
    assert (got.status_code, got.headers["location"]) == (307, "./?source=a/b&question=x%20%26")


@pytest.mark.parametrize("path", ["", "/events", "/export.md"])
def test_an_unknown_run_is_one_sentence(client: Client, path: str) -> None:
    got = client.get(f"/api/runs/none{path}")
    assert got.status_code == 404
    assert got.json()["error"].startswith("There is no such run here")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_nothing_can_be_changed(client: Client, run_id: str, method: str) -> None:
    assert client.call(method, f"/api/runs/{run_id}").status_code == 405


def test_reading_starts_nothing(app: App, client: Client) -> None:
    client.get("/api/runs/none?source=https://example.org/acme/shop&question=Where")
    assert app.store.runs(RunQuery())[1] == 0


def test_an_app_that_cannot_be_opened_is_one_sentence() -> None:
    def broken() -> App:
        raise StorageFailed("The disk is full; free some space.")

    got = Client(broken).get("/api/runs/x")
    assert (got.status_code, got.json()) == (503, {"error": "The disk is full; free some space."})


def test_no_key_is_in_anything_the_api_says(tmp_path: Path) -> None:
    key = "sk-very-secret-0123456789"
    app = make_app(tmp_path, source=FakeSource(), answerer=ScriptedAnswerer(), provider_keys={"openai": key})
    run_id = app.ask("https://example.org/acme/shop", Question(text="Where?"))
    app.wait(run_id, 10)
    client = Client(lambda: app)
    said = "".join(client.get(f"/api/runs/{run_id}{path}").text for path in ("", "/events", "/export.md"))
    assert "answered" in said
    assert key not in said
