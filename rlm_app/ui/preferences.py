"""The Settings page: what answers and why, keys, model servers, prices, a test call, and defaults for this session."""

import hashlib
from typing import Any

import streamlit as st

from rlm_app import wiring, wording
from rlm_app.application import App
from rlm_app.choosing import Setup, base_url, offered
from rlm_app.errors import RlmAppError
from rlm_app.model import KEYLESS_LABEL, RunConfig
from rlm_app.settings import PROVIDER_KEYS
from rlm_app.ui import figures, visitor
from rlm_app.ui.session import user_errors
from rlm_app.ui.text import literal

NAMES = {
    "openai": "OpenAI", "anthropic": "Anthropic", "gemini": "Google Gemini", "openrouter": "OpenRouter", "groq": "Groq",
    "mistral": "Mistral", "xai": "xAI", "deepseek": "DeepSeek", "moonshot": "Moonshot", "together_ai": "Together",
    "fireworks_ai": "Fireworks", "cerebras": "Cerebras", "cohere_chat": "Cohere", "bedrock": "Amazon Bedrock",
    "azure": "Azure OpenAI",
}  # fmt: skip
WHERE = {"environment": "the environment"}
TESTED, BROUGHT = "tested_models", "keys_brought"
SHOWN_MODELS = 12
NUMBERS = {
    "max_steps": "Steps at most",
    "max_llm_calls": "Sub-calls at most",
    "max_seconds": "Seconds at most",
    "max_cost": "USD at most",
}


def models_in_force(here: App) -> None:
    """Which models and which sandbox a run gets that names none, and why; with a test of the models."""
    setup = here.setup_for(visitor.own_keys())
    st.subheader("In force", anchor=False)
    sub_calls = "none are made" if setup.keyless else f"<b>{figures.safe(setup.sub_model)}</b>"
    label = f" — {KEYLESS_LABEL}" if setup.keyless else ""
    rows = [
        ["<nobr>root model</nobr>", f"<b>{figures.safe(setup.model)}</b>{label}", figures.safe(setup.model_why)],
        ["<nobr>sub-calls</nobr>", sub_calls, _why_sub_model(here, setup)],
        ["<nobr>sandbox</nobr>", f"<b>{figures.safe(setup.sandbox)}</b>", figures.safe(setup.sandbox_why)],
    ]
    st.html(figures.table(["", "", "why"], rows))
    for note in here.notes(here.config(keys=visitor.own_keys())):
        st.caption(literal(note))
    if setup.keyless:
        st.caption("There is no language model to test. Bring a key below, or start a model server on this machine.")
        return
    if st.button("Test", icon=":material/network_check:", help="One tiny call of each model", key="test"):
        st.session_state[TESTED] = (_named(setup), _test(here, setup))
    of, results = st.session_state.get(TESTED, ("", []))
    for model, seconds, failure in results if of == _named(setup) else []:
        if failure:
            st.error(literal(failure, 500), icon=":material/error:")
        else:
            st.success(literal(f"{model} replied in {_latency(seconds)}."), icon=":material/check_circle:")


def _why_sub_model(here: App, setup: Setup) -> str:
    if setup.keyless:
        return ""
    return "set by RLM_APP_SUB_MODEL" if here.settings.sub_model else "chosen to fit the root model"


def _latency(seconds: float) -> str:
    return f"{1000 * seconds:,.0f} ms" if seconds < 1 else wording.seconds(seconds)


def _named(setup: Setup) -> str:
    """Which models a test was of, and with which of the visitor's keys."""
    held = "".join(key.get_secret_value() for key in visitor.own_keys().values())
    return f"{setup.model} {setup.sub_model} {hashlib.sha256(held.encode()).hexdigest()}"


def _test(here: App, setup: Setup) -> list[tuple[str, float, str]]:
    """Each model with the seconds of its reply, or with the sentence that says why there was none."""
    results = []
    for model in dict.fromkeys((setup.model, setup.sub_model)):
        with st.spinner(f"Asking {literal(model)}"):
            try:
                seconds, _ = wiring.probe_model(here.settings, model, visitor.own_keys())
                results.append((model, seconds, ""))
            except RlmAppError as error:
                results.append((model, 0.0, str(error)))
    return results


def keys_panel(here: App) -> None:
    """Which keys are set and where, never their text, and a field to bring one for this session."""
    st.subheader("Keys", anchor=False)
    setup = here.setup_for(visitor.own_keys())
    rows = [
        [figures.safe(key.name), f"set in {figures.safe(WHERE.get(key.source, key.source))}"]
        for key in setup.keys
        if key.source
    ]
    lacking = [key.name for key in setup.keys if not key.source]
    if rows:
        st.html(figures.table(["variable", ""], rows))
    st.caption(f"Not set: {', '.join(map(literal, lacking))}.")
    # A field of another name after each key: the session then keeps nothing of what was typed.
    field = f"bring_key_{st.session_state.get(BROUGHT, 0)}"
    with st.form("bring", border=True):
        st.markdown("Bring a key of your own for this session")
        with st.container(horizontal=True, vertical_alignment="bottom"):
            provider = st.selectbox(
                "Provider", list(PROVIDER_KEYS), format_func=NAMES.__getitem__, key="bring_provider"
            )
            key = st.text_input("Key", type="password", key=field, autocomplete="off")
            used = st.form_submit_button("Use it")
        st.caption(
            "It is kept in the memory of this session until you reload the page, goes to its own provider alone, and "
            "is in no run, log, address or sandbox. It comes before the installation's keys."
        )
    if used and provider and (key or "").strip():
        visitor.bring(provider, key or "")
        st.session_state[BROUGHT] = st.session_state.get(BROUGHT, 0) + 1
        st.rerun()
    for name in visitor.own_keys():
        st.button(f"Forget my key for {NAMES[name]}", key=f"forget-{name}", on_click=visitor.bring, args=(name, ""))


def servers_panel(here: App) -> None:
    """Model servers that answer on this machine, and addresses that are set."""
    st.subheader("Model servers", anchor=False)
    servers = here.local_models()
    rows = []
    for server in servers:
        shown = [figures.safe(model) for model in server.model_strings[:SHOWN_MODELS]]
        more = len(server.models) - len(shown)
        listed = "<br>".join([*shown, *([f"and {more} more"] if more > 0 else [])])
        rows.append([f"<nobr>{figures.safe(server.name)}</nobr>", figures.safe(server.address), listed])
    found = {server.provider for server in servers}
    for provider in PROVIDER_KEYS:
        if provider not in found and (address := base_url(provider, here.settings)):
            rows.append([NAMES[provider], figures.safe(address), "the address that is set for it"])
    if rows:
        st.html(figures.table(["server", "address", "models"], rows))
    if not servers:
        st.caption(
            "None answers on this machine. Ollama (port 11434), LM Studio (1234) and llama.cpp (8080) are found."
        )


def session_defaults(here: App) -> None:
    """How runs go that say nothing else, for this session; what the environment sets is shown as set by it."""
    st.subheader("Defaults of a run", anchor=False)
    st.caption("They hold for this session. Each run can still say otherwise on the Ask page.")
    with st.form("defaults", border=True):
        changes: dict[str, Any] = {"model": _model_field(here)}
        with st.grid(4):
            changes |= {name: _number(here, name, label) for name, label in NUMBERS.items()}
        with st.grid(2):
            changes["on_limit"] = on_limit_field(in_force(here, "on_limit"), key="default_on_limit")
            changes["cache"] = cache_field(in_force(here, "cache"), key="default_cache")
        kept = st.form_submit_button("Keep for this session")
    if kept:
        with user_errors():
            own = {name: value for name, value in changes.items() if value != getattr(here.settings, name)}
            here.config(keys=visitor.own_keys(), **own)
            visitor.prefer(own)
            st.toast("Kept for this session.")
    sources = here.settings.sources
    given = [(name, sources[f"RLM_APP_{name.upper()}"]) for name in changes if f"RLM_APP_{name.upper()}" in sources]
    for name, where in given:
        value = getattr(here.settings, name)
        st.caption(f"RLM\\_APP\\_{literal(name.upper())} = {literal(str(value))}, set in {WHERE.get(where, where)}")


def _model_field(here: App) -> str:
    models = ["auto", *offered(here.settings.with_keys(visitor.own_keys()), here.local_models())]
    now = in_force(here, "model")
    models = list(dict.fromkeys([now, *models]))
    return st.selectbox("Model", models, key="default_model", accept_new_options=True) or "auto"


def _number(here: App, name: str, label: str) -> Any:
    value = in_force(here, name)
    whole = RunConfig.model_fields[name].annotation is int
    if whole:
        return st.number_input(label, value=int(value), key=f"default_{name}")
    number = None if value is None else float(value)
    return st.number_input(label, value=number, format="%g", placeholder="no limit", key=f"default_{name}")


def in_force(here: App, name: str) -> Any:
    """What a run gets for a field that it says nothing of: the visitor's own default, or the installation's."""
    return visitor.defaults().get(name, getattr(here.settings, name))


def on_limit_field(value: str, *, key: str, bind: Any = None) -> str:
    """What a run does when a budget is spent."""
    words = ["answer", "stop"]  # as addresses have them
    said = "answer: with what it has found by then, marked as a fallback. stop: without an answer."
    return str(st.selectbox("At a limit", words, words.index(value), help=said, key=key, bind=bind))


def cache_field(value: bool, *, key: str, bind: Any = None) -> bool:
    """Whether replies to equal calls of earlier may be taken."""
    return bool(st.toggle("Take replies stored from earlier, equal calls", value=value, key=key, bind=bind))


def prices_panel(here: App) -> None:
    """Prices that the settings override; all others are those that dspy brings."""
    st.subheader("Prices", anchor=False)
    rows = [
        [
            figures.safe(model),
            *(f"${tariff[kind]:g}" if kind in tariff else "" for kind in ("input", "cached", "output")),
        ]
        for model, tariff in here.settings.prices.items()
    ]
    if rows:
        st.html(figures.table(["model", "input", "cached", "output"], rows))
        st.caption("USD per million tokens, from RLM\\_APP\\_PRICES. Other models cost what dspy's price list says.")
    else:
        st.caption(
            "Models cost what dspy's price list says; where it says nothing the cost is unknown, never 0. "
            "RLM\\_APP\\_PRICES sets prices of your own."
        )
