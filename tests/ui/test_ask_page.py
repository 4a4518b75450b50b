"""The Ask page: nothing starts by opening it, everything is checked before it starts."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from rlm_app.application import App
from rlm_app.errors import InvalidQuestion
from rlm_app.model import KEYLESS_LABEL, Question
from rlm_app.ports import RunQuery
from rlm_app.providers import LocalServer
from rlm_app.stop import Stop
from rlm_app.ui.question import lettered
from tests.fakes import FakeSource, make_app, wait_for
from tests.ui.conftest import Open, words

SOURCE = "https://example.org/acme/shop"


def press(at: AppTest, label: str) -> AppTest:
    next(button for button in at.button if button.label == label).click()
    return at.run()


def loaded(app: App, source: str = SOURCE) -> None:
    wait_for(lambda: (loading := app.loading(source)) is not None and loading.finished)


def runs(app: App) -> int:
    return app.store.runs(RunQuery())[1]


def test_the_empty_page_says_what_will_answer_and_how_to_set_a_key(tmp_path: Path, open_page: Open) -> None:
    at = open_page(make_app(tmp_path))
    text = words(at)
    assert KEYLESS_LABEL in text
    assert "Sandbox: " in text
    assert "OPENAI_API_KEY" in text
    assert not at.error
    labels = [button.label for button in at.button]
    assert {"pallets/flask", "psf/requests"} <= set(labels)


def test_a_deep_link_starts_nothing_and_load_does(tmp_path: Path, open_page: Open) -> None:
    source = FakeSource()
    app = make_app(tmp_path, source=source)
    at = open_page(app, source=SOURCE, question="Where is the cart?")
    assert (source.loads, runs(app)) == (0, 0)
    assert at.text_area(key="question").value == "Where is the cart?"
    press(at, "Load")
    loaded(app)
    text = words(at.run())
    assert source.loads == 1
    for fact in ("acme/shop", "3 files", "~72 tokens", "Python 91%", "2 files left out", "not committed are not seen"):
        assert fact in text


def test_clearing_the_repository_is_no_error(tmp_path: Path, open_page: Open) -> None:
    at = open_page(make_app(tmp_path), source=SOURCE)
    at.text_input(key="source").set_value("").run()
    assert not at.error


def test_entering_a_repository_loads_it(tmp_path: Path, open_page: Open) -> None:
    app = make_app(tmp_path)
    at = open_page(app)
    at.text_input(key="source").set_value(SOURCE).run()
    loaded(app)
    assert "acme/shop" in words(at.run())


def test_files_and_what_was_left_out_are_shown_on_demand(tmp_path: Path, open_page: Open) -> None:
    app = make_app(tmp_path)
    app.load(SOURCE)
    loaded(app)
    at = open_page(app, source=SOURCE)
    assert "cart.py" not in "".join(str(html.value) for html in at.get("html"))
    at.session_state["files"] = at.session_state["left_out"] = True
    html = "".join(str(element.value) for element in at.run().get("html"))
    assert "cart.py" in html
    assert "logo.png" in html


def test_a_suggestion_goes_into_the_question_box(tmp_path: Path, open_page: Open) -> None:
    app = make_app(tmp_path)
    app.load(SOURCE)
    loaded(app)
    at = open_page(app, source=SOURCE)
    question = app.suggestions(app.loading(SOURCE).receipt.digest)[0]  # type: ignore[union-attr]
    at.button(key="suggestion-0").click().run()
    assert at.text_area(key="question").value == question


def test_asking_starts_a_run_with_its_settings_and_opens_it(tmp_path: Path, open_page: Open) -> None:
    app = make_app(tmp_path)
    at = open_page(app, source=SOURCE, max_steps="7", ref="v1", include="src/** *.md", generated="true")
    at.text_area(key="question").set_value("  Which?  ")
    at.text_area(key="choices").set_value("the cart\n\n the tax ")
    press(at, "Ask")
    ((row,), _) = app.store.runs(RunQuery())
    run = app.run(row.id)
    assert run.question.text == "Which?"
    assert run.question.choices == {"A": "the cart", "B": "the tax"}
    assert run.config.max_steps == 7
    assert (run.selection.ref, run.selection.include, run.selection.generated) == ("v1", ("src/**", "*.md"), True)
    assert at.query_params["run"] == row.id
    assert at.title[0].value == "Which?"
    app.wait(row.id, 5)


def test_the_box_is_empty_again_after_a_question_and_can_be_filled_by_a_link(tmp_path: Path, open_page: Open) -> None:
    app = make_app(tmp_path)
    at = open_page(app, source=SOURCE, question="Where?")
    press(at, "Ask")
    at.switch_page("../../pages/ask.py")
    del at.query_params["run"]
    assert at.run().text_area(key="question").value == ""
    at.query_params["question"] = "Where?"
    assert at.run().text_area(key="question").value == "Where?"


@pytest.mark.parametrize(
    ("query", "question", "sentence"),
    [
        ({"source": SOURCE}, " ", "The question is empty"),
        ({}, "Where?", "The repository is empty"),
        ({"source": "bad thing"}, "Where?", "bad thing is not a repository"),
        ({"source": SOURCE}, "x" * 20_001, "20,001 characters"),
    ],
)
def test_what_cannot_be_asked_is_one_sentence(
    tmp_path: Path, open_page: Open, query: dict[str, str], question: str, sentence: str
) -> None:
    app = make_app(tmp_path)
    at = open_page(app, **query)
    at.text_area(key="question").set_value(question)
    press(at, "Ask")
    assert len(at.error) == 1
    assert sentence in words(at)
    assert runs(app) == 0


def test_a_setting_out_of_range_is_one_sentence_and_stops_the_question(tmp_path: Path, open_page: Open) -> None:
    app = make_app(tmp_path)
    at = open_page(app, source=SOURCE, max_steps="1000", question="Where?")
    assert "max steps" in words(at)
    assert len(at.error) == 1
    press(at, "Ask")
    assert runs(app) == 0


def test_a_load_that_fails_says_why(tmp_path: Path, open_page: Open) -> None:
    app = make_app(tmp_path)
    at = open_page(app, source="https://example.org/gone")
    press(at, "Load")
    loaded(app, "https://example.org/gone")
    assert "could not be reached; check the address" in words(at.run())


def test_a_load_shows_what_it_does_and_can_be_stopped(tmp_path: Path, open_page: Open) -> None:
    def slow(stop: Stop, progress: object) -> None:
        progress("clone", 1, 4, "1 MB of 4 MB")  # type: ignore[operator]
        stop.wait(20)
        stop.check()

    app = make_app(tmp_path, source=FakeSource(gate=slow))
    at = open_page(app, source=SOURCE)
    press(at, "Load")
    wait_for(lambda: app.loading(SOURCE).note != "")  # type: ignore[union-attr]
    at.run()
    assert "Cloning" in at.progress[0].text
    assert at.progress[0].value == 25
    at.button(key="stop_loading").click().run()
    loaded(app)
    assert "Loading was stopped" in words(at.run())


def test_this_project_is_not_offered_where_local_paths_are_not_allowed(tmp_path: Path, open_page: Open) -> None:
    at = open_page(make_app(tmp_path, local_paths=False))
    assert "this project" not in [button.label for button in at.button]
    assert "folder" not in (at.text_input(key="source").placeholder or "")


def test_choices_are_lettered_and_at_most_the_alphabet() -> None:
    assert lettered("one\n\n two \n") == {"A": "one", "B": "two"}
    assert lettered("") == {}
    with pytest.raises(InvalidQuestion, match="27 choices"):
        lettered("x\n" * 27)


def test_the_sandbox_is_chosen_for_each_run_and_e2b_takes_files_too(tmp_path: Path, open_page: Open) -> None:
    app = make_app(tmp_path, e2b_api_key="e2b_0")
    at = open_page(app, source=SOURCE, sandbox="e2b", files_in_sandbox="true")
    assert at.selectbox(key="sandbox").options == ["E2B", "Monty", "Pyodide"]
    at.text_area(key="question").set_value("Which?")
    press(at, "Ask")
    ((row,), _) = app.store.runs(RunQuery())
    assert (app.run(row.id).config.sandbox, app.run(row.id).config.files_in_sandbox) == ("e2b", True)
    app.wait(row.id, 5)


def test_without_its_key_e2b_is_not_offered(tmp_path: Path, open_page: Open) -> None:
    at = open_page(make_app(tmp_path), source=SOURCE)
    assert at.selectbox(key="sandbox").options == ["Monty", "Pyodide"]


def test_what_a_run_is_likely_to_take_is_said_before_it_starts(tmp_path: Path, open_page: Open) -> None:
    app = make_app(tmp_path)
    assert "Expected: no runs yet with this model" in words(open_page(app, source=SOURCE))
    app.wait(app.ask(SOURCE, Question(text="Where?")), 10)
    text = words(open_page(app, source=SOURCE))
    assert "Expected: 3 steps" in text
    assert "as in the one run so far" in text


def test_a_run_is_told_what_to_do_at_a_limit_and_with_stored_replies(tmp_path: Path, open_page: Open) -> None:
    app = make_app(tmp_path)
    at = open_page(app, source=SOURCE, on_limit="stop", cache="true")
    at.text_area(key="question").set_value("Which?")
    press(at, "Ask")
    ((row,), _) = app.store.runs(RunQuery())
    config = app.run(row.id).config
    assert (config.on_limit, config.cache) == ("stop", True)
    app.wait(row.id, 5)


def test_a_model_that_needs_litellm_is_said_to_take_time(tmp_path: Path, open_page: Open) -> None:
    at = open_page(make_app(tmp_path), source=SOURCE, model="vertex_ai/gemini-x")
    assert "vertex_ai/gemini-x is reached through litellm" in words(at)


def test_models_of_servers_on_this_machine_are_offered_and_taken(tmp_path: Path, open_page: Open) -> None:
    server = LocalServer("ollama_chat", "Ollama", "http://127.0.0.1:11434/v1", ("qwen3:8b", "gemma3"))
    app = make_app(tmp_path, model="auto")
    app.local_models = lambda: (server,)
    at = open_page(app, source=SOURCE)
    assert at.selectbox(key="model").options[:2] == ["ollama_chat/qwen3:8b", "ollama_chat/gemma3"]
    assert app.config().model == "ollama_chat/qwen3:8b"
