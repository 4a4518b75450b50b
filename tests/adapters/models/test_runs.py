"""Whole runs over a real socket: RLM, sandbox and the real dspy.LM against a local model server."""

import sys
from typing import Any

import pytest

from rlm_app import choosing
from rlm_app.adapters import models
from rlm_app.adapters.answerer import RlmAnswerer
from rlm_app.errors import ModelFailed
from rlm_app.model import RunConfig
from rlm_app.settings import load_settings
from tests.corpora import corpus_of
from tests.model_server import Reply, error, model_server, step
from tests.scripted import Told

CORPUS = corpus_of({"src/app.py": "def route(rule):\n    return rule\n"})
CANARY = "sk-canary-0123456789"


def settings(**keys: str):
    return load_settings({name.upper() + "_API_KEY": key for name, key in keys.items()}, _env_file=None)


def answer(told: Told) -> None:
    told.answer(RlmAnswerer(settings(openai=CANARY)), CORPUS)


def test_a_run_over_the_wire_counts_tokens_and_cost_and_never_imports_litellm(monkeypatch: pytest.MonkeyPatch) -> None:
    replies = iter(
        [step("print(llm_query('what is route?'))"), "A function.", step("SUBMIT(answer='x', citations=[])")]
    )
    with model_server(lambda request: next(replies)) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        told = Told(config=RunConfig(model="openai/gpt-5.4", sub_model="openai/gpt-5.4-mini"))
        answer(told)
    run = told.run
    assert run.steps[0].output == "A function."
    assert [request["model"] for request in server.requests] == ["gpt-5.4", "gpt-5.4-mini", "gpt-5.4"]
    assert server.headers[0]["Authorization"] == f"Bearer {CANARY}"
    assert run.root_usage.tokens_in == 2000
    assert run.root_usage.tokens_cached == 400
    assert run.sub_usage.tokens_out == 100
    assert run.usage.cost is not None
    assert run.usage.cost > 0, "the price of these models comes with dspy"
    assert 0 < run.sub_usage.cost < run.root_usage.cost
    assert "litellm" not in sys.modules
    assert CANARY not in "".join(event.model_dump_json() for event in told.events)


def test_the_context_stays_out_of_every_prompt(monkeypatch: pytest.MonkeyPatch) -> None:
    corpus = corpus_of({f"f{n}.py": f"secret_{n} = {n}\n" * 200 for n in range(50)})
    with model_server(lambda request: step("SUBMIT(answer='x', citations=[])")) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        told = Told(config=RunConfig(model="openai/gpt-5.4"))
        told.answer(RlmAnswerer(settings(openai=CANARY)), corpus)
    assert len(corpus.text) > 100_000
    assert len(str(server.requests)) < 20_000
    assert "secret_25" not in str(server.requests)


@pytest.mark.parametrize(
    ("status", "code", "words"),
    [
        (401, "invalid_api_key", "key for openai/gpt-5.4 was refused"),
        (404, "model_not_found", "no model openai/gpt-5.4"),
        (429, "insufficient_quota", "no credit or quota"),
    ],
)
def test_a_refusal_is_one_sentence_without_the_key(
    monkeypatch: pytest.MonkeyPatch, status: int, code: str, words: str
) -> None:
    body = {"error": {"message": f"Refused for {CANARY}", "type": code, "code": code}}
    with model_server(lambda request: (status, body)) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        with pytest.raises(ModelFailed, match=words) as caught:
            answer(Told(config=RunConfig(model="openai/gpt-5.4")))
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize(
    "code", ["print(llm_query('bad'))", "print(llm_query_batched(['good', 'bad', 'good']))"], ids=["one", "batch"]
)
def test_a_failed_sub_call_is_an_exception_in_the_repl_and_no_text(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    caught = f"try:\n    {code}\nexcept Exception as error:\n    print('caught', error)"
    steps = iter([step(caught), step(code), step("SUBMIT(answer='x', citations=[])")])

    def reply(request: dict[str, Any]) -> Reply:
        if request["model"] == "gpt-5.4":
            return Reply(next(steps))
        bad = "bad" in str(request["messages"])
        return error(403, "forbidden", f"not with {CANARY}") if bad else Reply("Good.", seconds=0.1)

    with model_server(reply) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        told = Told(config=RunConfig(model="openai/gpt-5.4", sub_model="openai/gpt-5.4-mini"))
        answer(told)
    first, second, _ = told.run.steps
    assert first.output is not None
    assert first.output.startswith("caught The key for openai/gpt-5.4-mini was refused")
    assert not first.failed
    assert second.failed
    assert "[ERROR]" not in f"{first.output}{second.output}"
    assert all((call.error is None) != (call.response is None) for call in told.run.sub_calls)
    assert CANARY not in "".join(event.model_dump_json() for event in told.events)


def test_the_text_of_whatever_passes_between_dspy_and_a_model() -> None:
    from dspy.lm15 import Message, Request, TextPart

    messages = (Message(role="user", parts=(TextPart(text="one"), TextPart(text="two"))),)
    assert models.text_of(Request(model="m", messages=messages, system="be brief")) == "be brief\n\none\n\ntwo"
    assert models.text_of("plain") == models.text_of(["plain"]) == models.text_of([{"text": "plain"}]) == "plain"
    assert models.text_of(None) == ""
    assert models.text_of([{"role": "system", "content": "a"}, {"role": "user", "content": "b"}]) == "a\n\nb"


def test_every_default_model_has_a_price() -> None:
    from dspy.clients.model_metadata import model_info

    for provider, names in choosing.DEFAULTS.items():
        for name in names:
            assert model_info(provider, name.removeprefix(provider + "/")), name
