"""Extracts that cannot break out of their frame, answers that claim nothing, and choices weighed by evidence."""

from hypothesis import example, given
from hypothesis import strategies as st

from rlm_app.evidence import SHOWN_LINES, best_window, code_block, code_span, pick, report, weigh_choices
from rlm_app.retrieval import Counted


@given(st.text(alphabet="`~ab\n ", max_size=40))
@example("``` ````")
def test_an_extract_stays_in_its_fence(text: str) -> None:
    opening, *inside, closing = code_block("a.py", text.split("\n")).split("\n")
    assert opening == closing + "python"
    assert all(closing not in line for line in inside)


@given(st.text(max_size=20))
def test_a_name_stays_in_its_code_span(text: str) -> None:
    span = code_span(text)
    ticks = span[: len(span) - len(span.lstrip("`"))]
    assert "\n" not in span
    assert ticks not in span.strip("`")
    assert span.endswith(ticks)


def test_a_long_line_is_cut_and_control_characters_are_shown() -> None:
    block = code_block("a b.js", ["x" * 500, "a\x1b[31mb"])
    assert len(block) < 260
    assert block.startswith("```javascript\n")
    assert "a?[31mb" in block


def test_the_label_of_a_fence_is_never_free_text() -> None:
    assert code_block("evil.py onclick=x", ["a"]).startswith("```\n")
    assert code_block("context", ["a"]).startswith("```\n")


def test_report_quotes_and_cites() -> None:
    chosen = [("src/http.py", 5, "parse_cookie", ["def parse_cookie(x):", "    return x", "", ""])]
    answer, citations = report(chosen, ["pars", "cooki"], "Which function parses cookies?")
    assert answer == (
        "The passages that match “parses”, “cookies” best:\n\n"
        "**1.** `parse_cookie` in `src/http.py:5-6`\n\n```python\ndef parse_cookie(x):\n    return x\n```"
    )
    assert citations == ["src/http.py:5-6"]


def test_report_says_when_nothing_matches() -> None:
    assert report([], ["snow"], "Why does it snow?") == ("Nothing in this repository matches “snow”.", [])


def test_a_path_that_could_pass_for_markup_is_cited_in_the_list_only() -> None:
    answer, citations = report([("we`ird.py", 1, "", ["x"])], ["x"], "x y")
    assert "**1.** `` we`ird.py ``\n" in answer
    assert citations == ["we`ird.py:1"]


def test_of_a_long_passage_the_telling_lines_are_shown() -> None:
    lines = ["filler"] * 60
    assert best_window(lines, ["cooki"]) == 0
    lines[40:44] = ["the cookie is parsed here"] * 4
    at = best_window(lines, ["pars", "cooki"])
    assert at <= 40 < 44 <= at + SHOWN_LINES


def test_pick_leaves_out_what_is_far_behind_and_varies_files() -> None:
    ranked = [(9.0, "a", n, n, f"f{n}") for n in range(4)] + [(8.0, "b", 1, 1, "g"), (2.0, "c", 1, 1, "h")]
    assert [(row[1], row[2]) for row in pick(ranked, 4)] == [("a", 0), ("a", 1), ("b", 1)]
    assert pick([], 4) == []


FOUND: list[Counted] = [
    ("src/session.py", 1, 9, "SecureCookie.sign", [6.0, 2.0, 0.0, 0.0]),
    ("src/config.py", 1, 9, "Config.load", [0.0, 0.0, 6.0, 1.0]),
    ("src/config.py", 10, 19, "Config.sign", [1.0, 0.0, 0.0, 0.0]),
]
WANTED = ["sign", "cooki", "load", "config"]


def test_the_choice_with_most_evidence_for_the_question_comes_first() -> None:
    choices = {"A": "It loads the config", "B": "It signs the cookie"}
    weighed = weigh_choices(FOUND, [2.0] * 4, WANTED, "How is the cookie signed?", choices)
    assert [row[1] for row in weighed] == ["B", "A"]
    assert weighed[0][2:] == ("src/session.py", 1, 9)


def test_a_choice_that_names_a_file_or_a_definition_stands_for_it() -> None:
    by_path = {"A": "src/config.py", "B": "`src/session.py`"}
    assert weigh_choices(FOUND, [2.0] * 4, WANTED, "Where is the cookie signed?", by_path)[0][1] == "B"
    by_name = {"A": "Config.load", "B": "Config.sign", "C": "SecureCookie.sign"}
    assert weigh_choices(FOUND, [2.0] * 4, WANTED, "What signs the cookie?", by_name)[0][1] == "C"


def test_asked_for_what_is_not_so_the_least_evidence_wins() -> None:
    choices = {"A": "It signs the cookie", "B": "It paints the house"}
    assert weigh_choices(FOUND, [2.0] * 4, WANTED, "Which is NOT true of the cookie?", choices)[0][1] == "B"


def test_without_evidence_there_is_still_a_letter() -> None:
    assert weigh_choices([], [], [], "Why?", {"B": "x", "A": "y"}) == [(0.0, "A", "", 0, 0), (0.0, "B", "", 0, 0)]
