"""A response that is sent piece by piece, with the faults of its request."""

import asyncio
import base64
from typing import Any

from aiohttp import web

from tests.e2b_server import envd
from tests.e2b_server.faults import Fault

FAULT = web.RequestKey("fault", Fault)


class Wire:
    """The way of one response to the client."""

    def __init__(self, response: web.StreamResponse, request: web.Request) -> None:
        self._response, self._request = response, request
        self._fault: Fault = request[FAULT]
        self._sent = 0

    async def tell(self, event: dict[str, Any]) -> bool:
        """Send an event; False where the response is to end."""
        data = event["event"].get("data", {}).get("stdout")
        if data is None or self._fault.tamper is None:
            return await self.write(envd.envelope(event))
        for piece in self._fault.tamper(base64.b64decode(data)):
            await self.write(envd.envelope({"event": {"data": {"stdout": base64.b64encode(piece).decode()}}}))
        return True

    async def write(self, data: bytes) -> bool:
        cut, stall = self._fault.cut_after, self._fault.stall_after
        if cut is not None and self._sent + len(data) > cut:
            if self._fault.end_quietly:
                return False
            await self._response.write(data[: max(0, cut - self._sent)])
            if self._request.transport is not None:
                self._request.transport.abort()
            return False
        if stall is not None and self._sent + len(data) > stall:
            await self._response.write(data[: max(0, stall - self._sent)])
            await asyncio.sleep(3600)
        self._sent += len(data)
        await self._response.write(data)
        return True
