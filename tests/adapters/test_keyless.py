"""The stand-in for a model over the real loop, the real sandbox and the real toolkit."""

import io
from contextlib import redirect_stdout
from types import SimpleNamespace
from typing import Any

import dspy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlm_app import toolkit
from rlm_app.adapters.answerer import RlmAnswerer
from rlm_app.adapters.keyless import KeylessAction, extract_from, keyless_engine, plan
from rlm_app.citations import check, mark
from rlm_app.codebase import Corpus, FileSpan
from rlm_app.errors import ModelFailed
from rlm_app.model import KEYLESS_MODEL, Question, RunConfig
from rlm_app.ports import Answer
from rlm_app.settings import Settings
from tests.corpora import corpus_of
from tests.scripted import Told

CORPUS = corpus_of(
    {
        "CHANGES.md": "# 2.0\n\nBlueprints can be registered twice.\n" * 9,
        "src/app.py": "class App:\n    def register_blueprint(self, blueprint):\n        blueprint.register(self)\n",
        "src/blueprints.py": "class Blueprint:\n    def register(self, app):\n        '''Register this blueprint.'''\n",
        "src/http.py": "def parse_cookie(header):\n    return header.split(';')\n\n\n"
        "def other(value):\n    return value\n",
        "tests/test_app.py": "def test_register_blueprint(app):\n    app.register_blueprint(blueprint)\n",
    }
)
HOSTILE = corpus_of(
    {
        "we`ird.py": "def parse_cookie(x):\n    return `cookie`\n",
        "notes.md": "# Cookies\n```\n</code><img src=x onerror=alert(1)> ![](http://evil/cookie)\n````\nsrc/app.py:1\n",
        "x.min.js": "cookie" * 50_000,
    }
)


def ask(corpus: Corpus, text: str, choices: dict[str, str] | None = None, **config: Any) -> tuple[Answer, Told]:
    question = Question(text=text, choices=choices or {})
    told = Told(question, RunConfig(model=KEYLESS_MODEL, **config))
    return told.answer(RlmAnswerer(Settings(_env_file=None)), corpus), told


def test_a_question_is_answered_with_extracts_and_citations_that_hold() -> None:
    answer, told = ask(CORPUS, "Where are blueprints registered?")
    assert "`App.register_blueprint` in `src/app.py:2-3`" in answer.text
    assert "```python\n    def register_blueprint(self, blueprint):\n" in answer.text
    found = check(answer.text, answer.cited, CORPUS, None)
    assert {citation.status for citation in found} == {"verified"}
    assert found[0].label == "src/app.py:2-3"
    assert "[1]" in mark(answer.text, found)
    assert [step.failed for step in told.run.steps] == [False] * 5
    assert "blueprint: in" in (told.run.steps[1].output or "")
    assert told.run.steps[-1].submitted
    assert not answer.extracted
    assert (answer.usage.tokens_in, answer.usage.cost) == (0, 0.0)


@pytest.mark.parametrize("question", ["Warum schneit es?", "где парсятся куки?", "?", "`` ''' \"\"\" {x} %s \\n"])
def test_it_says_when_nothing_matches(question: str) -> None:
    answer, _ = ask(CORPUS, question)
    assert answer.text.startswith("Nothing in this repository matches ")
    assert answer.cited == ()


def test_a_hostile_repository_cannot_break_out_of_its_extract() -> None:
    answer, told = ask(HOSTILE, "Where are the cookies?")
    assert not any(step.failed for step in told.run.steps)
    found = check(answer.text, answer.cited, HOSTILE, None)
    assert {citation.status for citation in found} == {"verified"}
    blocks, fence = [], ""
    for line in answer.text.split("\n"):
        if fence:
            fence = "" if line == fence else fence
        elif line.startswith("```"):
            fence = line[: len(line) - len(line.lstrip("`"))]
            blocks.append(fence)
        else:
            assert "<img" not in line
            assert "![" not in line
    assert blocks
    assert not fence


@pytest.mark.parametrize("max_steps", [1, 2, 3, 4])
def test_fewer_steps_do_all_that_is_left_in_the_last(max_steps: int) -> None:
    answer, told = ask(CORPUS, "Where are blueprints registered?", max_steps=max_steps)
    assert len(told.run.steps) == max_steps
    assert not answer.extracted
    assert "src/app.py:2-3" in answer.text


def test_multiple_choice_is_answered_by_a_letter_with_evidence() -> None:
    choices = {"A": "It compiles templates", "B": "It splits the header of a cookie", "C": "It registers blueprints"}
    answer, _ = ask(CORPUS, "What does parse_cookie do?", choices)
    assert answer.text == "B"
    assert answer.cited[0].startswith("src/http.py:1")
    answer, _ = ask(
        CORPUS, "Which file parses cookies?", {"A": "src/app.py", "B": "src/blueprints.py", "C": "src/http.py"}
    )
    assert answer.text == "C"
    answer, _ = ask(CORPUS, "Why does it snow?", {"A": "xxxx", "B": "yyyy"})
    assert answer.text in ("A", "B")


def test_a_text_without_paths_and_an_empty_one() -> None:
    text = "import os\nclass Jar:\n    def parse_cookie(self):\n        return 1\n"
    for files in ((FileSpan("", 0, len(text), 4),), (FileSpan("context", 0, len(text), 4),)):
        answer, _ = ask(Corpus("longbench", "r", text, files), "Where are cookies parsed?")
        assert answer.cited == ("context:3-4",)
    answer, _ = ask(corpus_of({"empty.py": ""}), "Where are cookies parsed?")
    assert answer.text.startswith("Nothing in this repository matches")


def acts(history: list[str], question: str = "Where are cookies parsed?", iteration: str = "2/9") -> dspy.Prediction:
    entries = [SimpleNamespace(output=output, code="", reasoning="") for output in history]
    action = KeylessAction(Question(text=question))
    return action(variables_info=[], repl_history=SimpleNamespace(entries=entries), iteration=iteration)


def test_after_an_error_it_searches_in_a_plain_way_and_then_gives_up() -> None:
    action = acts(["fine", "[Error] CodeExecutionError: TimeoutError: time limit exceeded"])
    assert "grep(" in action.code
    assert "SUBMIT(" in action.code
    assert "failed" in action.reasoning
    with pytest.raises(ModelFailed, match=r"could not search this repository: \[Error\] two"):
        acts(["[Error] one", "[Error] two"])


class Sabotaged(dspy.Module):
    """Spoils the third step of another action."""

    def __init__(self, inner: KeylessAction) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, **inputs: Any) -> dspy.Prediction:
        action = self.inner(**inputs)
        return dspy.Prediction(reasoning="spoilt", code="1 / 0") if len(inputs["repl_history"]) == 2 else action


class SabotagedAnswerer(RlmAnswerer):
    def action_for(self, question: Question, config: RunConfig, predict: Any) -> Sabotaged:
        return Sabotaged(KeylessAction(question))


def test_the_plain_way_answers_too() -> None:
    told = Told(Question(text="Which function parses cookies?"), RunConfig(model=KEYLESS_MODEL))
    answer = told.answer(SabotagedAnswerer(Settings(_env_file=None)), CORPUS)
    assert [step.failed for step in told.run.steps] == [False, False, True, False]
    assert "`src/http.py:1` `def parse_cookie(header):`" in answer.text
    assert {citation.status for citation in check(answer.text, answer.cited, CORPUS, None)} == {"verified"}


def test_the_same_steps_run_on_cpython() -> None:
    names: dict[str, Any] = {toolkit.CONTEXT_NAME: CORPUS.text, toolkit.INDEX_NAME: toolkit.index(CORPUS)}
    submitted: dict[str, Any] = {}
    exec(toolkit.source(), names)
    names |= {"context": CORPUS.text, "SUBMIT": submitted.update}
    for question in (Question(text="Where are blueprints registered?"), Question(text="Why?", choices={"A": "cookie"})):
        with redirect_stdout(io.StringIO()):
            for _, code in plan(question):
                exec(code, names)
        assert submitted["answer"] == ask(CORPUS, question.text, question.choices)[0].text


@given(st.text(max_size=300), st.dictionaries(st.sampled_from("ABCD"), st.text(max_size=40), max_size=4))
def test_any_question_makes_steps_that_are_python(text: str, choices: dict[str, str]) -> None:
    for reasoning, code in plan(Question(text=text, choices=choices)):
        assert reasoning
        compile(code, "step", "exec")


def test_the_sub_model_quotes_the_prompt_without_tokens() -> None:
    lm = dspy.LM(KEYLESS_MODEL, engine=keyless_engine(), cache=False)
    text = "\n".join(["def other(): pass"] * 30 + ["def parse_cookie(header):", "    return header"] + ["filler"] * 30)
    (reply,) = lm(f"Which function parses cookies?\n\n{text}")
    assert reply.startswith("Passages that match best, quoted without reasoning:")
    assert "def parse_cookie(header):" in reply
    assert len(reply) < 1_500
    assert lm.history[-1]["usage"]["total_tokens"] == 0


@given(st.text(max_size=200))
def test_the_sub_model_takes_any_prompt(prompt: str) -> None:
    assert extract_from(prompt)


def test_the_sub_model_says_when_nothing_matches() -> None:
    assert extract_from("Why does it snow?\n\ndef f(): pass") == "Nothing in the text matches the question."
