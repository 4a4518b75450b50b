"""The control plane: sandboxes are created, listed, renewed and ended."""

import asyncio
import time
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, unquote

from aiohttp import web

from tests.e2b_server.boxes import PROFILE, Box

TEMPLATES = {"code-interpreter-v1", "base", "own-template"}


def error(status: int, message: str) -> web.Response:
    return web.json_response({"code": status, "message": message}, status=status)


class Control:
    """Boxes by id, what the account allows, and what a login shell of a new box reads."""

    def __init__(self, key: str) -> None:
        self.key = key
        self.boxes: dict[str, Box] = {}
        self.by_idempotency_key: dict[str, str] = {}
        self.max_concurrent = 100
        self.profile = PROFILE
        self.created = self.renewed = self.killed = 0

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/v2/sandboxes", self._create, name="create"),
            web.get("/v2/sandboxes", self._list, name="list"),
            web.get("/sandboxes/{id}", self._info, name="info"),
            web.delete("/sandboxes/{id}", self._kill, name="kill"),
            web.post("/sandboxes/{id}/timeout", self._renew, name="renew"),
        ]

    @property
    def alive(self) -> list[Box]:
        return [box for box in self.boxes.values() if box.alive]

    async def _create(self, request: web.Request) -> web.Response:
        body = await request.json()
        if body["templateID"] not in TEMPLATES:
            return error(404, f"template '{body['templateID']}' not found")
        key = request.headers.get("Idempotency-Key", "")
        box = self.boxes.get(self.by_idempotency_key.get(key, ""))
        if box is None:
            if len(self.alive) >= self.max_concurrent:
                return error(429, "you have reached the maximum number of concurrent E2B sandboxes")
            box = Box(body, time.time() + body.get("timeout", 300))
            (box.home / ".profile").write_text(self.profile)
            self.boxes[box.id] = box
            self.created += 1
            if key:
                self.by_idempotency_key[key] = box.id
        return web.json_response({**_named(box), "envdAccessToken": box.token, "domain": None}, status=201)

    async def _list(self, request: web.Request) -> web.Response:
        wanted = [(unquote(k), unquote(v)) for k, v in parse_qsl(request.query.get("metadata", ""))]
        found = [box for box in self.alive if all(box.metadata.get(name) == value for name, value in wanted)]
        return web.json_response([_detail(box) for box in found])

    async def _info(self, request: web.Request) -> web.Response:
        box = self._box(request)
        return web.json_response(_detail(box)) if box else error(404, "sandbox not found")

    async def _kill(self, request: web.Request) -> web.Response:
        box = self._box(request)
        if box is None:
            return error(404, "sandbox not found")
        box.kill()
        self.killed += 1
        await asyncio.gather(*(process.process.wait() for process in box.processes.values()))
        return web.Response(status=204)

    async def _renew(self, request: web.Request) -> web.Response:
        box = self._box(request)
        if box is None:
            return error(404, "sandbox not found")
        box.ends = time.time() + (await request.json())["timeout"]
        self.renewed += 1
        return web.Response(status=204)

    def _box(self, request: web.Request) -> Box | None:
        box = self.boxes.get(request.match_info["id"])
        return box if box and box.alive else None


def _named(box: Box) -> dict[str, Any]:
    return {"templateID": "t", "sandboxID": box.id, "clientID": "c", "envdVersion": "0.6.7"}


def _detail(box: Box) -> dict[str, Any]:
    def iso(at: float) -> str:
        return datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z")

    size = {"cpuCount": 2, "memoryMB": 1024, "diskSizeMB": 10000}
    times = {"startedAt": iso(box.started), "endAt": iso(box.ends)}
    return {**_named(box), **size, **times, "state": "running", "metadata": box.metadata}
