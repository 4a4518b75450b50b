"""The helpers as a model meets them: their source executed in a sandbox, on CPython and on Monty alike."""

import io
import json
import re
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from typing import Any

import pytest
from dspy import CodeExecutionError
from dspy_monty_interpreter import MontyInterpreter
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rlm_app import toolkit
from rlm_app.codebase import Corpus, FileSpan
from tests.corpora import corpus_of

Run = Callable[..., Any]
FILES = {
    "README.md": "# Shop\n\nSells things.\r\n## Use\n",
    "src/shop/cart.py": "class Cart:\n    def add(self, item):\n        self.items.append(item)\n\n\n"
    "def total(cart):\n    return 1\n",
    "src/shop/tax.py": "RATE = 0.19  # of the price\ndef tax(price): return price * RATE",
    "src/shop/deep/er/__init__.py": "",
    "tests/test_cart.py": "from shop import Cart\n\ndef test_add():\n    Cart().add('book')\n",
    "web/app.tsx": "export function App(props) {\n}\n" + "x" * 900 + "needle" + "y" * 900 + "\n",
}
CORPUS = corpus_of(FILES)
TWINS = corpus_of({"src/shop/cart.py": "", "web/cart.py": ""})


def on_cpython(corpus: Corpus) -> Run:
    names: dict[str, Any] = {toolkit.CONTEXT_NAME: corpus.text, toolkit.INDEX_NAME: toolkit.index(corpus)}
    exec(toolkit.source(), names)

    def run(expression: str, before: str = "") -> Any:
        exec(before, names)
        shown = io.StringIO()
        with redirect_stdout(shown):
            value = eval(expression, names)
        assert shown.getvalue() == "", "helpers return, they do not print"
        return json.loads(json.dumps(value))

    return run


def on_monty(corpus: Corpus) -> Iterator[Run]:
    interpreter = MontyInterpreter()
    variables = {toolkit.CONTEXT_NAME: corpus.text, toolkit.INDEX_NAME: toolkit.index(corpus)}
    interpreter.execute("0", variables)
    assert interpreter.execute(toolkit.source()) is None

    def run(expression: str, before: str = "") -> Any:
        interpreter.execute(before)
        return json.loads(interpreter.execute(f"import json\nprint(json.dumps({expression}))"))

    yield run
    interpreter.shutdown()


@pytest.fixture(scope="module", params=["cpython", "monty"])
def run(request: pytest.FixtureRequest) -> Iterator[Run]:
    if request.param == "monty":
        yield from on_monty(CORPUS)
    else:
        yield on_cpython(CORPUS)


def fails(run: Run, expression: str) -> str:
    with pytest.raises((ValueError, CodeExecutionError)) as raised:
        run(expression)
    return str(raised.value)


@pytest.mark.parametrize(
    ("glob", "paths"),
    [
        ("**", sorted(FILES)),
        ("*.md", ["README.md"]),
        ("*.py", [path for path in sorted(FILES) if path.endswith(".py")]),
        ("src/*/*.py", ["src/shop/cart.py", "src/shop/tax.py"]),
        ("src/**/*.py", ["src/shop/cart.py", "src/shop/deep/er/__init__.py", "src/shop/tax.py"]),
        ("**/test_*.py", ["tests/test_cart.py"]),
        ("./tests/", ["tests/test_cart.py"]),
        ("src/shop/deep", ["src/shop/deep/er/__init__.py"]),
        ("*.{md,tsx}", ["README.md", "web/app.tsx"]),
        ("[!a-z]*", ["README.md", "src/shop/deep/er/__init__.py"]),
        ("ta?.py", ["src/shop/tax.py"]),
        ("nothing", []),
    ],
)
def test_files(run: Run, glob: str, paths: list[str]) -> None:
    assert run(f"files({glob!r})") == paths


def test_tree_sums_up_what_lies_deeper(run: Run) -> None:
    assert run("tree()").split("\n") == [
        "README.md  4 lines",
        "src/",
        "  shop/  3 files, 9 lines",
        "tests/",
        "  test_cart.py  4 lines",
        "web/",
        "  app.tsx  3 lines",
    ]
    assert run("tree('src/shop', 1)").split("\n")[0] == "cart.py  7 lines"
    assert "nearest: src/shop" in fails(run, "tree('src/shap')")


def test_read_numbers_lines_and_says_what_follows(run: Run) -> None:
    assert run("read('src/shop/cart.py', 2, 3)").split("\n") == [
        "2      def add(self, item):",
        "3          self.items.append(item)",
        "(lines 4 to 7 of src/shop/cart.py follow)",
    ]
    assert run("read('README.md', 3)") == "3  Sells things.\n4  ## Use"
    assert run("read('src/shop/deep/er/__init__.py')") == ""


def test_read_forgives_what_is_clear_and_explains_what_is_not(run: Run) -> None:
    assert run("read('./shop/tax.py', numbered=False)") == FILES["src/shop/tax.py"]
    assert "src/shop/cart.py" in fails(run, "read('src/cart.py')")
    assert "may be any of src/shop/cart.py, web/cart.py" in fails(on_cpython(TWINS), "read('cart.py')")
    assert "has 7 lines; line 70 is past its end" in fails(run, "read('cart.py', 70)")
    assert "first is 5 but last is 2" in fails(run, "read('cart.py', 5, 2)")


def test_grep_gives_places(run: Run) -> None:
    assert run("grep('def ')").split("\n") == [
        "src/shop/cart.py:2:     def add(self, item):",
        "src/shop/cart.py:6: def total(cart):",
        "src/shop/tax.py:2: def tax(price): return price * RATE",
        "tests/test_cart.py:3: def test_add():",
    ]
    assert run(r"grep('^def t\\w+', 'src/**')").count("\n") == 1
    assert run("grep('RATE', ignore_case=True)").count("\n") == 1
    assert run(r"grep('\\brate\\b', ignore_case=True)").count("\n") == 1
    assert run(r"grep('\\badd\\b')").split("\n")[0].startswith("src/shop/cart.py:2:")


def test_grep_states_the_true_count_when_it_shows_fewer(run: Run) -> None:
    rows = run("grep('cart', ignore_case=True, max_results=2)").split("\n")
    assert rows[2:] == ["(first 2 of 4 matches in 2 files)"]
    assert run("grep('cart', ignore_case=True, max_results=1)").endswith("(first 1 of 4 matches in 2 files)")
    assert run("grep('zebra')") == "(no match for 'zebra' in 6 files)"


def test_grep_shows_lines_around(run: Run) -> None:
    assert run("grep('append', context=1)").split("\n") == [
        "src/shop/cart.py-2-     def add(self, item):",
        "src/shop/cart.py:3:         self.items.append(item)",
        "src/shop/cart.py-4- ",
        "--",
    ]


def test_grep_cuts_a_long_line_around_the_match(run: Run) -> None:
    row = run("grep('needle')")
    assert "needle" in row
    assert len(row) < 320
    assert "(1,806 characters)" in row


def test_a_bad_expression_is_named_with_what_to_do(run: Run) -> None:
    message = fails(run, "grep('(')")
    assert "bad regular expression '('" in message
    assert "re.escape" in message


def test_outline_and_definitions(run: Run) -> None:
    assert run("outline('cart.py')").split("\n") == [
        "1-3  class Cart:",
        "2-3      def add(self, item):",
        "6-7  def total(cart):",
    ]
    assert run("definitions('README.md')") == [[1, 4, "Shop"], [4, 4, "Shop>Use"]]
    assert run("outline('er/__init__.py')") == "(no definitions found in src/shop/deep/er/__init__.py, 0 lines)"


def test_a_model_cannot_break_the_helpers_by_its_names(run: Run) -> None:
    before = "re = None\n_spans = None\n_lines = []\nfind_definitions = 0\n_resolve = 1\nlanguage = 'python'"
    assert run("grep('append')", before).startswith("src/shop/cart.py:3:")
    assert run("outline('tax.py')", before) == "2-2  def tax(price): return price * RATE"


@pytest.mark.parametrize("files", [(FileSpan("", 0, 30, 3),), (FileSpan("context", 0, 30, 3),), ()])
def test_a_text_without_paths_is_one_file(files: tuple[FileSpan, ...]) -> None:
    corpus = Corpus("longbench", "r", "import os\ndef f(x):\n  return 1\n"[:30], files)
    run = on_cpython(corpus)
    assert run("files()") == ["context"]
    assert run("read('context', 2, 2)").startswith("2  def f(x):")
    assert run("read('')") == run("read('context')")
    assert run("grep('return')") == "context:3:   return 1"
    assert run("definitions('context')")[0][2] == "f"


def test_every_name_is_documented_and_short() -> None:
    for name in toolkit.NAMES:
        assert f"`{name}(" in toolkit.DOCUMENTATION
    assert len(toolkit.DOCUMENTATION) < 2_000


TEXTS = st.text(alphabet=st.sampled_from("ab\n\r= x:é\u2028"), max_size=60) | st.just("===== b.py (1 lines) =====\nx\n")


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.sampled_from(["a.py", "b.py", "c/d.md", "z"]), TEXTS, min_size=1))
@example({"a.py": "x\nb\nx\nx"})
def test_reading_gives_exactly_the_lines_of_the_file(files: dict[str, str]) -> None:
    corpus = corpus_of(files)
    run = on_cpython(corpus)
    for span in corpus.files:
        expected = [line.rstrip("\r") for line in corpus.lines(span, 1, span.lines)]
        assert run(f"read({span.path!r}, numbered=False)") == "\n".join(expected)
    found = run("grep('x', max_results=10000)")
    hits = [(s.path, at) for s in corpus.files for at, line in enumerate(corpus.lines(s, 1, s.lines), 1) if "x" in line]
    assert [tuple(row.split(":")[:2]) for row in re.findall(r"^\S+:\d+: ", found, re.M)] == [
        (p, str(n)) for p, n in hits
    ]
