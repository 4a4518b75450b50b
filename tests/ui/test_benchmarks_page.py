"""Benchmarks: the leaderboard, one bench whole, and how one is started, stopped and gone on with."""

import json
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from rlm_app.application import App
from rlm_app.benches import Attempt, Bench, Score
from rlm_app.benchmarking import Wanted
from rlm_app.examples import Dataset
from rlm_app.reports.leaderboard import Row
from rlm_app.ui.benches.progress import state_of
from tests.benching import Says, put_examples
from tests.fakes import make_app, wait_for
from tests.seeded import seeded_bench, seeded_examples
from tests.ui.conftest import Open, words

MODELS = ("lab/large", "lab/small", "keyless/bm25")


def seed(app: App, models: Sequence[str] = MODELS, count: int = 40, epochs: int = 1) -> list[Bench]:
    """Benches of a LongBench of seeded examples that have ended."""
    examples = seeded_examples(count)
    dataset = Dataset(name="longbench", source="tests", digest="r", examples=count, imported=1.0)
    app.collection.datasets.put_dataset(dataset, examples)
    benches = []
    for at, model in enumerate(models):
        bench, attempts = seeded_bench(model, examples, epochs)
        bench = bench.model_copy(update={"created": 1e9 + at})
        put(app, bench, attempts)
        benches.append(bench)
    return benches


def put(app: App, bench: Bench, attempts: Sequence[Attempt]) -> None:
    app.bencher.services.benches.put_attempts(bench, attempts)


def small(app: App, model: str = "keyless/bm25", count: int = 4, **wanted: object) -> Bench:
    """A bench of the tiny data set, planned and not started."""
    if "tiny" not in [stored.name for stored in app.collection.datasets.datasets()]:
        dataset = put_examples(app.store, count)  # type: ignore[arg-type]
        examples = app.collection.datasets.examples("tiny")
        splits = dataset.splits | {"all": tuple(example.id for example in examples)}
        app.collection.datasets.put_dataset(dataset.model_copy(update={"splits": splits}), examples)
    config = app.config(model="keyless/bm25").model_copy(update={"model": model})
    return app.bencher.plan(Wanted(config, "tiny", **wanted)).bench  # type: ignore[arg-type]


def run(app: App, bench: Bench) -> Bench:
    bench_id = app.bencher.start(bench)
    assert app.bencher.wait(bench_id, 20)
    return app.bencher.bench(bench_id)


def press(at: AppTest, label: str) -> AppTest:
    next(button for button in at.button if button.label == label).click()
    return at.run()


def labels(at: AppTest) -> list[str]:
    return [button.label for button in at.button]


def specs(at: AppTest) -> list[str]:
    return [json.dumps(json.loads(chart.proto.spec), ensure_ascii=False) for chart in at.get("plotly_chart")]


# The leaderboard


def test_with_no_bench_it_offers_the_built_in_one_and_starts_nothing(tmp_path: Path, open_page: Open) -> None:
    app = make_app(tmp_path, answerer=Says())
    at = open_page(app, "benchmarks")
    assert "There is no bench yet" in words(at)
    assert "retrieval baseline, no language model" in words(at)
    assert app.bencher.standings() == []
    assert app.makings.find("stdlib") is None, "nothing starts by opening a page"


def test_the_built_in_bench_is_one_click(tmp_path: Path, open_page: Open) -> None:
    app = make_app(tmp_path, answerer=Says())
    dataset = put_examples(app.store, 4, name="stdlib")  # type: ignore[arg-type]
    quick = dataset.model_copy(update={"splits": {"quick": dataset.splits["dev"], "all": ()}})
    app.collection.datasets.put_dataset(quick, app.collection.datasets.examples("stdlib"))
    at = press(open_page(app, "benchmarks"), "Run the built-in benchmark")
    (standing,) = app.bencher.standings()
    assert (standing.bench.split, standing.bench.config.model) == ("quick", "keyless/bm25")
    assert app.bencher.wait(standing.bench.id, 20)
    at = open_page(app, "benchmarks", bench=standing.bench.id)
    assert not at.exception
    assert "100.0 %" in [metric.value for metric in at.metric]


def test_a_data_set_that_cannot_be_made_is_said(tmp_path: Path, open_page: Open) -> None:
    app = make_app(tmp_path)  # its library is too small to ask forty questions about
    at = press(open_page(app, "benchmarks"), "Run the built-in benchmark")
    wait_for(lambda: not app.makings.under_way("stdlib"))
    making = app.makings.find("stdlib")
    assert making is not None
    assert making.error
    assert making.error in words(at) + words(at.run()), "once: in the run of the page that sees it ended"
    assert "Run the built-in benchmark" in labels(at)


def test_a_row_says_what_the_attempts_come_to(tmp_path: Path, open_page: Open) -> None:
    app = make_app(tmp_path)
    (bench,) = seed(app, MODELS[:1])
    at = open_page(app, "benchmarks", literature="false")
    board = at.dataframe[0].value
    report = app.bencher.report(bench.id)
    assert list(board["model"]) == ["lab/large"]
    row = board.iloc[0]
    assert row["right"] == pytest.approx(100 * (report.accuracy or 0))
    assert row["interval"] == f"{100 * report.interval.low:.1f} – {100 * report.interval.high:.1f}"
    assert row["right_answered"] == pytest.approx(100 * (report.accuracy_answered or 0))
    assert (row["n"], row["errors"], row["limits"]) == (report.n, report.errors, report.limits)
    assert row["cost"] == pytest.approx(report.mean_cost)
    assert row["tokens"] == pytest.approx(report.mean_tokens)
    assert row["seconds"] == pytest.approx(report.median_seconds)
    assert row["steps"] == pytest.approx(report.mean_steps)
    assert row["state"] == "done"


def test_the_literature_stands_among_the_rows_and_can_be_hidden(tmp_path: Path, open_page: Open) -> None:
    app = make_app(tmp_path)
    seed(app)
    at = open_page(app, "benchmarks")
    board = at.dataframe[0].value
    assert "RLM, GPT-5" in list(board["model"])
    assert set(board[board["state"] == "literature"]["dataset"]) == {"longbench"}
    assert any("RLM, GPT-5" in spec for spec in specs(at))
    at.toggle(key="literature").set_value(False).run()
    assert "RLM, GPT-5" not in list(at.dataframe[0].value["model"])
    assert not any("RLM, GPT-5" in spec for spec in specs(at))


def test_filters_and_selection_live_in_the_address(tmp_path: Path, open_page: Open) -> None:
    app = make_app(tmp_path)
    large, small_, keyless = seed(app)
    run(app, small(app))
    at = open_page(app, "benchmarks", literature="false")
    assert list(at.dataframe[0].value["model"]) == ["keyless/bm25", "keyless/bm25", "lab/small", "lab/large"]
    at = open_page(app, "benchmarks", literature="false", dataset="longbench", like="LAB/")
    assert list(at.dataframe[0].value["model"]) == ["lab/small", "lab/large"]
    at.query_params["benches"] = [large.id, small_.id]
    at.run()
    assert "2 chosen" in words(at)
    forest = specs(at)[0]
    assert "lab/large" in forest
    assert keyless.config.model not in forest
    press(at, "Compare")
    assert not at.exception
    assert "Where they differ" in [title.value for title in at.subheader]


def test_without_a_choice_the_newest_of_one_data_set_are_charted(tmp_path: Path, open_page: Open) -> None:
    app = make_app(tmp_path)
    seed(app)
    run(app, small(app))
    at = open_page(app, "benchmarks")
    assert "newest benches of tiny, all" in words(at)
    assert not at.exception


def test_the_chart_is_a_choice_in_the_address(tmp_path: Path, open_page: Open) -> None:
    app = make_app(tmp_path)
    seed(app)
    at = open_page(app, "benchmarks", chart="When the final answer first appears")
    assert at.selectbox(key="chart").value == "emergence"
    assert "A curve that rises early" in words(at)
    at.selectbox(key="chart").set_value("by difficulty").run()
    assert "Right answers by difficulty" in specs(at)[-1]
    assert not at.exception


def test_filters_that_nothing_matches_are_said(tmp_path: Path, open_page: Open) -> None:
    app = make_app(tmp_path)
    seed(app)
    at = open_page(app, "benchmarks", like="nobody")
    assert not at.exception
    assert "No bench matches these filters" in words(at)


def test_an_unknown_bench_in_the_address_is_one_sentence_above_the_list(tmp_path: Path, open_page: Open) -> None:
    app = make_app(tmp_path)
    seed(app)
    for query in ({"bench": "*nope*"}, {"benches": "*nope*"}):
        at = open_page(app, "benchmarks", **query)
        assert not at.exception
        assert "There is no bench *nope* here" in words(at)
        assert len(at.dataframe) == 1


def test_several_epochs_and_benches_of_other_data_sets_are_drawn(tmp_path: Path, open_page: Open) -> None:
    app = make_app(tmp_path)
    (bench,) = seed(app, MODELS[:1], count=6, epochs=3)
    other = run(app, small(app))
    at = open_page(app, "benchmarks")
    at.query_params["benches"] = [bench.id, other.id]
    at.run()
    assert not at.exception
    assert any("different data sets" in spec for spec in specs(at))


# One bench


@pytest.mark.parametrize("tab", ["Charts", "Examples", "Breakdowns", "Settings"])
def test_each_part_of_a_bench_is_an_address(tmp_path: Path, open_page: Open, tab: str) -> None:
    app = make_app(tmp_path)
    (bench,) = seed(app, MODELS[:1])
    at = open_page(app, "benchmarks", bench=bench.id[:8], tab=tab)
    assert not at.exception
    assert not at.error
    assert (len(at.get("plotly_chart")) > 0) == (tab == "Charts")
    assert (len(at.dataframe) > 0) == (tab == "Examples")
    tables = [next(iter(table.value.columns)) for table in at.table]
    assert ("by difficulty" in tables) == (tab == "Breakdowns")
    assert ("setting" in tables) == (tab == "Settings")


def test_attempts_are_filtered_by_outcome_part_and_text(tmp_path: Path, open_page: Open) -> None:
    app = make_app(tmp_path)
    (bench,) = seed(app, MODELS[:1])
    attempts = app.bencher.attempts(bench.id)
    hard = {example.id for example in app.bencher.examples(bench) if example.difficulty == "hard"}
    at = open_page(app, "benchmarks", bench=bench.id, tab="Examples", part="difficulty: hard", outcome="right")
    wanted = [attempt for attempt in attempts if attempt.example in hard and attempt.outcome == "right"]
    assert len(at.dataframe[0].value) == len(wanted) > 0
    at = open_page(app, "benchmarks", bench=bench.id, tab="Examples", find=attempts[3].example)
    assert len(at.dataframe[0].value) == 1
    at = open_page(app, "benchmarks", bench=bench.id, tab="Examples", find="nowhere")
    assert "No attempt matches these filters" in words(at)


def test_a_bench_that_runs_is_stopped_and_gone_on_with(tmp_path: Path, open_page: Open) -> None:
    gate = threading.Event()

    def reply(question: object, context: object) -> str:
        gate.wait(20)
        return "B"

    app = make_app(tmp_path, answerer=Says(reply))
    bench_id = app.bencher.start(small(app), workers=1)
    at = open_page(app, "benchmarks")
    assert "Stop" in labels(at), "a row above the leaderboard"
    assert at.dataframe[0].value["state"][0].startswith(("running", "stopped"))
    at = press(open_page(app, "benchmarks", bench=bench_id), "Stop")
    assert app.bencher.bench(bench_id).cancelled
    gate.set()
    assert app.bencher.wait(bench_id, 20)
    at = press(open_page(app, "benchmarks", bench=bench_id), "Resume")
    assert app.bencher.wait(bench_id, 20)
    assert not at.exception
    assert app.bencher.standing(bench_id).tally.outcomes == {"right": 4}
    assert "Resume" not in labels(at.run())


def test_errors_are_tried_again_and_the_old_attempts_kept(tmp_path: Path, open_page: Open) -> None:
    app = make_app(tmp_path, answerer=Says())
    bench = small(app)
    failed = [Attempt(bench=bench.id, example=one, epoch=1, outcome="error", error="*Gone*.") for one in bench.examples]
    put(app, bench, failed)
    at = open_page(app, "benchmarks", bench=bench.id)
    assert "Errors, which count as not right" in words(at)
    press(at, "Retry errors")
    assert app.bencher.wait(bench.id, 20)
    assert app.bencher.standing(bench.id).tally.outcomes == {"right": 4}
    assert len(app.bencher.attempts(bench.id, latest=False)) == 8


def deletion(app, bench) -> None:  # type: ignore[no-untyped-def] # a click inside a dialog does not reach it on a page
    from rlm_app.ui.benches.bench import confirm_delete

    confirm_delete(app, bench)


def test_a_bench_is_deleted_after_a_question(tmp_path: Path, open_page: Open) -> None:
    app = make_app(tmp_path, answerer=Says())
    bench = run(app, small(app))
    assert "removed for good" in words(press(open_page(app, "benchmarks", bench=bench.id), "Delete"))
    assert len(app.bencher.standings()) == 1
    at = AppTest.from_function(deletion, args=(app, bench), default_timeout=30).run()
    at.button(key="delete_now").click().run()
    assert app.bencher.standings() == []


def test_three_downloads_are_made_when_asked_for(tmp_path: Path, open_page: Open) -> None:
    app = make_app(tmp_path)
    (bench,) = seed(app, MODELS[:1])
    at = open_page(app, "benchmarks", bench=bench.id, tab="Settings")
    assert [one.label for one in at.get("download_button")] == ["Report, HTML", "Attempts, CSV", "Everything, zip"]


# Starting one


def form(app: App, open_page: Open, **chosen: object) -> AppTest:
    at = open_page(app, "benchmarks")
    at.session_state["start_form"] = True
    for name, value in chosen.items():
        at.session_state[f"new_{name}"] = value
    return at.run()


def test_the_estimate_stands_before_the_start(tmp_path: Path, open_page: Open) -> None:
    app = make_app(tmp_path, answerer=Says())
    bench = small(app)
    at = form(app, open_page, dataset="tiny", split="dev", epochs=2)
    assert "Expected: 4 attempts" in words(at)
    press(at, "Start")
    started = next(one.bench for one in app.bencher.standings())
    assert (started.dataset, started.split, started.epochs) == ("tiny", "dev", 2)
    assert started.id != bench.id
    assert app.bencher.wait(started.id, 20)
    at = form(app, open_page, dataset="tiny", split="dev", epochs=2)
    assert "This bench is done already" in words(at)


def test_what_needs_a_key_cannot_be_started_without_one(tmp_path: Path, open_page: Open) -> None:
    app = make_app(tmp_path, answerer=Says())
    small(app)
    at = form(app, open_page, dataset="tiny", split="dev", model="openai/gpt-x")
    assert "needs a key" in words(at)
    assert not any(label.startswith("Start") and label != "Start a bench" for label in labels(at))


def starting(app, plan) -> None:  # type: ignore[no-untyped-def]
    from rlm_app.ui.benches.starting import confirm

    confirm(app, plan, 1)


def test_what_may_cost_money_is_asked_about_first(tmp_path: Path, open_page: Open) -> None:
    app = make_app(tmp_path, answerer=Says(), model="openai/gpt-x", provider_keys={"openai": "k"})
    small(app)
    at = press(form(app, open_page, dataset="tiny", split="dev", model="openai/gpt-x"), "Start")
    assert app.bencher.standings() == []
    assert "cost unknown" in words(at)
    plan = app.bencher.plan(Wanted(app.config(model="openai/gpt-x"), "tiny", "dev"))
    at = AppTest.from_function(starting, args=(app, plan), default_timeout=30).run()
    at.button(key="start_now").click().run()
    (standing,) = app.bencher.standings()
    assert standing.bench.config.model == "openai/gpt-x"
    assert app.bencher.wait(standing.bench.id, 20)


def test_a_baseline_is_a_method_of_asking(tmp_path: Path, open_page: Open) -> None:
    app = make_app(tmp_path, answerer=Says(), model="openai/gpt-x", provider_keys={"openai": "k"})
    small(app)
    at = form(app, open_page, dataset="tiny", split="dev", model="openai/gpt-x", method="no-context/")
    assert "from the sizes of the questions" in words(at)


@pytest.mark.parametrize(("works", "state"), [(True, "running"), (False, "stopped")])
def test_a_bench_that_is_worked_on_is_never_called_stopped(works: bool, state: str, tmp_path: Path) -> None:
    app = make_app(tmp_path)
    row = Row(small(app), Score(outcomes={"waiting": 4}))
    app.bencher.works_on = lambda bench_id: works and bench_id == row.bench.id  # type: ignore[method-assign]
    assert state_of(app, row) == state
