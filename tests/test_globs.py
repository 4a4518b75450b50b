import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlm_app.globs import compile_globs


@pytest.mark.parametrize(
    ("pattern", "fits", "does_not"),
    [
        ("*.py", ["a.py", "x/y/a.py"], ["a.pyc", "a.py/x"]),
        ("/*.py", ["a.py"], ["x/a.py"]),
        ("src/*", ["src/a"], ["src/a/b", "x/src/a"]),
        ("src/**", ["src/a", "src/a/b"], ["src", "asrc/a"]),
        ("docs", ["docs", "docs/a/b", "x/docs/a"], ["docs2/a", "mydocs"]),
        ("docs/", ["docs/a"], ["docs2/a"]),
        ("/docs", ["docs/a"], ["x/docs/a"]),
        ("src/app", ["src/app", "src/app/x"], ["y/src/app", "src/apps"]),
        ("**/*.{py,md}", ["a.py", "x/y/b.md"], ["a.rs", "py"]),
        ("a/**/b", ["a/b", "a/x/b", "a/x/y/b/c"], ["ab", "a/xb"]),
        ("**/x/**/y/*.py", ["x/y/a.py", "q/x/z/y/a.py", "x/x/y/y/a.py"], ["y/x/a.py"]),
        ("**", ["a", "a/b"], []),
        ("*", ["a", "x/b"], []),
        ("a[0-9].c", ["a1.c"], ["ab.c"]),
        ("a[!0-9].c", ["ab.c"], ["a1.c"]),
        ("a?.c", ["ab.c"], ["a/.c", "abc.c"]),
        ("a*b*c", ["abc", "axxbyyc", "z/abbc"], ["acb", "a/bc"]),
        ("[", ["["], ["a"]),
        ("a+(b).c$", ["a+(b).c$"], ["aab.c"]),
        ("{a}", ["{a}"], ["a"]),
    ],
)
def test_a_pattern_fits_whole_paths(pattern: str, fits: list[str], does_not: list[str]) -> None:
    compiled = compile_globs([pattern])
    assert compiled is not None
    assert [path for path in fits if not compiled.match(path)] == []
    assert [path for path in does_not if compiled.match(path)] == []


def test_no_patterns_is_not_a_pattern_that_fits_nothing() -> None:
    assert compile_globs([]) is None
    assert compile_globs(["", "/"]) is None


def test_any_of_several_patterns_will_do() -> None:
    compiled = compile_globs(["*.py", "docs/*.md"])
    assert compiled is not None
    assert [bool(compiled.match(path)) for path in ("x/a.py", "docs/a.md", "a.md")] == [True, True, False]


def plain(pattern: str) -> re.Pattern[str]:
    """What stars mean, said in the simplest way, for patterns tied to the root that end in a file name."""
    translated = re.escape(pattern).replace(r"\*\*/", "(?:[^/]+/)*").replace(r"\*", "[^/]*").replace(r"\?", "[^/]")
    return re.compile(translated + r"\Z")


segment = st.text(alphabet="ab*?", min_size=1, max_size=5).filter(lambda text: "**" not in text)


@given(
    st.lists(segment | st.just("**"), max_size=4).map(lambda parts: "/".join(parts)),
    st.lists(st.text(alphabet="ab", min_size=1, max_size=4), min_size=1, max_size=5).map("/".join),
)
def test_atomic_groups_change_the_time_and_not_the_meaning(stem: str, path: str) -> None:
    pattern = f"{stem}/*b" if stem else "*b"
    compiled = compile_globs(["/" + pattern])
    assert compiled is not None
    assert bool(compiled.match(path)) == bool(plain(pattern).match(path))


def test_a_cruel_pattern_takes_no_longer_than_a_kind_one() -> None:
    compiled = compile_globs(["*a" * 30 + "c", "/".join(["**/a"] * 12) + "/c", "{a,b}" * 30])
    assert compiled is not None
    started = time.perf_counter()
    assert not compiled.match("/".join(["a" * 50] * 40) + "/b")
    assert not compiled.match("a/" * 300 + "b")
    assert time.perf_counter() - started < 1
