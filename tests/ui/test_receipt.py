"""The receipt: shares that add up, and a tree with every file once."""

import re
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from rlm_app.ui.receipt import MAX_TREE_FILES, language_bar, tree
from tests.fakes import make_corpus, make_receipt

NAMES = st.text(alphabet="ab<&", min_size=1, max_size=3)
PATHS = st.lists(NAMES, min_size=1, max_size=4).map("/".join)


@given(st.dictionaries(PATHS, st.just("x\n"), max_size=20))
def test_the_tree_holds_each_file_once(files: dict[str, str]) -> None:
    html = tree(make_corpus(files))
    assert html.count("1 line<") == len(files)
    assert not re.search(r"<(?!/?(div|span|details|summary)\b)", html)


def test_a_huge_tree_is_cut_and_says_so() -> None:
    html = tree(make_corpus({f"f{n:05}": "" for n in range(MAX_TREE_FILES + 7)}))
    assert "and 7 files more" in html


def test_a_deep_tree_does_not_exhaust_the_stack() -> None:
    assert "deep.py" in tree(make_corpus({"a/" * 2000 + "deep.py": "x\n"}))


def test_the_bar_sums_small_languages_up() -> None:
    languages = (("Python", 700), ("RST", 220), ("TOML", 30), ("YAML", 20), ("CSS", 20), ("HTML", 10))
    html = language_bar(replace(make_receipt(make_corpus()), languages=languages))
    assert "Python 70%" in html
    assert "other 3%" in html
    assert "CSS" not in html
    widths = [float(width) for width in re.findall(r"width:([\d.]+)%", html)]
    assert abs(sum(widths) - 100) < 0.1


def test_no_language_draws_no_bar() -> None:
    assert language_bar(replace(make_receipt(make_corpus()), languages=())) == ""
