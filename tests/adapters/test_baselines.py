"""Baselines against a local model server, told as the run page sees them."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from rlm_app.adapters.baselines import BaselineAnswerer, facts_of, window_of
from rlm_app.errors import InvalidQuestion, ModelFailed, RunLimited
from rlm_app.events import StepFinished, StepStarted
from rlm_app.model import Question, RunConfig, Usage
from rlm_app.ports import Answer
from rlm_app.settings import Settings, load_settings
from tests.corpora import corpus_of
from tests.model_server import ModelServer, Reply, error, model_server
from tests.scripted import FixedAnswerer, Told

CORPUS = corpus_of({"src/app.py": "HEAD = 1\n" + "x = 1\n" * 30_000 + "TAIL = 1\n"})
QUESTION = Question(text="Which?", choices={"A": "one", "B": "two"})
EXPLORED = Answer("explored", (), extracted=False, usage=Usage())


def answer(model: str, reply: Callable, **config) -> tuple[Told, ModelServer, Answer]:
    with model_server(reply) as server:
        told = Told(QUESTION, RunConfig(model=model, **config))
        return told, server, answerer(server).answer(CORPUS, QUESTION, told.config, told.context)


def answerer(server: ModelServer, **settings) -> BaselineAnswerer:
    return BaselineAnswerer(FixedAnswerer(lambda run: EXPLORED), settings_for(server.url, **settings))


def settings_for(url: str, **settings) -> Settings:
    return load_settings({"OPENAI_API_KEY": "secret-1"}, _env_file=None, api_bases={"openai": url}, **settings)


def sent_by(server: ModelServer) -> list[str]:
    return [request["messages"][0]["content"] for request in server.requests]


def test_direct_is_one_call_told_as_one_step() -> None:
    told, server, given = answer("direct/openai/gpt-5.4-mini", lambda request: "The correct answer is (B)")
    assert given.text == "The correct answer is (B)"
    (step,) = told.run.steps
    assert (step.output, step.submitted, step.usage.calls) == (given.text, True, 1)
    assert step.usage.cost > 0
    assert told.run.usage.tokens_in > 0
    assert "HEAD" in sent_by(server)[0]
    assert "whole context" in step.reasoning


def test_a_context_beyond_the_window_loses_its_middle_and_the_step_says_so() -> None:
    told, server, _ = answer("direct/openai/self-hosted", lambda request: "(A)")
    (sent,) = sent_by(server)
    assert "HEAD" in sent
    assert "TAIL" in sent
    assert len(sent) < 32_000 * 3.6
    reasoning = told.run.steps[0].reasoning
    assert "left out of its middle: 32,000 tokens, since dspy's list of models does not know" in reasoning


def test_no_context_sends_none() -> None:
    told, server, _ = answer("no-context/openai/gpt-5.4-mini", lambda request: "(A)")
    assert "HEAD" not in sent_by(server)[0]
    assert "without the context" in told.run.steps[0].reasoning


def test_what_is_still_too_long_is_cut_further() -> None:
    def reply(request: dict):
        long = len(request["messages"][0]["content"]) > 70_000
        return error(400, "too long", "context_length_exceeded") if long else "(A)"

    _, server, given = answer("direct/openai/self-hosted", reply)
    assert given.text == "(A)"
    lengths = [len(sent) for sent in sent_by(server)]
    assert lengths == sorted(lengths, reverse=True)
    assert 2 <= len(lengths) <= 4
    with pytest.raises(ModelFailed, match="larger window"):
        answer("direct/openai/self-hosted", lambda request: error(400, "too long", "context_length_exceeded"))


def test_failures_are_told_plainly_and_without_the_key() -> None:
    with pytest.raises(ModelFailed, match="was refused") as caught:
        answer("direct/openai/gpt-5.4-mini", lambda request: error(401, "Incorrect API key secret-1"))
    assert "secret-1" not in str(caught.value)
    with pytest.raises(ModelFailed, match="empty reply"):
        answer("direct/openai/gpt-5.4-mini", lambda request: " ")


def test_a_reply_that_was_stored_is_not_asked_for_again() -> None:
    with model_server(lambda request: "(A)") as server:
        told = Told(QUESTION, RunConfig(model="direct/openai/gpt-5.4-mini"))
        told.emit(StepStarted, step=1, reasoning="Asked.", code="", usage=Usage(calls=1))
        told.emit(StepFinished, step=1, output="(B)", output_chars=3, submitted=True, seconds=0.0)
        context = replace(told.context, before=told.run)
        assert answerer(server).answer(CORPUS, QUESTION, told.config, context).text == "(B)"
        assert server.requests == []


def test_a_step_whose_process_died_in_the_middle_is_told_once_and_paid_for_in_full() -> None:
    with model_server(lambda request: "(A)") as server:
        told = Told(QUESTION, RunConfig(model="direct/openai/gpt-5.4-mini"))
        told.emit(StepStarted, step=1, reasoning="Asked.", code="", usage=Usage(calls=1))
        given = answerer(server).answer(CORPUS, QUESTION, told.config, replace(told.context, before=told.run))
    assert given.text == "(A)"
    assert given.usage.calls == 1, "the second call is in the run's sum"
    assert [(step.number, step.output) for step in told.run.steps] == [(1, "(A)")]


@pytest.mark.parametrize("reply", [" ", error(401, "no"), Reply("Yes.", cut=40)], ids=["blank", "key", "cut"])
def test_a_call_that_came_to_nothing_is_told_with_what_it_used(reply) -> None:
    with model_server(lambda request: reply) as server:
        told = Told(QUESTION, RunConfig(model="no-context/openai/gpt-5.4-mini"))
        with pytest.raises(ModelFailed):
            answerer(server, call_retries=0).answer(CORPUS, QUESTION, told.config, told.context)
    (rejected,) = told.run.rejected
    assert rejected.usage.calls == told.run.usage.calls == 1
    assert rejected.usage.bytes_sent > 0


def test_what_was_spent_before_counts_towards_the_limit() -> None:
    told, _, _ = answer("direct/openai/gpt-5.4-mini", lambda request: "(A)", max_cost=1.0)
    assert told.run.usage.cost < 1.0
    context = told.context
    spent = replace(told.run, steps=(replace(told.run.steps[0], output=None, usage=Usage(calls=1, cost=2.0)),))
    with model_server(lambda request: "(A)") as server, pytest.raises(RunLimited):
        answerer(server).answer(CORPUS, QUESTION, told.config, replace(context, before=spent))
    assert server.requests == []


def test_always_says_its_letter_and_the_rest_goes_to_the_explorer() -> None:
    with model_server(lambda request: "never") as server:
        told = Told(QUESTION, RunConfig(model="always-B"))
        assert answerer(server).answer(CORPUS, QUESTION, told.config, told.context).text == "B"
        assert told.run.usage.cost == 0
        with pytest.raises(InvalidQuestion, match="choice C"):
            answerer(server).answer(CORPUS, QUESTION, RunConfig(model="always-C"), told.context)
        assert answerer(server).answer(CORPUS, QUESTION, RunConfig(), told.context) is EXPLORED
        assert server.requests == []


def test_facts_come_from_settings_then_from_the_list() -> None:
    own = settings_for("https://example.org/v1", prices={"openai/mine": {"input": 2.0, "output": 4.0}})
    assert facts_of("openai/mine", own).price == (2e-6, 4e-6)
    assert facts_of("openai/unheard-of", own).price is None
    assert facts_of("openai/unheard-of", settings_for("http://127.0.0.1:9/v1")).price == (0, 0)
    listed = facts_of("openai/gpt-4o", own)
    assert listed.price == (2.5e-6, 1e-5)
    assert listed.window == window_of("openai/gpt-4o")[0] == 128_000
