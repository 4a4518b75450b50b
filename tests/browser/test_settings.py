"""Settings in a real browser: what a session brings along stays with it, and is seen nowhere."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import ROOT, WAIT_MS, Server

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
expect.set_options(timeout=WAIT_MS)

KEY = "sk-canary-browser-1"


@pytest.fixture(scope="module")
def server(serve: Callable[..., Server]) -> Server:
    return serve(ROOT / "app.py", RLM_APP_MODEL="auto", OLLAMA_HOST="127.0.0.1:9")


def test_a_key_and_defaults_hold_for_the_session_and_are_gone_with_it(page: Page, server: Server) -> None:
    page.goto(f"{server.url}/settings")
    page.get_by_label("Steps at most").fill("4")
    page.get_by_role("button", name="Keep for this session").click()
    expect(page.get_by_text("Kept for this session.")).to_be_visible()
    page.get_by_role("textbox", name="Key").fill(KEY)
    page.get_by_role("button", name="Use it").click()
    expect(page.get_by_text("set in this session")).to_be_visible()
    expect(page.get_by_role("textbox", name="Key")).to_have_value("")
    assert KEY not in page.content() + page.url

    page.get_by_role("link", name="Ask", exact=True).click()
    expect(page.get_by_text(re.compile("Model: openai/"))).to_be_visible()
    page.get_by_text("Settings", exact=True).last.click()
    expect(page.get_by_label("Steps at most")).to_have_value("4")
    assert KEY not in page.content() + page.url

    page.goto(f"{server.url}/settings")
    expect(page.get_by_role("heading", name="Prices")).to_be_visible()
    expect(page.get_by_text("set in this session")).to_have_count(0)
    log = (server.home / "server.log").read_text()
    assert KEY not in log


def test_settings_fit_a_phone(browser: Browser, server: Server) -> None:
    page = browser.new_context(viewport={"width": 390, "height": 844}).new_page()
    page.goto(f"{server.url}/settings")
    expect(page.get_by_role("heading", name="Prices")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
    page.context.close()
