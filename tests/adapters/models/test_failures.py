"""Every way a call can fail, over a real socket: told apart, told plainly, and without a key."""

import json
import socket
from urllib.parse import quote, quote_plus

import dspy
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from rlm_app.adapters import models
from rlm_app.adapters.models.failures import SENTENCES, kind_of
from rlm_app.model import Usage
from rlm_app.settings import load_settings
from tests.adapters.models.lines import CANARY, Line
from tests.model_server import Reply, error, model_server

KEYS = [SecretStr(CANARY)]
ECHO = f"for Bearer {CANARY} and {quote(CANARY + '/')}"
LONG = "This model's maximum context length is 8192 tokens."

REFUSALS = {
    "401": (error(401, "invalid_api_key", ECHO), "key", "key for openai/gpt-5.4 was refused"),
    "403": (error(403, "forbidden", ECHO), "key", "key for openai/gpt-5.4 was refused"),
    "402": (error(402, "payment_required", ECHO), "credit", "no credit or quota"),
    "429 quota": (error(429, "insufficient_quota", ECHO), "credit", "no credit or quota"),
    "429": (error(429, "rate_limit_exceeded", ECHO), "rate", "limits the rate of calls;"),
    "429 for long": (error(429, "rate", ECHO, Retry_After="3600"), "rate", "asks for 3,600 s of patience"),
    "404": (error(404, "model_not_found", ECHO), "model", "no model openai/gpt-5.4"),
    "404 page": (Reply(status=404, body=b"<h1>404</h1>"), "model", "check its name and the address"),
    "context by code": (error(400, "context_length_exceeded", ECHO), "context", "no longer fits"),
    "context by words": (error(400, "BadRequestError", LONG), "context", "no longer fits"),
    "filter by code": (error(400, "content_filter", ECHO), "filter", "refused to answer"),
    "bad request": (error(422, "bad", f"no top_k; {ECHO}"), "request", r"did not take the request \(no top_k; for "),
    "500": (error(500, "server_error", ECHO), "server", r"error of its own \(500\)"),
    "503": (Reply(status=503, body=b"upstream"), "server", r"\(503\)"),
    "529": (error(529, "overloaded_error", ECHO), "server", r"\(529\)"),
    "408": (error(408, "timeout", ECHO), "timeout", "did not reply in time"),
    "not JSON": (Reply(body=b"<html>Welcome to the hotel's network</html>"), "garbage", "not a reply of a model"),
    "half JSON": (Reply(body=b'{"choices": [{"mess'), "garbage", "not a reply of a model"),
    "other JSON": (Reply(body={"hello": 1}), "garbage", "not a reply of a model"),
    "error with 200": (Reply(body={"error": {"code": 402, "message": ECHO}}), "credit", "no credit or quota"),
    "short body": (Reply("Yes.", cut=40), "cut", "broke off"),
    "no body": (Reply("Yes.", cut=0), "cut", "broke off"),
    "refusal": (Reply(None, refusal="I cannot."), "filter", "refused to answer"),
    "filtered": (Reply("Half a", finish="content_filter"), "filter", "refused to answer"),
    "slow": (Reply("Yes.", seconds=3), "timeout", "did not reply in time"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_each_failure_is_told_apart_in_a_sentence_without_the_key(case: str) -> None:
    reply, kind, words = REFUSALS[case]
    with model_server(lambda request: reply) as server:
        line = Line(server.url, call_seconds=1)
        with pytest.raises(dspy.LMError) as caught:
            line.ask()
    assert kind_of(caught.value) == kind
    failure = models.model_failure(caught.value, "openai/gpt-5.4", KEYS)
    with pytest.raises(type(failure), match=words):
        raise failure
    assert "\n" not in str(failure)
    assert str(failure).endswith(".")
    assert "canary" not in str(failure)
    assert "canary" not in str(models.scrubbed(caught.value, KEYS))
    assert len(server.requests) == 1
    assert models.is_model_error(caught.value)


@pytest.mark.parametrize("key", ["sk-canary\nsk-canary", "sk-canary\u2026"])
def test_a_key_that_no_header_holds_is_told_as_one_and_not_tried_again(key: str) -> None:
    with model_server(lambda request: "never") as server:
        settings = load_settings({}, _env_file=None, api_bases={"openai": server.url})
        reached = models.connection("openai/gpt-5.4", settings.with_keys({"openai": SecretStr(key)}))
        calls: list[models.Call] = []
        model = models.TracedLM("openai/gpt-5.4", around=lambda prompt, call: calls.append(call) or call(), **reached)
        with pytest.raises(dspy.LMError) as caught:
            model("Hello")
    said = models.sentence_of(caught.value, "openai/gpt-5.4", [SecretStr(key)])
    assert "copy it anew" in said
    assert "canary" not in said
    assert [(call.tries, call.usage.cost, call.usage.bytes_sent) for call in calls] == [(1, 0, 0)]


def test_nobody_at_the_address_and_tls_where_there_is_none() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening
        assert told(f"http://127.0.0.1:{taken.getsockname()[1]}/v1") == "refused"
    assert told("http://no-such-host.invalid/v1") == "unreachable"
    with model_server(lambda request: "Yes.") as server:
        assert told(server.url.replace("http:", "https:")) == "tls"


def told(url: str) -> str:
    line = Line(url, call_retries=5)
    with pytest.raises(dspy.LMError) as caught:
        line.ask()
    assert line.calls[0].tries == 1, "waiting mends none of these"
    assert (
        str(models.model_failure(caught.value, "openai/gpt-5.4", KEYS)).endswith("that is set for it.")
        or kind_of(caught.value) == "tls"
    )
    return kind_of(caught.value)


def test_a_missing_key_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GROQ_API_KEY", raising=False)
    from rlm_app.settings import load_settings

    connection = models.connection("groq/some-model", load_settings({}, _env_file=None))
    with pytest.raises(dspy.LMNotConfiguredError) as caught:
        models.TracedLM("groq/some-model", around=lambda prompt, call: call()[0], **connection)("Hi")
    assert "set the key" in str(models.model_failure(caught.value, "groq/some-model"))


def test_anthropic_says_the_same_in_its_own_words() -> None:
    def refusal(status: int, kind: str, said: str) -> Reply:
        return Reply(status=status, body={"type": "error", "error": {"type": kind, "message": said}})

    replies = {
        "key": refusal(401, "authentication_error", "invalid x-api-key"),
        "credit": refusal(400, "billing_error", "Your credit balance is too low"),
        "rate": refusal(429, "rate_limit_error", "slow down"),
        "model": refusal(404, "not_found_error", "model: claude-x not found"),
        "context": refusal(400, "invalid_request_error", "prompt is too long: 250000 tokens"),
        "server": refusal(529, "overloaded_error", "Overloaded"),
        "filter": Reply("", finish="content_filter"),
    }
    for kind, reply in replies.items():
        with model_server(lambda request, reply=reply: reply) as server:
            with pytest.raises(dspy.LMError) as caught:
                Line(server.url, "anthropic/claude-sonnet-5").ask()
            assert server.headers[0]["x-api-key"] == CANARY
        assert kind_of(caught.value) == kind


def test_a_refusal_was_paid_for_and_keeps_its_words() -> None:
    with model_server(lambda request: Reply(None, refusal="I cannot.")) as server:
        line = Line(server.url)
        with pytest.raises(models.Refused, match="I cannot") as caught:
            line.ask()
    assert caught.value.reply == "I cannot."
    assert caught.value.usage.tokens_out == 100
    assert models.usage_of_failed(caught.value) == line.calls[0].usage == caught.value.usage


def test_what_a_failed_call_cost() -> None:
    assert models.usage_of_failed(dspy.LMAuthError("no")) == Usage(calls=1, cost=0)
    assert models.usage_of_failed(dspy.LMTransportError("cut")).cost is None
    assert models.usage_of_failed(dspy.LMTransportError("cut"), models.Tariff(here=True)).cost == 0


@given(st.text("abcXYZ019+/=&% ", min_size=8, max_size=40).filter(str.strip))
def test_no_key_survives_scrubbing_in_any_spelling(secret: str) -> None:
    for written in (secret, quote(secret), quote(secret, safe=""), quote_plus(secret)):
        clean = models.scrub(f"<{written}>", [SecretStr(secret)])
        assert set(clean) <= set("<[key]>"), clean


def test_a_key_that_begins_another_leaves_nothing_of_it() -> None:
    assert models.scrub("it is abc123-rest", [SecretStr("abc123"), SecretStr("abc123-rest")]) == "it is [key]"


@pytest.mark.parametrize(
    "said",
    [
        "Incorrect API key provided: sk-proj-abc***********wxyz",
        "Authorization: Bearer abcdef.ghijkl-mnopqr",
        "GET /v1?key=1&api_key=abcdefgh123",
        'headers {"x-api-key": "abcdefgh123"}',
        "key AIzaSyA1234567890abcdefghij refused",
        "proxy http://me:abcdefgh123@proxy:80",
    ],
)
def test_what_looks_like_a_key_goes_too(said: str) -> None:
    clean = models.scrub(said, [])
    assert "[key]" in clean
    assert not {"abcdefgh123", "wxyz", "ghijkl", "AIzaSy"} & set(clean.replace(":", " ").replace("@", " ").split())
    assert "abcdefgh123" not in clean


def test_every_sentence_says_what_to_do_and_fits_its_gaps() -> None:
    for sentence in SENTENCES.values():
        told = sentence.format(model="a/b", detail="x", status="", wait="")
        assert "a/b" in told
        assert json.dumps(told).isascii()
