"""The Run page: every way a run can stand, drawn from its stored events."""

import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from pydantic import SecretStr

from rlm_app.application import App
from rlm_app.errors import RunLimited
from rlm_app.events import RunResumed
from rlm_app.model import KEYLESS_LABEL, Question, Usage
from rlm_app.stop import Stop
from rlm_app.ui.answer import MARKS, MAX_CITATIONS
from tests.fakes import FakeSource, ScriptedAnswerer, Turn, make_app, wait_for
from tests.ui.conftest import Open, words

HOSTILE = (
    "![x](https://evil.example/x.png) <img src=y onerror=alert(1)> [z](javascript:alert(1)) :red[w] $x$ :material/face:"
)


def ask(app: App, question: str = "Where is the cart?", **config: object) -> str:
    run_id = app.ask("https://example.org/acme/shop", Question(text=question), app.config(**config))
    assert app.wait(run_id, 10)
    return run_id


def test_an_answer_comes_first_with_label_and_checked_citations(tmp_path: Path, open_page: Open) -> None:
    app = make_app(tmp_path)
    at = open_page(app, "run", run=ask(app))
    text = words(at)
    assert at.title[0].value.startswith("Where is the cart?")
    assert KEYLESS_LABEL in text
    assert "**answered**" in text or "answered" in text
    assert "acme/shop" in text
    assert "keyless/bm25" in text
    assert "3 steps" in text
    assert "1 of 3 citations verified" in text
    labels = [card.label.replace("\\", "").replace("\u2060", "") for card in at.expander]
    assert "verified" in labels[0]
    assert "shop/cart.py:1-2" in labels[0]
    assert "out of range" in labels[1]
    assert "not found" in labels[2]


def test_citations_without_end_do_not_become_widgets_without_end(tmp_path: Path, open_page: Open) -> None:
    cited = tuple(f"shop/cart.py:{line}" for line in range(1, 301))
    app = make_app(tmp_path, answerer=ScriptedAnswerer(answer_text="So.", cited=cited))
    at = open_page(app, "run", run=ask(app))
    assert sum("shop" in card.label for card in at.expander) == MAX_CITATIONS
    assert f"The first {MAX_CITATIONS} are shown" in words(at)


def test_the_first_verified_citation_shows_its_lines(tmp_path: Path, open_page: Open) -> None:
    app = make_app(tmp_path)
    at = open_page(app, "run", run=ask(app))
    excerpt = next(
        str(html.value) for html in at.get("html") if "Cart" in str(html.value) and "<pre" in str(html.value)
    )
    assert "__init__" in excerpt


def test_a_step_shows_code_and_output_once_it_is_open(tmp_path: Path, open_page: Open) -> None:
    output = "\n".join(f"row {n}" for n in range(100))
    app = make_app(tmp_path, answerer=ScriptedAnswerer([Turn(code="print(1)", output=output)]))
    at = open_page(app, "run", run=ask(app))
    assert len(at.code) == 1, "the address to share"
    at.session_state["step-1"] = True
    at.run()
    assert [block.value for block in at.code[1:]] == ["print(1)", "\n".join(output.split("\n")[:40])]
    at.toggle(key="output-1").set_value(True).run()
    assert at.code[2].value == output


def test_a_failed_run_keeps_its_steps(tmp_path: Path, open_page: Open) -> None:
    app = make_app(tmp_path, answerer=ScriptedAnswerer([Turn("Look around.")], fails="The model gave no usable reply."))
    at = open_page(app, "run", run=ask(app))
    assert at.error[0].value.replace("\\", "") == "The model gave no usable reply."
    assert "1 step kept below." in words(at)
    assert "Look around" in words(at)
    assert "Answer" not in words(at)


def test_a_fallback_answer_says_so(tmp_path: Path, open_page: Open) -> None:
    app = make_app(tmp_path, answerer=ScriptedAnswerer(extracted=True))
    text = words(open_page(app, "run", run=ask(app)))
    assert "fallback answer: steps ran out" in text
    assert "The cart is" in text


def test_a_limit_names_the_figure(tmp_path: Path, open_page: Open) -> None:
    def spend(step: int, stop: Stop) -> None:
        raise RunLimited("max_cost", "The cost limit of $0.50 was reached.")

    app = make_app(tmp_path, answerer=ScriptedAnswerer(go=spend))
    at = open_page(app, "run", run=ask(app))
    assert at.warning[0].value.replace("\\", "") == "The cost limit of $0.50 was reached."
    assert "limit reached" in words(at)


def test_an_answer_at_a_limit_is_shown_as_a_fallback(tmp_path: Path, open_page: Open) -> None:
    limited = RunLimited("max_cost", "The cost limit of $0.50 was reached.")
    app = make_app(tmp_path, answerer=ScriptedAnswerer(limited=limited))
    at = open_page(app, "run", run=ask(app))
    text = words(at)
    assert app.run(at.query_params["run"]).status == "limit"
    assert "fallback answer: with what it had at the cost limit" in text
    assert "The cart is" in text
    assert not at.warning


def test_replies_that_were_no_step_are_kept_with_their_reason(tmp_path: Path, open_page: Open) -> None:
    long = "Shall I look? " * 1000  # lies in a blob
    turn = Turn("Look.", "print(1)", "1", rejected=[long])
    app = make_app(tmp_path, answerer=ScriptedAnswerer([turn], rejected=["I give up."], fails="Three replies."))
    at = open_page(app, "run", run=ask(app))
    text = words(at)
    assert "1 rejected before it" in text
    assert "A reply that was no step" in text
    assert "The reply has no code." in text
    at.session_state["step-1"] = at.session_state["rejected-1"] = True
    at.run()
    assert [block.value for block in at.code[1:]] == [long.strip(" ") + " ", "print(1)", "1", "I give up."]


def test_what_left_this_machine_is_on_every_run(tmp_path: Path, open_page: Open) -> None:
    app = make_app(tmp_path)
    at = open_page(app, "run", run=ask(app))
    assert "Nothing left this machine." in words(at)
    usage = Usage(calls=1, tokens_in=1200, tokens_out=30, bytes_sent=41_200)
    app = make_app(
        tmp_path / "other", answerer=ScriptedAnswerer([Turn(usage=usage)]), provider_keys={"openai": SecretStr("k")}
    )
    at = open_page(app, "run", run=ask(app, model="openai/x", sub_model="openai/y"))
    assert "Left this machine: 41.2 kB to openai." in words(at)
    at.session_state["left"] = True
    text = words(at.run())
    assert "root model openai/x" in text
    assert "41.2 kB" in text


def test_a_run_that_was_taken_up_again_says_so(tmp_path: Path, open_page: Open) -> None:
    app = make_app(tmp_path)
    run_id = app.ask("https://example.org/acme/shop", Question(text="Where?"))
    assert app.wait(run_id, 10)
    told = app.store.events(run_id)
    for seq, event in enumerate([*told[:3], RunResumed(seq=0), *told[3:]]):
        moved = event.model_copy(update={"seq": seq, **({"run_id": "again"} if seq == 0 else {})})
        app.store.append("again", moved)
    assert "taken up again 1 time" in words(open_page(app, "run", run="again"))


def test_a_run_under_way_shows_what_it_does_and_stop_ends_it(tmp_path: Path, open_page: Open) -> None:
    def hold(step: int, stop: Stop) -> None:
        if step == 2:
            stop.wait(20)

    app = make_app(tmp_path, answerer=ScriptedAnswerer(execute=hold))
    run_id = app.ask("https://example.org/acme/shop", Question(text="Where?"))
    wait_for(lambda: len(app.run(run_id).steps) == 2)
    at = open_page(app, "run", run=run_id)
    text = words(at)
    assert "running" in text
    assert "Step 2 is running" in text
    assert at.code[0].value == "print(read('shop/cart.py'))"
    assert "Share" not in text

    at.button(key="stop").click().run()
    assert app.wait(run_id, 2)
    at.run()
    assert "cancelled" in words(at)
    assert "stopped before it had an answer" in words(at)
    assert not [button for button in at.button if button.key == "stop"]


def test_a_run_that_died_with_its_server_is_interrupted_at_the_next_start(tmp_path: Path, open_page: Open) -> None:
    go = [False]
    held = ScriptedAnswerer(execute=lambda step, stop: wait_for(lambda: go[0] or stop.cause is not None, 30))
    app = make_app(tmp_path, answerer=held)
    run_id = app.ask("https://example.org/acme/shop", Question(text="Where?"))
    wait_for(lambda: len(app.run(run_id).steps) == 1)
    app.store.claim(run_id, "no-such-host-any-more/1/1")
    app.store.interrupt_dead(lambda owner, seconds: True)
    text = words(open_page(app, "run", run=run_id))
    assert "interrupted" in text
    assert "1 step kept below" in text
    go[0] = True
    app.stop(run_id)
    app.wait(run_id, 5)


def test_sub_calls_and_usage_have_their_tabs(tmp_path: Path, open_page: Open) -> None:
    usage = Usage(calls=1, tokens_in=1200, tokens_out=30, cost=0.01)
    app = make_app(tmp_path, answerer=ScriptedAnswerer([Turn(sub_calls=["What is this?"], usage=usage)]))
    at = open_page(app, "run", run=ask(app))
    assert [tab.label for tab in at.tabs] == ["Steps", "Sub-calls (1)", "Usage", "Raw"]
    assert "cost unknown" in words(at)
    at.session_state["view"] = "Usage"
    text = words(at.run())
    for cell in ("of them reasoning", "of them stored replies", "1,200", "1.32 k tokens in, 60 out"):
        assert cell in text


def test_a_sub_call_shows_its_whole_prompt_and_response(tmp_path: Path, open_page: Open) -> None:
    prompt = "What is this? " * 1000  # long enough to lie in a blob
    app = make_app(tmp_path, answerer=ScriptedAnswerer([Turn(sub_calls=[prompt])]))
    run_id = ask(app)
    at = open_page(app, "run", run=run_id)
    at.session_state["view"] = "Sub-calls (1)"
    at.session_state["call-1-0"] = True
    at.run()
    assert [block.value for block in at.code[1:]] == [prompt, "yes"]


def test_the_stored_events_are_shown_on_demand(tmp_path: Path, open_page: Open) -> None:
    app = make_app(tmp_path)
    at = open_page(app, "run", run=ask(app))
    at.session_state["view"] = "Raw"
    at.run()
    assert len(at.code) == 1
    at.toggle(key="raw").set_value(True).run()
    assert '"type": "run_started"' in at.code[1].value


def test_tabs_without_content_are_left_out(tmp_path: Path, open_page: Open) -> None:
    app = make_app(tmp_path)
    assert [tab.label for tab in open_page(app, "run", run=ask(app)).tabs] == ["Steps", "Raw"]


def test_hostile_texts_stay_texts(tmp_path: Path, open_page: Open) -> None:
    turn = Turn(HOSTILE, HOSTILE, HOSTILE)
    answerer = ScriptedAnswerer([turn], answer_text=HOSTILE, cited=("shop/![x](y).py:1",))
    app = make_app(tmp_path, source=FakeSource({"shop/![x](y).py": "<script>alert(1)</script>\n"}), answerer=answerer)
    at = open_page(app, "run", run=ask(app, HOSTILE))
    html = "\n".join(str(element.value) for element in at.get("html"))
    for tag in ("<img", "<script", "<a "):
        assert tag not in html.lower()
    labels: Sequence[str] = [at.title[0].value, *(card.label for card in at.expander)]
    for label in labels:
        theirs = re.sub(r":gray\[[\w. ·-]+\]$", "", label.removeprefix(MARKS["verified"]))
        assert not re.search(r"(?<!\\)[!\[\]<>$]|:red|:material", theirs)


@pytest.mark.parametrize("query", [{}, {"run": ""}, {"run": "no-such-run"}, {"run": "../../etc/passwd"}])
def test_no_such_run_is_one_sentence_and_a_way_on(tmp_path: Path, open_page: Open, query: dict[str, str]) -> None:
    at = open_page(make_app(tmp_path), "run", **query)
    assert not at.exception
    assert "There is no such run here" in words(at)
    assert at.get("page_link")[0].value == "Open History"


def test_a_bug_shows_one_neutral_sentence(tmp_path: Path, open_page: Open, caplog: pytest.LogCaptureFixture) -> None:
    app = make_app(tmp_path)
    run_id = ask(app)

    class Broken(App):
        def run(self, run_id: str) -> object:  # type: ignore[override]
            raise ZeroDivisionError("secret detail")

    broken = Broken(app.settings, app.store, app.source, ScriptedAnswerer())
    at = open_page(broken, "run", run=run_id)
    assert "secret detail" not in words(at)
    assert "Something went wrong inside rlm-app itself" in at.error[0].value.replace("\\", "")
    assert "secret detail" in caplog.text
