"""The exported document holds the whole run and survives what is in it."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rlm_app.export import to_markdown
from rlm_app.model import Body, Citation, Question, Rejected, Run, RunConfig, Step, SubCall, Usage


def make_run(**fields: object) -> Run:
    base: dict[str, object] = {
        "id": "r",
        "source": "s",
        "question": Question(text="Why?"),
        "config": RunConfig(),
        "started": 0.0,
    }
    return Run(**(base | fields))  # type: ignore[arg-type]


def make_step(**fields: object) -> Step:
    base: dict[str, object] = {
        "number": 1, "reasoning": "Look.", "code": "print(1)", "usage": Usage(), "model_seconds": 0.5, "started": 0.0,
        "output": "1", "output_chars": 1, "seconds": 0.5,
    }  # fmt: skip
    return Step(**(base | fields))  # type: ignore[arg-type]


def test_a_run_without_an_answer_says_why() -> None:
    text = to_markdown(make_run(status="failed", error="The model gave no usable reply."))
    assert "Status: failed" in text
    assert "The model gave no usable reply." in text
    assert "There is no answer yet" not in text


def test_a_fallback_answer_is_named_one() -> None:
    assert "*fallback answer: steps ran out*" in to_markdown(make_run(status="extracted", answer="Perhaps."))


def test_an_unknown_price_is_not_zero() -> None:
    call = SubCall("c", 1, "m", 0.0, Body(chars=1, text="p"), usage=Usage(calls=1, cost=None))
    text = to_markdown(make_run(status="answered", answer="x", steps=(make_step(sub_calls=(call,)),)))
    assert "Cost: unknown" in text
    assert "sub-calls: 1" in text


def test_an_answer_at_a_limit_is_a_fallback_that_names_it() -> None:
    spent = "The cost limit was reached."
    text = to_markdown(make_run(status="limit", limit="max_cost", answer="Perhaps.", error=spent))
    assert "Status: fallback answer: with what it had at the cost limit" in text
    assert "*fallback answer: with what it had at the cost limit*\n\nThe cost limit was reached.\n\nPerhaps." in text


def test_rejected_replies_usage_and_resuming_are_told() -> None:
    reply = Rejected(1, "It has no code.", Body(chars=9, text="Shall I?"), Usage(calls=1, tokens_in=10))
    last = Rejected(2, "It is empty.", Body(chars=90_000, blob="ab"), Usage())
    usage = Usage(calls=2, tokens_in=1200, tokens_out=50, bytes_sent=4321, cost=0.25)
    step = make_step(rejected=(reply,), usage=usage)
    text = to_markdown(make_run(steps=(step,), rejected=(last,), resumed=1))
    assert "A reply to step 1 was no step: It has no code.\n\n```text\nShall I?\n```" in text
    assert "It is empty.\n\n(90,000 characters, not shown)" in text
    assert "Root model: keyless/bm25, 3 calls, 1.21 k tokens in, 50 out, $0.2500, 4,321 bytes sent" in text
    assert "Taken up again by another process: 1 time" in text


def test_citations_carry_status_and_address() -> None:
    found = Citation(path="a.py", first=1, last=2, status="verified", url="https://example.org/a.py#L1-L2")
    lost = Citation(path="b.py", first=9, last=9, status="not found")
    text = to_markdown(make_run(status="answered", answer="x", citations=(found, lost)))
    assert "1. ✓ verified: `a.py:1-2` <https://example.org/a.py#L1-L2>" in text
    assert "2. ✗ not found: `b.py:9`" in text


@pytest.mark.parametrize(("seconds", "said"), [(None, "did not finish"), (1.5, "2.0 s")])
def test_a_step_says_how_long_it_took(seconds: float | None, said: str) -> None:
    assert f"### Step 1 ({said})" in to_markdown(make_run(steps=(make_step(seconds=seconds),)))


@given(st.text(alphabet="`~ab\n", max_size=40))
@example("a\n```\n````python\nb")
def test_no_code_can_end_its_own_block(code: str) -> None:
    text = to_markdown(make_run(steps=(make_step(code=code, output=None),)))
    opening = re.search(r"^(`{3,})python$", text, re.MULTILINE)
    assert opening
    block = text[opening.end() + 1 :]
    assert block.rstrip("\n").removesuffix(opening[1]).rstrip() == code.rstrip()
    assert opening[1] not in code
