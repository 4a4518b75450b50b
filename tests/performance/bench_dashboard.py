"""The dashboard at size, 100 benches of 503 examples: `python -m tests.performance.bench_dashboard`. Takes a minute.

Time of the script on the server, in process: the leaderboard with its two charts, one bench, a comparison; then every
chart of four benches, from the stored attempts to the figure that is sent, and how large that is.
"""

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from streamlit.testing.v1 import AppTest

from rlm_app.charts.catalogue import CHARTS
from rlm_app.figures.draw import figure
from rlm_app.reports.leaderboard import rows_of
from rlm_app.ui.benches.charts import made
from rlm_app.ui.benches.shown import shown
from rlm_app.ui.session import provide
from tests.fakes import make_app
from tests.seeded import seeded_bench, seeded_examples
from tests.ui.conftest import ROOT
from tests.ui.test_benchmarks_page import put, seed

BENCHES, EXAMPLES, CHARTED = 100, 503, 4


def timed(work: Callable[[], object], times: int = 3) -> float:
    """Milliseconds, the median of some calls after a first one."""
    work()
    took = []
    for _ in range(times):
        started = time.perf_counter()
        work()
        took.append(1000 * (time.perf_counter() - started))
    return statistics.median(took)


def main() -> None:
    with tempfile.TemporaryDirectory() as home:
        app = make_app(Path(home))
        benches = seed(app, [f"lab/{at}" for at in range(CHARTED)], EXAMPLES)
        examples = seeded_examples(EXAMPLES)
        for at in range(CHARTED, BENCHES):
            put(app, *seeded_bench(f"lab/{at}", examples))
        stored = app.bencher.services.benches
        ids = [bench.id for bench in benches]

        def rows() -> object:
            every = stored.benches()
            found = rows_of(every, stored.scores([bench.id for bench in every]))
            return [(row.over_all, row.over_answered) for row in found]

        print(f"{BENCHES} benches x {EXAMPLES} examples")
        print(f"{'rows of the leaderboard':<28}{timed(rows):7.0f} ms")
        print(f"{'attempts of 4 benches':<28}{timed(lambda: shown(app, ids)):7.0f} ms")
        provide(lambda: app)
        for name, page, query in (
            ("page, leaderboard", "benchmarks", {}),
            ("page, 4 benches chosen", "benchmarks", {"benches": ids}),
            ("page, one bench", "benchmarks", {"bench": ids[0]}),
            ("page, its examples", "benchmarks", {"bench": ids[0], "tab": "Examples"}),
            ("page, comparison of 2", "compare", {"benches": ids[:2]}),
        ):
            at = AppTest.from_file(str(ROOT / "rlm_app" / "web" / "main.py"), default_timeout=60).run()
            at.switch_page(f"../../pages/{page}.py")
            for key, value in query.items():
                at.query_params[key] = value
            print(f"{name:<28}{timed(at.run):7.0f} ms")

        seen = shown(app, ids)
        print(f"\n{'chart of 4 benches':<20}{'server':>10}{'size':>10}")
        for name in (*CHARTS, "by difficulty"):
            sent = figure(made(name, seen), seen.palette).to_json()
            took = timed(lambda name=name: figure(made(name, seen), seen.palette).to_json())  # type: ignore[misc]
            print(f"{name:<20}{took:7.0f} ms{len(sent) / 1000:7.0f} kB")


if __name__ == "__main__":
    main()
