"""The report file in a real browser, from disk and without a network."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from rlm_app.figures.html import html_report
from rlm_app.reports.report import report
from tests.attempts import attempt_of, bench_of, example_of

pytestmark = pytest.mark.browser

BAD = "</script><script>document.title='bad'</script><img src=x onerror=\"document.title='bad'\">"


@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (1280, "light")])
def test_it_opens_offline_and_draws(browser: Browser, tmp_path: Path, width: int, scheme: str) -> None:
    bench = bench_of(6, model=BAD)
    examples = [example_of(n, repository=BAD) for n in range(6)]
    attempts = [attempt_of(bench, n, "+-e"[n % 3], error=BAD, coverage=0.1, first_seen=1) for n in range(6)]
    path = tmp_path / "report.html"
    path.write_text(html_report(report(bench, attempts, examples), [bench], attempts, examples))
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, offline=True)  # type: ignore[arg-type]
    page = context.new_page()
    page.set_default_timeout(30_000)
    said: list[str] = []
    asked: list[str] = []
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    page.on("request", lambda request: asked.append(request.url))
    page.goto(path.as_uri())
    page.wait_for_selector("html[data-drawn]")
    assert page.locator(".figure svg.main-svg").count() >= page.locator(".figure").count() > 10
    assert page.title() != "bad"
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    with page.expect_download() as saved:
        page.click("button[data-chart=accuracy][data-format=svg]")
    assert saved.value.suggested_filename == "rlm-app-accuracy.svg"
    with page.expect_download() as saved:
        page.click("button[data-chart=accuracy][data-format=csv]")
    assert "right answers, share" in Path(saved.value.path()).read_text()
    assert said == []
    assert all(url.startswith(("file:", "blob:", "data:")) for url in asked)
    context.close()
