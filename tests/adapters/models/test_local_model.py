"""One run with a real model on this machine, whatever it answers. Run with `-m slow`."""

import pytest

from rlm_app.adapters.answerer import RlmAnswerer
from rlm_app.errors import ModelFailed
from rlm_app.model import Question, RunConfig, Usage
from rlm_app.ports import Answer
from rlm_app.settings import load_settings
from tests.corpora import corpus_of
from tests.model_server.llama import llama_server
from tests.scripted import Told

CORPUS = corpus_of({"src/app.py": "def route(rule):\n    return rule\n"})


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_a_run_against_llama_cpp_completes() -> None:
    config = RunConfig(model="llamacpp/smollm2", max_steps=2, max_seconds=900, max_output_chars=500)
    told = Told(Question(text="What does route return?"), config)
    with llama_server() as url:
        settings = load_settings({}, _env_file=None, api_bases={"llamacpp": url}, call_seconds=600)
        try:
            outcome: Answer | ModelFailed = told.answer(RlmAnswerer(settings), CORPUS)
        except ModelFailed as failed:  # so small a model seldom keeps to a form, and that is told as what it is
            outcome = failed
    failed_on_the_way = (
        "cannot be reached",
        "Nothing answers",
        "broke off",
        "in time",
        "error of its own",
        "not a reply",
    )
    assert not [words for words in failed_on_the_way if words in str(outcome)], outcome
    usage = told.run.usage + (outcome.usage if isinstance(outcome, Answer) else Usage())
    assert usage.calls > 0
    assert usage.tokens_in > 500
    assert usage.tokens_out > 0
    assert usage.cost == 0, "this machine charges nothing"
