"""The server itself: one loop in a thread, the edge in front of the boxes, and what tests ask of it."""

import asyncio
import base64
import json
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from aiohttp import web

from tests.e2b_server import envd
from tests.e2b_server.boxes import Box, Process
from tests.e2b_server.control import Control, error
from tests.e2b_server.faults import Chaos, Fault
from tests.e2b_server.wire import FAULT, Wire

KEY = "e2b_" + "5afe" * 10
PINGS = 50.0

T = TypeVar("T")


class E2BServer:
    """A context manager; methods may be called from any thread.

    Args:
        latency: seconds that are added to each round trip, half before a request and half before each answer.

    Attributes:
        requests: how often each place was asked, as `create`, `process.SendInput`, `files.write`, ….
        canaries: what must be in no byte that arrives for a sandbox, or in any body at all.
        leaks: where a canary was found.
    """

    def __init__(self, latency: float = 0) -> None:
        self.latency = latency
        self.control = Control(KEY)
        self.chaos: Chaos | None = None
        self.requests: Counter[str] = Counter()
        self.sent_bytes: Counter[str] = Counter()
        self.canaries: list[bytes] = [KEY.encode()]
        self.leaks: list[str] = []
        self.streams: list[web.Request] = []
        self._faults: list[tuple[str, Fault]] = []
        self._loop = asyncio.new_event_loop()
        self._up = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> "E2BServer":
        self._thread.start()
        self._up.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self.do(self._close)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        for box in self.control.boxes.values():
            box.clean()

    @property
    def environment(self) -> dict[str, str]:
        """What points the SDK here."""
        return {"E2B_API_KEY": KEY, "E2B_API_URL": self.url, "E2B_SANDBOX_URL": self.url}

    @property
    def alive(self) -> list[Box]:
        return self.control.alive

    def fault(self, where: str, **details: Any) -> Fault:
        """Let a fault happen at a place, as named in `requests`."""
        fault = Fault(**details)
        self._faults.append((where, fault))
        return fault

    def cut_streams(self) -> int:
        """Cut all streams of processes now; returns how many there were."""

        async def cut() -> int:
            return self._cut_streams()

        return int(self.do(cut))

    def kill_boxes(self) -> None:
        """End all sandboxes, as E2B does when a lease runs out."""

        async def kill() -> None:
            for box in self.alive:
                box.kill()

        self.do(kill)

    def do(self, coroutine: Callable[[], Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine(), self._loop).result(20)

    def wait_until_empty(self, seconds: float = 5) -> bool:
        """True as soon as no sandbox is alive."""
        deadline = time.monotonic() + seconds
        while self.alive and time.monotonic() < deadline:
            time.sleep(0.02)
        return not self.alive

    def _cut_streams(self) -> int:
        streams, self.streams = self.streams, []
        for request in streams:
            if request.transport is not None:
                request.transport.abort()
        return len(streams)

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        app = web.Application(client_max_size=1 << 30, middlewares=[self._middleware])
        app.add_routes(self.control.routes())
        app.router.add_route("*", "/{rest:.*}", self._edge)
        runner = web.AppRunner(app, handler_cancellation=True, access_log=None, auto_decompress=False)
        self._loop.run_until_complete(runner.setup())
        site = web.TCPSite(runner, "127.0.0.1", 0)
        self._loop.run_until_complete(site.start())
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        self._runner = runner
        self._up.set()
        self._loop.run_forever()

    async def _close(self) -> None:
        processes = [process for box in self.control.boxes.values() for process in box.processes.values()]
        for box in self.control.boxes.values():
            box.kill()
        await asyncio.gather(*(process.task for process in processes))
        await self._runner.shutdown()
        self._runner = None  # type: ignore[assignment]

    def _scan(self, where: str, pieces: Iterable[bytes]) -> None:
        for piece in pieces:
            self.sent_bytes[where] += len(piece)
            self.leaks += [f"{where}: {canary!r}" for canary in self.canaries if canary in piece]

    def _take_fault(self, where: str) -> Fault:
        for place, fault in self._faults:
            if place == where and fault.times > 0 and fault.take():
                return fault
        dealt = self.chaos.deal(where) if self.chaos and "." in where else None
        return dealt or Fault()

    @web.middleware
    async def _middleware(self, request: web.Request, handler: Any) -> web.StreamResponse:
        where = request.match_info.route.name or _place(request)
        self.requests[where] += 1
        fault = self._take_fault(where)
        raw = await request.read()
        headers = [
            f"{name}: {value}".encode() for name, value in request.headers.items() if name.lower() != "x-api-key"
        ]
        self._scan(where, [*headers, request.path_qs.encode(), raw, *_decoded(request, raw)])
        await asyncio.sleep(self.latency / 2 + fault.delay)
        if fault.cut_streams:
            self._cut_streams()
        if fault.refuse and request.transport is not None:
            request.transport.abort()
            return web.Response()
        if fault.status:
            return fault.answer()
        if request.match_info.route.name and request.headers.get("X-API-KEY") != KEY:
            return error(401, "Invalid API key")
        request[FAULT] = fault
        response: web.StreamResponse = await handler(request)
        if fault.lose_answer and request.transport is not None:
            request.transport.abort()
        await asyncio.sleep(self.latency / 2)
        return response

    async def _edge(self, request: web.Request) -> web.StreamResponse:
        box = self.control.boxes.get(request.headers.get("E2b-Sandbox-Id", ""))
        if box is None or not box.alive:
            return error(502, "The sandbox was not found")
        if request.path == "/health":
            return web.Response(status=204)
        if request.headers.get("X-Access-Token") != box.token:
            return error(401, "invalid access token")
        raw = await request.read()
        if request.path == "/files":
            return await (envd.download(box, request) if request.method == "GET" else envd.upload(box, request, raw))
        method = request.path.rsplit("/", 1)[-1]
        if method not in {"Start", "Connect"}:
            return await envd.unary(box, method, json.loads(raw or b"{}"))
        message = json.loads(raw[5 : 5 + struct.unpack(">I", raw[1:5])[0]])
        process = await envd.start(box, message) if method == "Start" else envd.find(box, message)
        if process is None:
            body = envd.envelope({"error": {"code": "not_found", "message": "process not found"}}, 2)
            return web.Response(body=body, content_type="application/connect+json")
        return await self._stream(process, request)

    async def _stream(self, process: Process, request: web.Request) -> web.StreamResponse:
        """Send a process's events, each half a round trip after it happened."""
        response = web.StreamResponse(headers={"content-type": "application/connect+json"})
        await response.prepare(request)
        self.streams.append(request)
        wire = Wire(response, request)
        due: asyncio.Queue[tuple[float, dict[str, Any] | None]] = asyncio.Queue()

        async def listen() -> None:
            async for event in envd.events(process, float(request.headers.get("keepalive-ping-interval", PINGS))):
                due.put_nowait((self._loop.time() + self.latency / 2, event))
            due.put_nowait((self._loop.time(), None))

        listening = asyncio.ensure_future(listen())
        try:
            while True:
                at, event = await due.get()
                await asyncio.sleep(max(0, at - self._loop.time()))
                if event is None:
                    await wire.write(envd.envelope({}, 2))
                if event is None or not await wire.tell(event):
                    break
        except ConnectionResetError:  # the client has gone, or a fault has cut it
            pass
        finally:
            listening.cancel()
        return response


def _place(request: web.Request) -> str:
    if request.path == "/files":
        return "files.read" if request.method == "GET" else "files.write"
    if request.path.startswith("/process.Process/"):
        return f"process.{request.path.rsplit('/', 1)[-1]}"
    return request.path.strip("/")


def _decoded(request: web.Request, raw: bytes) -> list[bytes]:
    """The contents that hide in a body."""
    if request.path.endswith("/SendInput"):
        return [base64.b64decode(json.loads(raw)["input"]["stdin"])]
    return []
