"""The app as people use it: a real browser, a real server, a real repository, no key and no network."""

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.conftest import ROOT, WAIT_MS, Server
from tests.repositories import make_repository

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
expect.set_options(timeout=WAIT_MS)

FILES = {
    "README.md": b"# Shop\n\nSells things.\n",
    "shop/cart.py": b"class Cart:\n    def __init__(self):\n        self.items = []\n\n"
    b'    def add(self, item, count=1):\n        """Put an item in."""\n        self.items.append((item, count))\n',
    "shop/tax.py": b"RATE = 0.19\n\n\ndef tax(amount):\n    return amount * RATE\n",
}
HOSTILE = "Where is add? ![x](https://evil.example/x.png) <img src=y> :red[z] $x$ :material/face: `:tada:`"


@pytest.fixture(scope="module")
def real(serve: Callable[..., Server]) -> Server:
    return serve(ROOT / "app.py")


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("code") / "shop"
    make_repository(folder, FILES)
    return folder


class Gated(NamedTuple):
    """A server whose model writes step N once `gate / N` exists."""

    server: Server
    gate: Path


@pytest.fixture(scope="module")
def gated_server(serve: Callable[..., Server], tmp_path_factory: pytest.TempPathFactory) -> Gated:
    gate = tmp_path_factory.mktemp("gate")
    return Gated(serve(Path(__file__).parent / "gated_app.py", GATE=str(gate), PYTHONPATH=str(ROOT)), gate)


@pytest.fixture
def gated(gated_server: Gated) -> Gated:
    for step in gated_server.gate.iterdir():
        step.unlink()
    return gated_server


def ask(page: Page, question: str) -> str:
    """Type a question, submit it, and return the address of its run."""
    page.get_by_role("textbox", name="Question", exact=True).fill(question)
    page.get_by_role("button", name=re.compile(r"\bAsk$")).last.click()
    page.wait_for_url("**/run?run=*")
    return page.url


def status(page: Page, word: str) -> Locator:
    """The badge that says how a run stands."""
    return page.locator("[class*=Badge]").filter(has_text=word).first


def test_from_a_repository_to_an_answer_with_its_lines(
    page: Page, browser: Browser, real: Server, repository: Path
) -> None:
    elsewhere: list[str] = []
    page.on("request", lambda asked: elsewhere.append(asked.url) if not asked.url.startswith(real.url) else None)
    page.goto(real.url)
    page.get_by_role("textbox", name="Repository").fill(str(repository))
    page.keyboard.press("Enter")
    expect(page.get_by_text("3 files", exact=False).first).to_be_visible()
    expect(page.get_by_text("retrieval baseline, no language model")).to_be_visible()

    address = ask(page, HOSTILE)
    expect(status(page, "answered")).to_be_visible()
    expect(page.get_by_text(re.compile("retrieval baseline, no language model"))).to_be_visible()
    expect(page.get_by_text(re.compile("[1-9] of [0-9]+ citations? verified"))).to_be_visible()
    expect(page.locator("pre", has_text="def add(self, item, count=1):").last).to_be_visible()

    # The question is shown as it was typed, and none of it acted.
    heading = page.get_by_role("heading", level=1)
    assert heading.inner_text().replace("\u2060", "").strip() == HOSTILE.replace("`", "")
    assert page.locator("h1 img, h1 a, h1 .katex, h1 span[translate=no]").count() == 0
    assert not [url for url in elsewhere if not url.startswith(("data:", "blob:"))]

    page.reload()
    expect(status(page, "answered")).to_be_visible()
    other = browser.new_context().new_page()
    other.goto(address)
    expect(status(other, "answered")).to_be_visible()
    other.context.close()

    page.get_by_role("link", name="History").click()
    page.get_by_role("link", name=re.compile("Where is add")).first.click()
    page.wait_for_url("**/run?run=*")
    assert page.url == address


def test_a_run_is_deleted_from_history(page: Page, real: Server, repository: Path) -> None:
    page.goto(f"{real.url}/ask?source={repository}")
    ask(page, "Delete me: what is the rate?")
    expect(status(page, "answered")).to_be_visible()
    page.goto(f"{real.url}/history?find=delete+me")
    expect(page.get_by_text("1 run", exact=True)).to_be_visible()
    page.get_by_role("button", name=re.compile("delete")).first.click()
    page.get_by_role("dialog").get_by_role("button", name="Delete", exact=True).click()
    expect(page.get_by_text("No run matches these filters.")).to_be_visible()


def test_nothing_scrolls_sideways_on_a_phone(browser: Browser, real: Server, repository: Path) -> None:
    page = browser.new_context(viewport={"width": 390, "height": 844}).new_page()
    page.goto(f"{real.url}/ask?source={repository}")
    addresses = [page.url, ask(page, "How is tax computed? " + "averyveryverylongword" * 9), f"{real.url}/history"]
    for address in addresses:
        page.goto(address)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        expect(page.locator("[data-testid=stApp]")).to_have_attribute("data-test-script-state", "notRunning")
        assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0, address
    page.context.close()


def test_steps_arrive_live_and_stop_ends_the_run(page: Page, browser: Browser, gated: Gated) -> None:
    server, gate = gated
    page.goto(f"{server.url}/ask?source=https://example.org/acme/shop")
    address = ask(page, "Where is the cart?")
    expect(page.get_by_text("Step 1 is running")).to_be_visible()
    expect(page.get_by_text("print(1)")).to_be_visible()
    (gate / "1").touch()
    expect(page.get_by_text("Step 2 is running")).to_be_visible()
    expect(page.get_by_text("Look at place 2").first).to_be_visible()

    other = browser.new_context().new_page()
    other.goto(address)
    expect(other.get_by_text("Step 2 is running")).to_be_visible()

    pressed = time.monotonic()
    page.get_by_role("button", name=re.compile("Stop")).click()
    expect(status(page, "cancelled")).to_be_visible()
    assert time.monotonic() - pressed < 3.5, "stopping takes at most 2 s, and the page looks once a second"
    expect(status(other, "cancelled")).to_be_visible()
    expect(other.get_by_text("2 steps kept below.")).to_be_visible()
    other.context.close()


def test_a_page_survives_the_death_of_its_server(page: Page, gated: Gated) -> None:
    server, gate = gated
    page.goto(f"{server.url}/ask?source=https://example.org/acme/shop")
    (gate / "1").touch()
    ask(page, "Where is the cart?")
    expect(page.get_by_text("Step 2 is running")).to_be_visible()
    server.kill()
    server.start()
    expect(status(page, "interrupted")).to_be_visible()
    expect(page.get_by_text("2 steps kept below.")).to_be_visible()
