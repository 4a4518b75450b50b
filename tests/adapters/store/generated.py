"""Any run at all, for the laws. Lone surrogates and NUL are among the characters: models and sandboxes send them."""

from datetime import timedelta
from typing import Any

from hypothesis import strategies as st

from rlm_app.events import (
    ContextLoaded,
    Event,
    LimitReached,
    PhaseProgress,
    PhaseStarted,
    ReplyRejected,
    RunFinished,
    RunResumed,
    StepFinished,
    StepStarted,
    SubCallFinished,
    SubCallStarted,
)
from rlm_app.model import Body, Usage
from tests.adapters.store.told import START, corpus, receipt, start

texts = st.text(st.characters(exclude_categories=()), max_size=12) | st.sampled_from(
    ["\ud83d", "\ud83d\ude00", "a\0b", "Ä%_\\"]
)
numbers = st.floats(min_value=0, max_value=1e6)
usages = st.builds(Usage, calls=st.integers(0, 9), tokens_in=st.integers(0, 10**9), cost=st.none() | numbers)
bodies = st.builds(Body, chars=st.integers(0, 9), text=texts)
receipts = st.builds(lambda name: receipt(corpus(name=name)), texts)
steps = st.integers(1, 3)
call_ids = st.sampled_from("abc")

middles: list[st.SearchStrategy[tuple[type, dict[str, Any]]]] = [
    st.tuples(st.just(kind), st.fixed_dictionaries(fields))
    for kind, fields in [
        (PhaseStarted, {"phase": st.just("clone"), "note": texts}),
        (PhaseProgress, {"phase": st.just("clone"), "done": st.integers(0, 9), "note": texts}),
        (ContextLoaded, {"receipt": receipts}),
        (RunResumed, {}),
        (ReplyRejected, {"step": steps, "reason": texts, "reply": bodies, "usage": usages, "seconds": numbers}),
        (StepStarted, {"step": steps, "reasoning": texts, "code": texts, "usage": usages, "model_seconds": numbers}),
        (StepFinished, {"step": steps, "output": texts, "output_chars": st.integers(0, 9), "seconds": numbers}),
        (SubCallStarted, {"call_id": call_ids, "step": steps, "model": texts, "prompt": bodies}),
        (SubCallFinished, {"call_id": call_ids, "response": bodies, "usage": usages, "seconds": numbers}),
        (LimitReached, {"limit": texts, "message": texts}),
    ]
]
ends = st.tuples(
    st.just(RunFinished),
    st.fixed_dictionaries(
        {
            "status": st.sampled_from(["answered", "extracted", "limit", "cancelled", "failed", "interrupted"]),
            "answer": st.none() | texts,
            "usage": usages,
        }
    ),
)


@st.composite
def runs(draw: st.DrawFn, run_id: str) -> list[Event]:
    """Events of one run in order, finished or not, interrupted and resumed on the way or not."""
    first = start(run_id, source=draw(texts), question=draw(texts), model=draw(texts))
    some = st.lists(st.one_of(middles), max_size=8)
    rest = draw(some) + draw(st.lists(ends, max_size=1))
    if rest and rest[-1][1].get("status") == "interrupted":
        rest += [(RunResumed, {}), *draw(some), *draw(st.lists(ends, max_size=1))]
    times = draw(st.lists(st.integers(0, 10**9), min_size=len(rest), max_size=len(rest)))
    return [
        first,
        *(
            kind(seq=seq, at=START + timedelta(microseconds=time), **fields)
            for seq, ((kind, fields), time) in enumerate(zip(rest, times, strict=True), 1)
        ),
    ]
