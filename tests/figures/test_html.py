"""The report file: complete, small, and safe to open."""

import base64
import gzip
import hashlib
import json
import re
from html.parser import HTMLParser

from rlm_app.charts.catalogue import CHARTS
from rlm_app.figures.html import html_report
from rlm_app.reports.report import report
from tests.attempts import attempt_of, bench_of, example_of
from tests.seeded import seeded_bench, seeded_examples

BAD = "</script><script>alert(1)</script><img src=x onerror=alert(2)>"


class Seen(HTMLParser):
    """The elements of a page, with the contents of its scripts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.text, self.inside = "", False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self.inside = tag == "script"
        if self.inside:
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:
        self.inside = False

    def handle_data(self, data: str) -> None:
        if self.inside:
            self.scripts[-1] += data
        self.text += data


def unpacked(script: str) -> str:
    return gzip.decompress(base64.b64decode(script)).decode()


def hostile() -> str:
    bench = bench_of(2, model=BAD, dataset=BAD, versions=((BAD, BAD),))
    examples = [example_of(n, repository=BAD) for n in range(2)]
    attempts = [attempt_of(bench, 0), attempt_of(bench, 1, "e", error=BAD)]
    return html_report(report(bench, attempts, examples), [bench], attempts, examples)


def test_fifty_examples_fit_five_megabytes_with_all_that_the_charts_need() -> None:
    examples = seeded_examples(50)
    bench, attempts = seeded_bench("lab/large", examples)
    page = html_report(report(bench, attempts, examples), [bench], attempts, examples)
    assert len(page.encode()) < 5_000_000
    charts, plotly, _ = Seen(page).scripts
    assert unpacked(plotly).lstrip().startswith("/**\n* plotly.js")
    drawn = json.loads(unpacked(charts))
    assert [one["name"] for one in drawn] == [
        name for name in CHARTS if name not in ("differences", "passes", "memorisation")
    ]
    assert all(one["light"]["data"] and one["dark"]["layout"] and one["csv"] for one in drawn)
    for one in drawn:
        assert f'id="figure-{one["name"]}"' in page


def test_the_numbers_settings_and_versions_stand_in_it() -> None:
    bench = bench_of(2, versions=(("dspy", "3.4.1"),))
    attempts = [attempt_of(bench, 0), attempt_of(bench, 1, "-")]
    text = Seen(html_report(report(bench, attempts, []), [bench], attempts, [])).text
    for told in ("50.0 % [9.5, 90.5], 1 of 2", "dspy", "3.4.1", "max steps", "Wilson"):
        assert told in text


def test_hostile_text_stays_text() -> None:
    seen = Seen(hostile())
    assert [tag for tag, _ in seen.elements].count("script") == 3
    assert not [tag for tag, _ in seen.elements if tag in ("img", "iframe", "a", "link")]
    assert BAD in seen.text


def test_only_its_own_scripts_may_run_and_nothing_is_loaded() -> None:
    page = hostile()
    seen = Seen(page)
    policy = next(attrs["content"] for tag, attrs in seen.elements if attrs.get("http-equiv")) or ""
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    wanted = [unpacked(seen.scripts[1]), seen.scripts[2]]
    digests = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in wanted]
    assert rules["script-src"] == " ".join(f"'sha256-{digest}'" for digest in digests)
    head = page[: page.index('<script id="charts"')]
    assert not re.search(r"\b(src|href)=", head.replace("src x", "").replace("&lt;img src=", ""))
