"""A local model server over real sockets, scripted by each test."""

import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.model_server.wire import FORMATS, Reply, error

Given = str | tuple[int, dict[str, Any]] | Reply
"""The assistant's text, or an HTTP status with a JSON body, or all there is to say."""


@dataclass
class ModelServer:
    """What the server saw. `url` ends in `/v1`.

    `parallel` has the seconds since it started and the requests then in flight, for each request that was let in;
    `turned_away` counts those that were not.
    """

    url: str
    requests: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    parallel: list[tuple[float, int]] = field(default_factory=list)
    turned_away: int = 0
    in_flight: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


class _Http(ThreadingHTTPServer):
    request_queue_size = 512  # a burst of callers must not wait for the kernel to try again


@contextmanager
def model_server(
    reply: Callable[[dict[str, Any]], Given], *, most: int | None = None, models: Sequence[str] = ("model",)
) -> Iterator[ModelServer]:
    """Serve `reply(request)` at `server.url` until the block ends.

    Args:
        reply: called in a thread of its own for each request.
        most: requests in flight above which the next is answered with 429.
        models: what `GET /v1/models` and Ollama's `GET /api/tags` list.
    """
    started = time.monotonic()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            listings: dict[str, dict[str, Any]] = {
                "/v1/models": {"object": "list", "data": [{"id": name, "object": "model"} for name in models]},
                "/api/tags": {"models": [{"name": name, "model": name} for name in models]},
            }
            found = listings.get(self.path)
            self.send(Reply(body=found) if found else error(404, "not_found"))

        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with server.lock:
                server.requests.append(request)
                server.headers.append(dict(self.headers))
                server.paths.append(self.path)
                server.times.append(time.monotonic() - started)
                let_in = most is None or server.in_flight < most
                if let_in:
                    server.in_flight += 1
                    server.parallel.append((time.monotonic() - started, server.in_flight))
                else:
                    server.turned_away += 1
            if not let_in:
                self.send(error(429, "rate_limit_exceeded", "too many at once"))
                return
            try:
                given = said(reply(request))
                time.sleep(given.seconds)
            finally:
                with server.lock:
                    server.in_flight -= 1
            if given.body is None:
                form = next(make for path, make in FORMATS.items() if self.path.endswith(path))
                given = Reply(**{**vars(given), "body": form(request["model"], given.text, given)})
            self.send(given)

        def send(self, given: Reply) -> None:
            data = given.body if isinstance(given.body, bytes) else json.dumps(given.body).encode()
            self.send_response(given.status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            for name, value in given.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data[: given.cut])
            self.close_connection = self.close_connection or given.cut is not None

        def handle(self) -> None:
            try:
                super().handle()
            except (BrokenPipeError, ConnectionResetError):  # a client that would not wait
                self.close_connection = True

        def log_message(self, *args: object) -> None: ...

    http = _Http(("127.0.0.1", 0), Handler)
    server = ModelServer(f"http://127.0.0.1:{http.server_port}/v1")
    threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield server
    finally:
        http.shutdown()
        http.server_close()


def said(given: Given) -> Reply:
    """`given` in full."""
    if isinstance(given, Reply):
        return given
    return Reply(status=given[0], body=given[1]) if isinstance(given, tuple) else Reply(given)
