"""Charts and reports at size: 100 benches of 503 examples for the leaderboard, 4 of them in each chart.

python -m tests.performance.bench_charts
"""

import time

from rlm_app.charts.catalogue import CHARTS
from rlm_app.charts.colours import colours
from rlm_app.figures.draw import figure
from rlm_app.figures.html import html_report
from rlm_app.reports.report import report
from rlm_app.reports.results import results_of
from tests.seeded import MODELS, seeded_bench, seeded_examples

EXAMPLES = 503


def main() -> None:
    examples = seeded_examples(EXAMPLES)
    known = {example.id: example for example in examples}
    many = [seeded_bench(f"lab/{at}", examples) for at in range(100)]
    for told, some in (("with breakdowns", examples), ("for a list", [])):
        start = time.perf_counter()
        for bench, attempts in many:
            report(bench, attempts, some)
        print(f"reports of 100 benches x {EXAMPLES}, {told}: {time.perf_counter() - start:.2f} s")

    made = [seeded_bench(model, examples) for model in MODELS]
    results = results_of([bench for bench, _ in made], [attempt for _, some in made for attempt in some])
    figure(CHARTS["accuracy"](results, known))  # imports plotly
    print(f"\n{'chart of 4 benches':<20}{'data':>10}{'figure':>10}{'size':>10}")
    for name, make in CHARTS.items():
        start = time.perf_counter()
        chart = make(results, known)
        between = time.perf_counter()
        sent = figure(chart, colours(MODELS)).to_json()
        end = time.perf_counter()
        print(f"{name:<20}{1000 * (between - start):7.0f} ms{1000 * (end - between):7.0f} ms{len(sent) / 1000:7.0f} kB")

    for count in (50, EXAMPLES):
        bench, attempts = seeded_bench(MODELS[0], examples[:count])
        start = time.perf_counter()
        page = html_report(report(bench, attempts, examples), [bench], attempts, examples)
        print(
            f"\nreport file of {count} examples: {len(page) / 1e6:.2f} MB in {time.perf_counter() - start:.2f} s",
            end="",
        )
    print()


if __name__ == "__main__":
    main()
