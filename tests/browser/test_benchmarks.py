"""Benchmarks in a real browser: from the leaderboard to a bench, a chart, a run, and back; and on a phone."""

import re
from collections.abc import Callable
from typing import NamedTuple

import pytest
from playwright.sync_api import Browser, Page, expect

from rlm_app.benchmarking import Wanted
from rlm_app.model import RunConfig
from tests import benching
from tests.browser.conftest import ROOT, WAIT_MS, Server

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
expect.set_options(timeout=WAIT_MS)

ROW = 35  # pixels of a row of a table, its head included


class Seeded(NamedTuple):
    """A server over two benches that have ended, the newer first."""

    server: Server
    benches: tuple[str, str]


@pytest.fixture(scope="module")
def seeded(serve: Callable[..., Server]) -> Seeded:
    server = serve(ROOT / "app.py")
    store = benching.open_store(server.home, "rlm-app.db")
    dataset = benching.put_examples(store, 4, expected="AB")
    examples = store.datasets.examples("tiny")
    splits = {"all": tuple(example.id for example in examples)}
    store.datasets.put_dataset(dataset.model_copy(update={"splits": splits}), examples)
    here = benching.bencher(store, benching.Says())
    done = []
    for seed in (None, 1):
        bench = here.plan(Wanted(RunConfig(model="test/model"), "tiny", shuffle=seed)).bench
        done.append(here.start(bench.model_copy(update={"created": 1e9 + len(done)})))
        assert here.wait(done[-1], 20)
    store.close()
    return Seeded(server, (done[1], done[0]))


def settled(page: Page) -> None:
    page.locator('[data-testid="stApp"][data-test-script-state="notRunning"]').wait_for()


def click_row(page: Page, row: int, x: int) -> None:
    """Click into a row of the leaderboard, counted from 0, so many pixels from its left."""
    table = page.get_by_test_id("stDataFrame").first
    table.scroll_into_view_if_needed()
    settled(page)
    page.wait_for_timeout(500)  # a canvas says nothing about when it has been drawn
    table.click(position={"x": x, "y": ROW * (row + 1) + ROW // 2})


def test_from_the_leaderboard_to_a_chart_to_a_run_and_back(page: Page, seeded: Seeded) -> None:
    page.goto(f"{seeded.server.url}/benchmarks")
    expect(page.get_by_role("heading", name="Benchmarks")).to_be_visible()
    click_row(page, 1, 90)
    page.wait_for_url(f"**/benchmarks?bench={seeded.benches[1]}*")
    page.goto(f"{page.url}&chart=Every+example%2C+every+run")
    plot = page.locator(".js-plotly-plot").last
    expect(plot.get_by_text("Every example, every run")).to_be_visible()
    settled(page)
    plot.scroll_into_view_if_needed()
    page.wait_for_timeout(500)
    box = plot.locator(".nsewdrag").bounding_box()
    assert box
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 8)
    page.wait_for_url("**/run?run=*")
    expect(page.get_by_text(re.compile("is (right|wrong) against the key"))).to_be_visible()
    page.go_back()  # Streamlit puts the new query with the old page into the history before it changes the page
    page.go_back()
    page.wait_for_url(f"**/benchmarks?bench={seeded.benches[1]}*")
    expect(page.locator(".js-plotly-plot").last).to_be_visible()
    page.wait_for_timeout(500)
    assert "/benchmarks" in page.url, "a click that was followed is not followed again"


def test_ticked_rows_are_in_the_address_and_compared(page: Page, seeded: Seeded) -> None:
    page.goto(f"{seeded.server.url}/benchmarks")
    expect(page.get_by_role("heading", name="Benchmarks")).to_be_visible()
    click_row(page, 0, 14)
    page.wait_for_url(re.compile(f"benches={seeded.benches[0]}"))
    click_row(page, 1, 14)
    page.wait_for_url(re.compile(f"benches={seeded.benches[1]}"))
    page.reload()
    page.get_by_role("button", name="Compare").click()
    page.wait_for_url("**/compare?benches=*")
    expect(page.get_by_text(re.compile("McNemar's exact p is"))).to_be_visible()


def test_each_download_is_the_file_it_names(page: Page, seeded: Seeded) -> None:
    page.goto(f"{seeded.server.url}/benchmarks?bench={seeded.benches[0]}")
    page.get_by_role("button", name="Download").click()
    for label, ending, begins in (("HTML", "html", b"<!doctype"), ("CSV", "csv", b"bench,"), ("zip", "zip", b"PK")):
        with page.expect_download() as got:
            page.get_by_role("button", name=label).click()
        assert got.value.suggested_filename == f"bench-{seeded.benches[0]}.{ending}"
        assert got.value.path().read_bytes().startswith(begins)


def test_both_pages_fit_a_phone(browser: Browser, seeded: Seeded) -> None:
    page = browser.new_context(viewport={"width": 390, "height": 844}).new_page()
    one, two = seeded.benches
    for path in ("benchmarks", f"benchmarks?bench={one}", f"compare?benches={one}&benches={two}&example=q000"):
        page.goto(f"{seeded.server.url}/{path}")
        expect(page.locator(".js-plotly-plot").first).to_be_visible()
        settled(page)
        assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0, path
    page.context.close()
