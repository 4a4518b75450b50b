"""Model servers on this machine: real sockets that answer, refuse, hang and talk nonsense."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from rlm_app.adapters import local_models
from rlm_app.adapters.local_models import LocalModels, probe
from rlm_app.settings import load_settings

Answer = Callable[[BaseHTTPRequestHandler], bytes]
Serve = Callable[[Answer], str]
LISTED = json.dumps(
    {"object": "list", "data": [{"id": "qwen3:8b"}, {"id": "text-embedding-x"}, {"id": "a b"}]}
).encode()


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serves GET on a port of its own: `serve(lambda request: body)` is the address to probe."""
    servers = []

    def start(answer: Answer) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = answer(self)
                self.send_response(200 if body else 404)
                self.end_headers()
                with suppress(BrokenPipeError):  # whoever asked has stopped waiting
                    self.wfile.write(body)

            def log_message(self, *args: object) -> None: ...

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}/v1"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def closed() -> str:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{taken.getsockname()[1]}/v1"


def test_what_answers_is_found_with_the_models_that_can_chat(serve: Serve) -> None:
    asked = []
    address = serve(lambda request: asked.append((request.path, request.headers["Authorization"])) or LISTED)
    (found,) = probe({"lm_studio": closed(), "openai": address}, {"openai": "sk-own"})
    assert (found.provider, found.models, found.address) == ("openai", ("qwen3:8b",), address)
    assert found.model_strings == ("openai/qwen3:8b",)
    assert asked == [("/v1/models", "Bearer sk-own")]


def test_servers_are_told_apart_and_keep_their_order(serve: Serve) -> None:
    places = {"ollama_chat": serve(lambda request: LISTED), "llamacpp": serve(lambda request: LISTED)}
    assert [server.name for server in probe(places)] == ["Ollama", "llama.cpp"]


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"data": 3}', b'{"data": [{}]}', b"\xff", b"", b'{"data": []}'])
def test_whatever_else_listens_there_is_no_model_server(serve: Serve, body: bytes) -> None:
    assert probe({"llamacpp": serve(lambda request: body)}) == ()


def test_one_that_hangs_or_drips_holds_nobody_up(serve: Serve) -> None:
    def drip(request: BaseHTTPRequestHandler) -> bytes:
        for _ in range(8):
            time.sleep(0.1)
        return LISTED

    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        places = {
            "ollama_chat": f"http://127.0.0.1:{silent.getsockname()[1]}/v1",
            "lm_studio": serve(drip),
            "llamacpp": serve(lambda request: LISTED),
        }
        started = time.monotonic()
        found = probe(places)
        assert time.monotonic() - started < 0.4
    assert [server.provider for server in found] == ["llamacpp"]


def test_what_was_found_is_remembered_and_looked_for_again_in_the_background(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, go = [], threading.Event()

    def answer(request: BaseHTTPRequestHandler) -> bytes:
        asked.append(request.path)
        if len(asked) > 1:
            go.wait(0.2)
        return LISTED

    here = LocalModels({"llamacpp": serve(answer)})
    assert len(here()) == len(here()) == 1
    time.sleep(0.1)  # a look in the background would have come by now
    assert len(asked) == 1
    monkeypatch.setattr(local_models, "FRESH_SECONDS", 0.0)
    started = time.monotonic()
    assert len(here()) == 1
    assert time.monotonic() - started < 0.1, "the second look is made behind the caller's back"
    go.set()
    here.forget()
    assert len(here()) == 1


def test_the_usual_places_and_those_that_are_set_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_BASE_URL", "OPENAI_API_BASE", "OLLAMA_HOST", "HOSTED_VLLM_API_BASE", "HOSTED_VLLM_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    usual = local_models.open_local_models(load_settings({}, _env_file=None))
    assert set(usual.places) == {"ollama_chat", "lm_studio", "llamacpp"}
    own = load_settings({"OPENAI_API_KEY": "k"}, _env_file=None, api_bases={"openai": "http://127.0.0.1:9/v1"})
    assert local_models.open_local_models(own).places["openai"] == "http://127.0.0.1:9/v1"
