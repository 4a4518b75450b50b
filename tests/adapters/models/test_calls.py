"""Calls that succeed in the end: tries, turns, formats, usage; the real dspy.LM over real sockets."""

import statistics
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import chain, repeat

import dspy
import pytest

from rlm_app.adapters import models
from rlm_app.errors import RunCancelled
from rlm_app.model import Usage
from rlm_app.settings import load_settings
from rlm_app.stop import Stop
from tests.adapters.models.lines import Line
from tests.model_server import Reply, error, model_server

PRICED = "openai/gpt-5.4"


def in_turn(*replies: Reply) -> Iterator[Reply]:
    return chain(replies, repeat(Reply("Yes.")))


def test_a_call_tells_all_that_it_used() -> None:
    with model_server(lambda request: Reply("Yes.", seconds=0.05)) as server:
        line = Line(server.url)
        assert line.ask("Whät?") == "Yes."
    call = line.calls[0]
    assert call.usage.model_copy(update={"cost": None}) == Usage(
        calls=1, tokens_in=1000, tokens_out=100, tokens_cached=200, tokens_reasoning=40, bytes_sent=6, cost=None
    )
    assert call.usage.cost == pytest.approx(800 * 2.5e-6 + 200 * 0.25e-6 + 100 * 15e-6), "the price that dspy brings"
    assert call.seconds >= 0.05
    assert call.waited < 2
    assert (call.tries, call.finish) == (1, "stop")


@pytest.mark.parametrize(
    ("model", "path", "wire"),
    [
        ("openai/gpt-5.4", "/v1/chat/completions", {"messages": [{"role": "user", "content": "What?"}]}),
        ("openai/gpt-5.4-pro", "/v1/responses", {}),
        ("anthropic/claude-sonnet-5", "/v1/messages", {"max_tokens": 16384}),
        ("mistral/mistral-small-latest", "/v1/chat/completions", {"model": "mistral-small-latest"}),
        ("lm_studio/qwen", "/v1/chat/completions", {"model": "qwen"}),
        ("llamacpp/qwen", "/v1/chat/completions", {"model": "qwen"}),
        ("ollama_chat/qwen:3b", "/v1/chat/completions", {"model": "qwen:3b"}),
        ("hosted_vllm/org/qwen", "/v1/chat/completions", {"model": "org/qwen"}),
        ("groq/openai/gpt-oss-20b", "/v1/chat/completions", {"model": "openai/gpt-oss-20b"}),
    ],
)
def test_each_provider_gets_its_own_wire_format_and_what_it_demands(model: str, path: str, wire: dict) -> None:
    with model_server(lambda request: "Yes.") as server:
        line = Line(server.url, model)
        assert models.text_of(line.lm("What?")) == "Yes."
    assert server.paths == [path]
    assert wire.items() <= server.requests[0].items()
    assert not {"temperature", "max_completion_tokens"} & set(server.requests[0]), "reasoning models refuse others"
    usage = line.calls[0].usage
    assert (usage.tokens_in, usage.tokens_cached, usage.tokens_out) == (1000, 200, 100)
    own = model.partition("/")[0] in {"lm_studio", "llamacpp", "ollama_chat", "hosted_vllm"}
    assert usage.cost is not None
    assert (usage.cost == 0) is own, "prices come under the provider's name, also for those that we declare"


def test_a_price_of_ones_own_comes_first_and_an_unknown_one_is_unknown_but_for_this_machine() -> None:
    with model_server(lambda request: "Yes.") as server:
        for model, prices, cost in (
            ("openai/my-model", {}, 0.0),
            ("openai/my-model", {"openai/my-model": {"input": 1, "output": 4}}, 0.0014),
            (PRICED, {PRICED: {"input": 1, "output": 4, "cached": 0.5}}, 0.0013),
        ):
            line = Line(server.url, model, prices=prices)
            line.ask()
            assert line.calls[0].usage.cost == pytest.approx(cost)
    elsewhere = models.connection("openai/my-model", load_settings({}, _env_file=None))["route"].tariff
    assert elsewhere.cost(Usage(tokens_in=5), None) is None
    with model_server(lambda request: Reply("Yes.", usage=False)) as server:
        line = Line(server.url, PRICED, prices={PRICED: {"input": 1, "output": 4}})
        line.ask()
    assert line.calls[0].usage.cost is None, "the reply names no tokens to multiply with"


@pytest.mark.parametrize(
    "fault",
    [error(429, "rate_limit_exceeded"), error(500, "oops"), error(529, "overloaded"), Reply("Yes.", cut=30)],
    ids=["429", "500", "529", "cut"],
)
def test_what_passes_is_tried_again(fault: Reply) -> None:
    replies = in_turn(fault)
    with model_server(lambda request: next(replies)) as server:
        line = Line(server.url, call_retries=2)
        assert line.ask("four") == "Yes."
    call = line.calls[0]
    assert call.tries == len(server.requests) == 2
    assert call.usage.calls == 1
    assert call.usage.bytes_sent == 8, "sent twice"
    assert 0.2 < call.waited < 5
    assert call.seconds < call.waited


def test_tries_are_bounded_and_dspy_adds_none() -> None:
    with model_server(lambda request: error(503, "oops")) as server, pytest.raises(dspy.LMServerError):
        Line(server.url, call_retries=1).ask()
    assert len(server.requests) == 2


@pytest.mark.parametrize("as_date", [False, True], ids=["seconds", "date"])
def test_retry_after_is_honoured(as_date: bool) -> None:
    def busy() -> Reply:
        at = format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True)
        return error(429, "rate_limit_exceeded", Retry_After=at if as_date else "1.2")

    with model_server(lambda request: busy() if len(server.requests) == 1 else Reply("Yes.")) as server:
        assert Line(server.url, call_retries=1).ask() == "Yes."
    waited = server.times[1] - server.times[0]
    assert 0.95 <= waited <= 2.6, "a date has whole seconds"


def test_a_stop_ends_the_wait_between_tries_and_nothing_is_sent_after_it() -> None:
    stop = Stop()
    with model_server(lambda request: error(429, "busy", Retry_After="60")) as server:
        line = Line(server.url, stop=stop, call_retries=5)
        threading.Timer(0.3, stop.request, (RunCancelled("Stopped."),)).start()
        started = time.monotonic()
        with pytest.raises(RunCancelled):
            line.ask()
        assert time.monotonic() - started < 2
        with pytest.raises(RunCancelled):
            line.ask()
    assert len(server.requests) == 1
    assert line.calls[1].usage == Usage()


def test_200_calls_of_four_runs_settle_at_what_the_server_bears() -> None:
    bears, done = 10, []

    def run(line: Line) -> None:
        def ask(share: int) -> None:
            for _ in range(share):
                done.append(line.ask())

        threads = [threading.Thread(target=ask, args=(5,)) for _ in range(10)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)

    with model_server(lambda request: Reply("Yes.", seconds=0.12), most=bears) as server:
        lines = [Line(server.url, call_retries=8) for _ in range(4)]
        runs = [threading.Thread(target=run, args=(line,)) for line in lines]
        for thread in runs:
            thread.start()
        for thread in runs:
            thread.join(60)
    assert done == ["Yes."] * 200
    (gate,) = {line.gate for line in lines}
    assert 8 <= gate.limit <= bears + 1
    parallel = [in_flight for _, in_flight in server.parallel[60:-20]]
    assert max(parallel) == bears
    assert statistics.median(parallel) >= 5, "8 or more where the processors are free"
    assert server.turned_away < 50, "of 20 at first some 10, then one or two at a time"


@pytest.fixture
def reply_cache() -> Iterator[None]:
    kept, dspy.cache = dspy.cache, dspy.clients.Cache(False, True, None)
    yield
    dspy.cache = kept


@pytest.mark.usefixtures("reply_cache")
def test_a_reply_from_the_cache_is_marked_and_costs_nothing() -> None:
    with model_server(lambda request: "Yes.") as server:
        for model in (PRICED, "openai/gpt-5.4-pro", "anthropic/claude-sonnet-5"):
            first, second = Line(server.url, model, cache=True), Line(server.url, model, cache=True)
            assert first.ask() == second.ask()
            assert first.calls[0].usage.cached_calls == 0
            assert first.calls[0].usage.cost
            assert second.calls[0].usage == Usage(calls=1, cached_calls=1, cost=0.0)
        Line(server.url, cache=False).ask()
    assert len(server.requests) == 4, "off, it is not looked at"


def test_a_reply_cut_at_the_token_limit_says_so() -> None:
    with model_server(lambda request: Reply("Half an ans", finish="length")) as server:
        for model in (PRICED, "openai/gpt-5.4-pro", "anthropic/claude-sonnet-5"):
            line = Line(server.url, model)
            outputs = line.lm("What?")
            assert outputs.finish_reason == line.calls[0].finish == "length"
            assert models.text_of(outputs) == "Half an ans"


def test_an_engine_of_ones_own_has_no_gate_and_is_tried_once() -> None:
    class Failing:
        tried = 0

        def complete(self, request: object) -> object:
            self.tried += 1
            raise dspy.lm15.ServerError("no")

    engine = Failing()
    lm = models.TracedLM("my/model", around=lambda prompt, call: call()[0], engine=engine, cache=False)
    with pytest.raises(dspy.LMServerError):
        lm("Hi")
    assert engine.tried == 1
