"""History: find a run, open it, delete it."""

from dataclasses import replace
from pathlib import Path

from streamlit.testing.v1 import AppTest

from rlm_app.application import App
from rlm_app.model import Question
from rlm_app.ports import RunQuery
from rlm_app.ui.history import PAGE_SIZE, numbers_of
from tests.fakes import ScriptedAnswerer, make_app
from tests.ui.conftest import Open, words


def fill(app: App, *questions: str) -> list[str]:
    ids = [app.ask("https://example.org/acme/shop", Question(text=question)) for question in questions]
    assert all(app.wait(run_id, 20) for run_id in ids)
    return ids


def links(at: object) -> list[str]:
    return [link.value.replace("\\", "").replace("\u2060", "") for link in at.get("page_link")]  # type: ignore[attr-defined]


def test_with_no_runs_it_offers_the_one_action(tmp_path: Path, open_page: Open) -> None:
    at = open_page(make_app(tmp_path), "history")
    assert "There is none yet" in words(at)
    assert links(at) == ["Ask a codebase"]


def test_runs_are_listed_with_what_tells_them_apart(tmp_path: Path, open_page: Open) -> None:
    app = make_app(tmp_path)
    fill(app, "Where is the cart?", "How is ![tax](https://evil.example) computed?")
    at = open_page(app, "history")
    assert sorted(links(at)) == ["How is ![tax](https://evil.example) computed?", "Where is the cart?"]
    text = words(at)
    for fact in ("answered", "acme/shop", "keyless/bm25", "3 steps", "just now", "2 runs"):
        assert fact in text
    assert "![tax]" not in "".join(link.value for link in at.get("page_link"))


def test_filters_narrow_the_list_and_live_in_the_address(tmp_path: Path, open_page: Open) -> None:
    app = make_app(tmp_path)
    fill(app, "Where is the cart?", "How is tax computed?")
    assert links(open_page(app, "history", find="TAX")) == ["How is tax computed?"]
    assert links(open_page(app, "history", repo="acme", status="answered", find="cart")) == ["Where is the cart?"]
    at = open_page(app, "history", by_model="gpt")
    assert "No run matches these filters" in words(at)
    next(button for button in at.button if button.label == "Clear the filters").click()
    assert len(links(at.run())) == 2


def test_status_is_chosen_by_its_word(tmp_path: Path, open_page: Open) -> None:
    app = make_app(tmp_path, answerer=ScriptedAnswerer(fails="The model gave no usable reply."))
    fill(app, "Where?")
    at = open_page(app, "history")
    at.selectbox(key="status").set_value("answered").run()
    assert links(at) == []
    at.selectbox(key="status").set_value("failed").run()
    assert links(at) == ["Where?"]


def test_many_runs_come_in_pages(tmp_path: Path, open_page: Open) -> None:
    app = make_app(tmp_path)
    fill(app, *(f"Question {n}" for n in range(PAGE_SIZE + 3)))
    first = links(open_page(app, "history"))
    second = links(open_page(app, "history", page="2"))
    assert (len(first), len(second)) == (PAGE_SIZE, 3)
    assert not set(first) & set(second)
    assert len(links(open_page(app, "history", page="99"))) > 0


def test_a_run_is_deleted_after_a_second_look(tmp_path: Path, open_page: Open) -> None:
    app = make_app(tmp_path)
    (run_id,) = fill(app, "Where is the cart?")
    at = open_page(app, "history")
    at.button(key=f"delete-{run_id}").click().run()
    assert "removed for good" in words(at)
    assert app.run(run_id)


def test_confirming_deletes_and_keeping_keeps(tmp_path: Path) -> None:
    def script(app, run) -> None:  # type: ignore[no-untyped-def] # a click inside a dialog does not reach it through the page
        from rlm_app.ui.history import confirm_delete

        confirm_delete(app, run)

    app = make_app(tmp_path)
    (run_id,) = fill(app, "Where is the cart?")
    ((row,), _) = app.store.runs(RunQuery())
    at = AppTest.from_function(script, args=(app, row), default_timeout=30).run()
    at.button(key="keep").click().run()
    assert app.store.last_seq(run_id) >= 0
    at.button(key="delete_now").click().run()
    assert app.store.last_seq(run_id) == -1


def test_a_run_under_way_has_no_unknown_cost(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    fill(app, "Where is the cart?")
    ((ended,), _) = app.store.runs(RunQuery())
    assert "cost unknown" in numbers_of(replace(ended, cost=None))
    assert "cost" not in numbers_of(replace(ended, cost=None, status="running", seconds=None))
