"""What left this machine, from what a run stored."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlm_app.choosing import Destination, destination
from rlm_app.leaving import Sent, sent, summary
from rlm_app.model import Body, Run, SandboxUse, SubCall, Usage
from rlm_app.settings import load_settings
from tests.test_export import make_run, make_step

SETTINGS = load_settings({}, _env_file=None)


@pytest.fixture(autouse=True)
def _no_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_BASE_URL", "OPENAI_API_BASE", "OLLAMA_HOST", "OLLAMA_CHAT_API_BASE", "OLLAMA_CHAT_BASE_URL"):
        monkeypatch.delenv(name, raising=False)


def run_of(model: str, sandbox: SandboxUse | None, sub_model: str | None = None, **fields: object) -> Run:
    run = make_run(sandbox=sandbox, **fields)
    config = run.config.model_copy(update={"model": model, "sub_model": sub_model})
    return make_run(sandbox=sandbox, config=config, **fields)


def test_with_neither_model_nor_cloud_nothing_leaves() -> None:
    run = run_of("keyless/bm25", SandboxUse("monty", None, 0.0, 1.0, 5000))
    assert sent(run, SETTINGS) == (Sent("sandbox", Destination("Monty", here=True), 5000),)
    assert summary(sent(run, SETTINGS)) == "Nothing left this machine."


def test_each_place_has_its_bytes() -> None:
    call = SubCall("c", 1, "groq/small", 0.0, Body(chars=1, text="p"), usage=Usage(calls=1, bytes_sent=700))
    step = make_step(usage=Usage(calls=1, bytes_sent=41_200), sub_calls=(call,))
    run = run_of("openai/x", SandboxUse("e2b", "box", 0.0, 1.0, 1_500_000), "groq/small", steps=(step,))
    assert summary(sent(run, SETTINGS)) == "Left this machine: 41.2 kB to openai, 700 B to groq, 1.5 MB to E2B."
    same = run_of("openai/x", SandboxUse("monty", None, 0.0), "openai/y", steps=(step,))
    assert summary(sent(same, SETTINGS)) == "Left this machine: 41.9 kB to openai."


def test_what_is_not_counted_yet_is_not_nothing() -> None:
    run = run_of("keyless/bm25", SandboxUse("e2b", "box", 0.0))
    assert summary(sent(run, SETTINGS)) == "Left this machine: what is not counted yet to E2B."


def test_a_server_on_this_machine_is_said_to_be_here(monkeypatch: pytest.MonkeyPatch) -> None:
    step = make_step(usage=Usage(calls=1, bytes_sent=10))
    run = run_of("ollama_chat/x", SandboxUse("monty", None, 0.0, 1.0, 5), steps=(step,))
    assert sent(run, SETTINGS)[0] == Sent("root model ollama_chat/x", Destination("Ollama", here=True), 10)
    assert summary(sent(run, SETTINGS)) == "Nothing left this machine."
    monkeypatch.setenv("OLLAMA_HOST", "gpu.example.org:11434")
    assert summary(sent(run, SETTINGS)) == "Left this machine: 10 B to gpu.example.org."


@pytest.mark.parametrize(
    ("model", "bases", "place"),
    [
        ("openai/x", {}, Destination("openai")),
        ("direct/openai/x", {}, Destination("openai")),
        ("openai/x", {"openai": "http://127.9.9.9:1/v1"}, Destination("127.9.9.9", here=True)),
        ("openai/x", {"openai": "http://[::1]:1/v1"}, Destination("::1", here=True)),
        ("openai/x", {"openai": "https://gateway.example.org/v1"}, Destination("gateway.example.org")),
        ("openai/x", {"openai": "http://192.168.0.7:1/v1"}, Destination("192.168.0.7")),
        ("lm_studio/x", {}, Destination("LM Studio", here=True)),
        ("keyless/bm25", {}, None),
        ("always-B", {}, None),
    ],
)
def test_where_prompts_go(model: str, bases: dict[str, str], place: Destination | None) -> None:
    assert destination(model, load_settings({}, _env_file=None, api_bases=bases)) == place


@given(st.lists(st.tuples(st.booleans(), st.one_of(st.none(), st.integers(0, 10**9)))))
def test_nothing_left_only_where_nothing_did(places: list[tuple[bool, int | None]]) -> None:
    parts = tuple(Sent("x", Destination("p", here=here), size) for here, size in places)
    away = any(size != 0 for here, size in places if not here)
    assert (summary(parts) == "Nothing left this machine.") == (not away)
