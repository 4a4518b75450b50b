"""Examples: find one, read it, ask it, and be told how it went."""

import shutil
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from rlm_app.application import App
from rlm_app.examples import source_of
from rlm_app.model import Question
from rlm_app.ports import RunQuery
from rlm_app.ui.examples import PAGE_SIZE, Filters
from tests.fakes import ScriptedAnswerer, make_app, wait_for
from tests.longbench_files import longbench_rows, row, write_file
from tests.ui.conftest import Open, words


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of an App that has LongBench's rows, to be copied."""
    home = tmp_path_factory.mktemp("filled")
    path = write_file(tmp_path_factory.mktemp("file") / "lb.jsonl", longbench_rows())
    make_app(home).collection.import_file(path, "lb")
    return home


@pytest.fixture
def app(tmp_path: Path, filled: Path) -> App:
    home = Path(shutil.copytree(filled, tmp_path / "home"))
    return make_app(home, answerer=ScriptedAnswerer(answer_text="The answer is (C)."))


def shown(at: AppTest) -> list[str]:
    return [link.value for link in at.get("page_link") if link.proto.query_string]


def press(at: AppTest, label: str) -> AppTest:
    next(button for button in at.button if button.label == label).click()
    return at.run()


def identity(number: int) -> str:
    return str(row(number)["_id"])


def test_with_no_data_set_it_offers_to_make_one_and_says_how_to_import(tmp_path: Path, open_page: Open) -> None:
    app = make_app(tmp_path)
    at = open_page(app, "examples")
    assert "There is none yet" in words(at)
    assert "rlm-app dataset import longbench" in words(at)
    assert app.makings.find("stdlib") is None, "nothing starts by opening a page"
    press(at, "Make 40 questions from Python's own library")
    wait_for(lambda: not app.makings.under_way("stdlib"))
    making = app.makings.find("stdlib")
    assert making is not None
    if making.error:
        assert making.error in words(at.run())
    else:
        assert shown(at.run())


def test_examples_come_in_pages_with_what_tells_them_apart(app: App, open_page: Open) -> None:
    at = open_page(app, "examples")
    assert len(shown(at)) == PAGE_SIZE
    assert shown(at)[0] == "What does part 0 do?"
    assert "50 of 50 examples" in words(at)
    assert "hard · medium · Code repo QA" in words(at)
    assert len(shown(open_page(app, "examples", page="5"))) == 50 - 4 * PAGE_SIZE


def test_filters_live_in_the_address(app: App, open_page: Open) -> None:
    at = open_page(app, "examples", difficulty="easy", length="short", split="dev")
    dataset, examples = app.collection.datasets.dataset("lb"), app.collection.datasets.examples("lb")
    expected = Filters(split="dev", difficulty="easy", length="short").match(examples, dataset)
    assert f"{len(expected)} of 50 examples" in words(at)
    assert 0 < len(expected) < 25
    assert shown(open_page(app, "examples", search="PART 44 DO")) == ["What does part 44 do?"]
    at = open_page(app, "examples", search="no such thing")
    assert "No example matches" in words(at)
    assert shown(press(at, "Clear the filters"))


def test_each_filter_takes_what_it_says(app: App) -> None:
    dataset, examples = app.collection.datasets.dataset("lb"), app.collection.datasets.examples("lb")
    sized = [
        example.model_copy(update={"context_chars": chars})
        for example, chars in zip(examples, (1, 100_000, 100_001, 1_000_000, 10_000_000, 10_000_001), strict=False)
    ]
    for size, chars in (("up to 100 k", [1, 100_000]), ("1 M to 10 M", [10_000_000]), ("over 10 M", [10_000_001])):
        assert [e.context_chars for e in Filters(size=size).match(sized, dataset)] == chars
    assert [e.id for e in Filters(split="test").match(examples, dataset)] == list(dataset.splits["test"])
    assert Filters(kind="Code repo QA").match(examples, dataset) == examples
    assert Filters(kind="caller").match(examples, dataset) == []
    assert [e.id for e in Filters(search=identity(7)).match(examples, dataset)] == [identity(7)]


def test_an_example_is_shown_whole_with_its_key_hidden(app: App, open_page: Open) -> None:
    at = open_page(app, "example", example=f"lb/{identity(2)}")
    html = "".join(str(element.value) for element in at.get("html"))
    for fact in ("What does part 2 do?", "It waits.", "4 lines", "1 file", f"{len(row(2)['context'])} characters"):
        assert fact in html
    assert "The answer is" not in html
    at.toggle(key=f"key-{identity(2)}").set_value(True).run()
    assert "The answer is <strong>C</strong>" in "".join(str(element.value) for element in at.get("html"))
    at.session_state["first_lines"] = True
    assert "def part_2():" in words(at.run())


def test_neighbours_are_those_of_the_list(app: App, open_page: Open) -> None:
    at = open_page(app, "examples", difficulty="easy")
    at.switch_page("../../pages/example.py")
    at.query_params.clear()
    at.query_params["example"] = f"lb/{identity(3)}"
    assert "2 of 20" in words(at.run())
    (back,) = [link for link in at.get("page_link") if link.value == "All examples"]
    assert "difficulty=easy" in back.proto.query_string
    press(at, "Next")
    assert at.query_params["example"] in (f"lb/{identity(6)}", [f"lb/{identity(6)}"])
    assert "What does part 6 do?" in words(at)


def test_an_unknown_example_is_said(app: App, open_page: Open) -> None:
    assert "No such example" in words(open_page(app, "example", example="lb/none"))
    assert "No such example" in words(open_page(app, "example"))


@pytest.mark.parametrize(("number", "word"), [(2, "C is right"), (3, "C is wrong")])
def test_asking_one_opens_its_run_which_says_right_or_wrong(app: App, open_page: Open, number: int, word: str) -> None:
    at = open_page(app, "example", example=f"lb/{identity(number)}")
    at.number_input(key="max_steps").set_value(7)
    press(at, "Ask this")
    ((summary,), _) = app.store.runs(RunQuery())
    assert app.wait(summary.id, 20)
    run = app.run(summary.id)
    assert (run.source, run.config.max_steps) == (source_of("lb", identity(number)), 7)
    assert run.question == app.collection.datasets.examples("lb", [identity(number)])[0].question
    at = open_page(app, "run", run=summary.id)
    assert f"{word} against the key" in words(at).replace("**", "")


def verdict_of(app: App, open_page: Open, question: Question, source: str) -> str:
    run_id = app.ask(source, question)
    assert app.wait(run_id, 20)
    return words(open_page(app, "run", run=run_id)).replace("**", "")


def test_the_verdict_follows_choices_that_were_permuted(app: App, open_page: Open) -> None:
    example = app.collection.datasets.examples("lb", [identity(2)])[0]
    texts = list(example.question.choices.values())
    moved = Question(text="Which?", choices=dict(zip("ABCD", [texts[2], texts[3], texts[0], texts[1]], strict=True)))
    assert "C is wrong against the key" in verdict_of(app, open_page, moved, source_of("lb", identity(2)))


def test_there_is_no_verdict_without_an_example_or_its_choices(app: App, open_page: Open) -> None:
    assert "the key" not in verdict_of(app, open_page, Question(text="Where?"), "https://example.org/acme/shop")
    changed = Question(text="Which?", choices={"A": "x", "B": "y"})
    assert "the key" not in verdict_of(app, open_page, changed, source_of("lb", identity(2)))
