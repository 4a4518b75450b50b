"""What the pages cost: `python -m tests.performance.bench_pages`. Needs Chromium; takes about a minute.

Cold start, from the start of the process until health answers and until a browser shows the first page; then, on a run
of 30 steps, what a browser receives of a first draw, a rerun and a live tick: bytes of messages, and bytes on the wire,
where the messages are compressed and framed, counted by a relay between browser and server. Of a tick, the part that
is Streamlit's own (`new_session`: theme, pages, versions) is told apart. Last, time of the script on the server.
"""

import socket
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from playwright.sync_api import Browser, Page, sync_playwright
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.testing.v1 import AppTest

from rlm_app.model import Question
from rlm_app.ui.live import TICK_SECONDS
from rlm_app.ui.session import provide
from tests.browser.conftest import CHROMIUM, FLAGS, ROOT, Server
from tests.fakes import ScriptedAnswerer, Turn, make_app

STEPS = 30
TICKS = 6
STARTS = 3


class Received(NamedTuple):
    """What came over a web socket: messages, their bytes, those of Streamlit's `new_session`, and bytes on the wire."""

    messages: int = 0
    size: int = 0
    session: int = 0
    wire: int = 0

    def __str__(self) -> str:
        return f"{self.size / 1000:8.2f} kB of messages  {self.wire / 1000:8.2f} kB on the wire"


class Relay:
    """Passes connections on to a server, and counts the bytes that come back over web sockets."""

    def __init__(self, port: int) -> None:
        self.wire = 0
        self._to = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                browser, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._to))
                request = browser.recv(65_536)
                server.sendall(request)
                counts = b"/_stcore/stream" in request.partition(b"\r\n")[0]
                for pair in ((browser, server, False), (server, browser, counts)):
                    threading.Thread(target=self._pass_on, args=pair, daemon=True).start()

    def _pass_on(self, source: socket.socket, target: socket.socket, counts: bool) -> None:
        with suppress(OSError), target:
            while data := source.recv(65_536):
                self.wire += len(data) * counts
                target.sendall(data)


class Wire:
    """Counts what a page receives over its web socket."""

    def __init__(self, page: Page, relay: Relay) -> None:
        self._relay, self._got = relay, Received()
        page.on("websocket", lambda socket: socket.on("framereceived", self._count))

    def _count(self, payload: str | bytes) -> None:
        is_session = isinstance(payload, bytes) and ForwardMsg.FromString(payload).HasField("new_session")
        got, size = self._got, len(payload)
        self._got = Received(got.messages + 1, got.size + size, got.session + size * is_session)

    def during(self, work: Callable[[], object]) -> Received:
        """What was received while `work` ran."""
        before = self._got._replace(wire=self._relay.wire)
        work()
        return Received(
            *(now - then for now, then in zip(self._got._replace(wire=self._relay.wire), before, strict=True))
        )


@contextmanager
def running(server: Server) -> Iterator[Server]:
    """The server, started, and ended whatever happens."""
    server.start()
    try:
        yield server
    finally:
        server.kill()


def cold_start(browser: Browser) -> tuple[float, float]:
    """Seconds from the start of the process until health answers, and until the first page is on the screen."""
    with tempfile.TemporaryDirectory() as home:
        started = time.perf_counter()
        with running(Server(ROOT / "app.py", Path(home))) as server:
            healthy = time.perf_counter() - started
            page = browser.new_page()
            page.goto(server.url)
            page.get_by_text("Add a key").wait_for()
            shown = time.perf_counter() - started
            page.close()
    return healthy, shown


def live(browser: Browser) -> None:
    """A run whose last step is under way: first draw, then ticks; and once it has ended."""
    with tempfile.TemporaryDirectory() as home, tempfile.TemporaryDirectory() as gate:
        for step in range(1, STEPS):
            (Path(gate) / str(step)).touch()
        extra = {"GATE": gate, "STEPS": str(STEPS), "PYTHONPATH": str(ROOT)}
        with running(Server(ROOT / "tests" / "browser" / "gated_app.py", Path(home), extra)) as server:
            address = _ask(browser, server)
            relay = Relay(server.port)
            page = browser.new_page()
            _measure(page, Wire(page, relay), address.replace(server.url, relay.url), Path(gate) / str(STEPS))
            page.close()
            relay.close()


def _ask(browser: Browser, server: Server) -> str:
    page = browser.new_page()
    page.goto(f"{server.url}/?source=https://example.org/acme/shop")
    page.get_by_role("textbox", name="Question", exact=True).fill("Where?")
    page.get_by_test_id("stBaseButton-primaryFormSubmit").click()
    page.get_by_text(f"Step {STEPS} is running").wait_for()
    address = page.url
    page.close()
    return address


def _measure(page: Page, wire: Wire, address: str, last_step: Path) -> None:
    got = wire.during(lambda: (page.goto(address), page.get_by_text(f"Step {STEPS} is running").wait_for()))
    print(f"live run, first draw           {got}")
    page.wait_for_timeout(1500)
    got = wire.during(lambda: page.wait_for_timeout(TICKS * TICK_SECONDS * 1000))
    tick = Received(*(round(count / TICKS) for count in got))
    print(f"live run, one tick             {tick}  {tick.messages} messages, {tick.session} bytes of them new_session")
    last_step.touch()
    page.get_by_text("answered").first.wait_for()
    page.wait_for_timeout(1000)
    got = wire.during(lambda: (page.get_by_role("tab", name="Raw").click(), page.wait_for_timeout(1500)))
    print(f"ended run, a rerun             {got}")
    got = wire.during(lambda: page.wait_for_timeout(3000))
    print(f"ended run, three quiet seconds {got}")


def server_time() -> None:
    """Seconds of the script alone, in process."""
    with tempfile.TemporaryDirectory() as home:
        turns = [Turn(f"Look at place {n}. " + "Because. " * 40, "print(1)\n" * 20, "row\n" * 60) for n in range(STEPS)]
        app = make_app(Path(home), answerer=ScriptedAnswerer(turns))
        run_id = app.ask("https://example.org/acme/shop", Question(text="Where?"))
        app.wait(run_id)
        provide(lambda: app)
        at = AppTest.from_file(str(ROOT / "rlm_app" / "web" / "main.py"), default_timeout=60).run()
        at.query_params["run"] = run_id
        at.switch_page("../../pages/run.py").run()
        times = [_timed(at.run) for _ in range(7)]
        print(f"run page of {STEPS} steps, script     {statistics.median(times) * 1000:8.0f} ms")
        times = [_timed(lambda: app.store.last_seq(run_id)) for _ in range(50)]
        print(f"what a tick asks of the store  {statistics.median(times) * 1000:8.2f} ms")


def _timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def main() -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        starts = [cold_start(browser) for _ in range(STARTS)]
        print(f"cold start until health        {min(healthy for healthy, _ in starts):8.2f} s   best of {STARTS}")
        print(f"cold start until first page    {min(shown for _, shown in starts):8.2f} s   in a browser")
        live(browser)
        browser.close()
    server_time()


if __name__ == "__main__":
    main()
