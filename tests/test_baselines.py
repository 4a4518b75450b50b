from hypothesis import given
from hypothesis import strategies as st

from rlm_app.baselines import Baseline, baseline, cut_middle, prompt
from rlm_app.model import Question
from rlm_app.scoring import letter

QUESTION = Question(text="Which one?", choices={"A": "one", "B": "two"})


def test_names_of_baselines_and_of_what_is_none() -> None:
    assert baseline("direct/openai/gpt-5.4") == Baseline("direct", "openai/gpt-5.4")
    assert baseline("no-context/ollama_chat/x") == Baseline("no-context", "ollama_chat/x")
    assert baseline("always-C") == Baseline("always", "C")
    assert [baseline(name) for name in ("openai/gpt-5.4", "keyless/bm25", "always-", "always-CC", "direct")] == [
        None
    ] * 5


@given(st.text(), st.integers(0, 100))
def test_a_cut_keeps_both_ends_and_fits(text: str, room: int) -> None:
    kept = cut_middle(text, room)
    assert len(kept) == min(len(text), room)
    if len(text) > room:
        head = room // 2
        assert text.startswith(kept[:head])
        assert text.endswith(kept[head:])


def test_the_prompt_is_longbenchs_with_the_middle_left_out() -> None:
    context = "head " + "x" * 1000 + " tail"
    whole = prompt(QUESTION, context, 10_000)
    assert whole.left_out == 0
    assert f"<text>\n{context}\n</text>" in whole.text
    assert "(A) one\n(B) two\n" in whole.text
    assert whole.text.endswith('Format your response as follows: "The correct answer is (insert answer here)".')
    cut = prompt(QUESTION, context, 500)
    assert len(cut.text) == 500
    assert (cut.text.count("x") < 1000, "head " in cut.text, " tail\n</text>" in cut.text) == (True, True, True)
    assert cut.left_out == len(context) - (len(context) - (len(whole.text) - 500))
    assert letter("The correct answer is (B)", "AB") == "B"


def test_without_a_context_nothing_of_it_is_sent() -> None:
    sent = prompt(QUESTION, None, 10)
    assert "text>" not in sent.text
    assert "single, most likely answer choice" in sent.text
    assert prompt(Question(text="Why?"), "all of it", 100).text.endswith("question: Why?")


@given(st.text(alphabet="{}$%abc", max_size=30), st.text(alphabet="{}$%abc", max_size=30))
def test_braces_in_code_stay_as_they_are(context: str, text: str) -> None:
    sent = prompt(Question(text=text, choices={"A": text, "B": context}), context, 10_000)
    assert f"<text>\n{context}\n</text>" in sent.text
    assert f"(A) {text}\n(B) {context}\n" in sent.text
