"""envd, the daemon in each sandbox: files, and processes over Connect with JSON."""

import asyncio
import base64
import json
import signal
import struct
import zlib
from collections.abc import AsyncIterator
from typing import Any

from aiohttp import web

from tests.e2b_server.boxes import Box, Process


def envelope(message: Any, flags: int = 0) -> bytes:
    data = json.dumps(message).encode()
    return struct.pack(">BI", flags, len(data)) + data


def rpc_error(status: int, code: str, message: str) -> web.Response:
    return web.json_response({"code": code, "message": message}, status=status)


async def download(box: Box, request: web.Request) -> web.Response:
    path = box.resolve(request.query["path"])
    if not path.is_file():
        return web.json_response({"code": 404, "message": f"path '{path.name}' does not exist"}, status=404)
    return web.Response(body=path.read_bytes(), content_type="application/octet-stream")


async def upload(box: Box, request: web.Request, raw: bytes) -> web.Response:
    """Write into the final path from the first byte on, as envd does."""
    path = box.resolve(request.query["path"])
    path.parent.mkdir(parents=True, exist_ok=True)
    if request.headers.get("content-encoding") == "gzip":
        raw = zlib.decompress(raw, 31)
    with path.open("wb") as file:
        file.write(raw[: len(raw) // 2])
        file.flush()
        await asyncio.sleep(0)
        file.write(raw[len(raw) // 2 :])
    return web.json_response([{"name": path.name, "type": "file", "path": str(path)}])


async def start(box: Box, message: dict[str, Any]) -> Process:
    process = await Process.start(box, message["process"], message.get("stdin", True))
    box.processes[process.process.pid] = process
    return process


def find(box: Box, message: dict[str, Any]) -> Process | None:
    process = box.processes.get(message.get("process", {}).get("pid", -1))
    return process if process and process.end is None else None


async def events(process: Process, ping: float) -> AsyncIterator[dict[str, Any]]:
    """What a subscriber hears, from now on."""
    queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    process.subscribers.add(queue)
    try:
        yield {"event": {"start": {"pid": process.process.pid}}}
        if process.end and queue.empty():
            yield process.end
            return
        while True:
            try:
                event = await asyncio.wait_for(queue.get(), ping)
            except TimeoutError:
                event = {"event": {"keepalive": {}}}
            yield event
            if "end" in event["event"]:
                return
    finally:
        process.subscribers.discard(queue)


async def unary(box: Box, method: str, message: dict[str, Any]) -> web.Response:
    if method == "List":
        known = [{"pid": pid, "config": process.config} for pid, process in box.processes.items()]
        return web.json_response({"processes": known})
    process = find(box, message)
    if process is None:
        return rpc_error(404, "not_found", "process not found")
    stdin = process.process.stdin
    if method == "SendInput" and stdin is not None:
        try:
            stdin.write(base64.b64decode(message["input"]["stdin"]))
            await stdin.drain()
        except (BrokenPipeError, ConnectionResetError):
            return rpc_error(404, "not_found", "process not found")
    elif method == "SendSignal":
        process.signal(signal.SIGKILL if message["signal"] == "SIGNAL_SIGKILL" else signal.SIGTERM)
    else:
        return rpc_error(501, "unimplemented", method)
    return web.json_response({})
