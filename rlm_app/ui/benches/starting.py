"""Starting a bench: what it is, what it will probably take, and the one that needs no key."""

import time
from typing import Any

import streamlit as st

from rlm_app.application import App
from rlm_app.benchmarking import Plan, Wanted
from rlm_app.choosing import SANDBOXES, offered, offered_sandboxes
from rlm_app.datasets.collection import QUICK as QUICK_EXAMPLES
from rlm_app.datasets.collection import STDLIB
from rlm_app.datasets.making import Making
from rlm_app.errors import NotFound
from rlm_app.model import KEYLESS_LABEL, KEYLESS_MODEL
from rlm_app.ui import figures, visitor
from rlm_app.ui.places import BENCHMARKS
from rlm_app.ui.session import user_errors
from rlm_app.ui.text import literal
from rlm_app.wording import IMPORT_WORDS, cost

QUICK = "quick"
ALWAYS = "always-C"
WAITING = "bench_to_start"
TICK_SECONDS = 0.5
METHODS = {"": "Explores the code (RLM)", "direct/": "Context in the prompt", "no-context/": "Without the context"}
"""How a model is asked, by what stands before its name."""


def first_visit(here: App) -> None:
    """What will be here, and the bench that anybody can run."""
    st.markdown(
        "Here will be how often models are right about code, how sure that is, what it costs, and every run behind "
        "it. There is no bench yet."
    )
    if making_under_way(here):
        return
    if st.button("Run the built-in benchmark", type="primary", icon=":material/play_arrow:"):
        with user_errors():
            config = here.config(model=KEYLESS_MODEL, sub_model=KEYLESS_MODEL, cache=False)
            begin(here, Wanted(config, STDLIB, QUICK), here.settings.workers)
    st.caption(
        f"{QUICK_EXAMPLES} questions about Python's own library, answered by {KEYLESS_MODEL} ({KEYLESS_LABEL}): about "
        "a minute, without a key or a network."
    )


def start_form(here: App) -> None:
    """Any bench, with its estimate before it starts."""
    form = st.expander("Start a bench", icon=":material/add:", key="start_form", on_change="rerun")
    if not form.open:
        return
    with form, user_errors():
        wanted, workers = _wanted(here)
        if making_under_way(here):
            return
        if not _stored(here, wanted.dataset):
            st.caption("Its questions are made first, in about ten seconds, from the code of Python's own library.")
            if st.button("Start", type="primary", key="start_bench"):
                begin(here, wanted, workers)
            return
        _offer(here, here.bencher.plan(wanted, workers=workers), workers)


def _wanted(here: App) -> tuple[Wanted, int]:
    settings = here.settings
    names = list(dict.fromkeys([*(stored.name for stored in here.collection.datasets.datasets()), STDLIB]))
    models = [*offered(settings.with_keys(visitor.own_keys()), here.local_models()), ALWAYS]
    with st.grid(3):
        dataset = st.selectbox("Data set", names, key="new_dataset")
        split = st.selectbox("Split", _splits(here, dataset), key="new_split")
        limit = st.number_input("Examples at most", 1, None, None, key="new_limit", placeholder="all of the split")
        model = st.selectbox("Model", models, key="new_model", accept_new_options=True)
        method = st.selectbox("Method", METHODS, format_func=lambda prefix: METHODS[prefix], key="new_method")
        sub_model = st.selectbox(
            "Model for sub-calls", models[:-1], index=None, placeholder="chosen to fit", key="new_sub_model",
            accept_new_options=True,
        )  # fmt: skip
        epochs = st.number_input("Epochs", 1, 100, 1, key="new_epochs", help="How often each question is asked")
        workers = st.number_input("Questions at a time", 1, 64, settings.workers, key="new_workers")
        sandbox = st.selectbox(
            "Sandbox", offered_sandboxes(settings), format_func=lambda name: SANDBOXES[name], key="new_sandbox"
        )
        budget = _usd("USD for the whole bench", "new_budget")
        each = _usd("USD for one question", "new_max_cost")
        seed = st.number_input(
            "Shuffle the choices", value=None, step=1, placeholder="as they come", key="new_seed", help="A seed"
        )
    changes: dict[str, Any] = {"sub_model": sub_model, "sandbox": sandbox, "max_cost": each, "cache": False}
    config = here.config(keys=visitor.own_keys(), model=f"{method}{model}", **changes)
    return Wanted(config, dataset, split, epochs, limit, seed, budget), workers


def _usd(label: str, key: str) -> float | None:
    return st.number_input(label, 0.0001, None, None, key=key, format="%g", placeholder="no limit")


def _splits(here: App, dataset: str) -> list[str]:
    if not _stored(here, dataset):
        return [QUICK, "all"]
    return list(here.collection.datasets.dataset(dataset).splits)


def _stored(here: App, dataset: str) -> bool:
    try:
        return bool(here.collection.datasets.dataset(dataset))
    except NotFound:
        return False


def _offer(here: App, plan: Plan, workers: int) -> None:
    st.html(figures.facts(f"Expected: {figures.safe(str(plan.estimate), 400)}"))
    try:
        stored = here.bencher.standing(plan.bench.id)
    except NotFound:
        stored = None
    if stored and stored.tally.done == stored.tally.total:
        st.caption("This bench is done already: the same examples, model and settings.")
        if st.button("Open it", key="open_done"):
            st.switch_page(BENCHMARKS, query_params={"bench": plan.bench.id})
        return
    if st.button("Go on with it" if stored else "Start", type="primary", key="start_bench"):
        if plan.free:
            launch(here, plan, workers)
        else:
            confirm(here, plan, workers)


@st.dialog("Start this bench?")
def confirm(here: App, plan: Plan, workers: int) -> None:
    """Ask before money may be spent."""
    likely, cap = plan.estimate.cost, plan.bench.max_cost
    expected = "cost unknown" if likely is None else " to ".join(dict.fromkeys(map(cost, likely)))
    st.markdown(literal(f"{plan.estimate.attempts:,} attempts with {plan.bench.config.model}: {expected}."))
    st.caption(f"It stops before {cost(cap)} are passed." if cap else "There is no limit on what the bench may cost.")
    with st.container(horizontal=True):
        if st.button("Start it", type="primary", key="start_now"):
            with user_errors():
                launch(here, plan, workers)
        if st.button("Not now", key="not_now"):
            st.rerun()


def launch(here: App, plan: Plan, workers: int) -> None:
    """Start a planned bench and open it."""
    bench_id = here.bencher.start(plan.bench, workers=workers, keys=visitor.own_keys())
    st.switch_page(BENCHMARKS, query_params={"bench": bench_id})


def begin(here: App, wanted: Wanted, workers: int) -> None:
    """Start a bench, its data set being made first where it is not there. Raises: UserError."""
    if _stored(here, wanted.dataset):
        launch(here, here.bencher.plan(wanted, workers=workers), workers)
    st.session_state[WAITING] = wanted, workers
    here.makings.start(wanted.dataset)
    st.rerun()


def making_under_way(here: App) -> bool:
    """Whether this session waits for a data set: how far it is, and once it is there, the bench starts."""
    if WAITING not in st.session_state:
        return False
    wanted, workers = st.session_state[WAITING]
    making = here.makings.find(wanted.dataset)
    if making and not making.finished:
        st.fragment(_watch, run_every=TICK_SECONDS)(making)
        if st.button("Stop", icon=":material/stop_circle:", key="stop_making"):
            here.makings.stop(making)
            st.rerun()
        return True
    del st.session_state[WAITING]
    if making and making.error:
        st.error(literal(making.error, 2000), icon=":material/error:")
    if making and making.dataset:
        with user_errors():
            plan = here.bencher.plan(wanted, workers=workers)
            if plan.free:
                launch(here, plan, workers)
    return False


def _watch(making: Making) -> None:
    if making.finished:
        st.rerun()
    words = [IMPORT_WORDS.get(making.what, making.what), making.note, figures.seconds(time.time() - making.started)]
    st.markdown(f":shimmer[{' · '.join(literal(word) for word in words if word)}]")
