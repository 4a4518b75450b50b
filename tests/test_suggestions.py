"""Questions to begin with: they name what is there, from the source, the same each time."""

import time

from hypothesis import given
from hypothesis import strategies as st

from rlm_app.codebase import Corpus, FileSpan
from rlm_app.suggestions import suggest
from tests.corpora import corpus_of

FILES = {
    "README.md": "# Shop\n\n## Installing it\ntext\n\n## Usage\ntext\n",
    "src/app.py": '''class App:
    """The application object; it holds blueprints."""

    def register_blueprint(self, blueprint):
        """Register a blueprint on this application."""
        self.blueprints.append(blueprint)
        return register_blueprint

    @property
    def debug_mode(self):
        """Whether debugging is on, which is a property."""
        if register_blueprint:
            return 1
        return 2

    def _load_secret(self):
        """Load what is private to this very class."""
        a = 1
        return a
''',
    "src/http.py": '''def quote_header(value):
    """Quote the value of a header if there is need."""
    if value:
        return quote_header(value)
    return value
''',
    "tests/test_app.py": '''def create_helper_thing():
    """Create something that only tests use, very often."""
    create_helper_thing()
    return create_helper_thing()
''',
}


def test_questions_name_documented_definitions_of_the_source() -> None:
    assert suggest(corpus_of(FILES)) == (
        "Where are blueprints registered?",
        "Where is `quote_header` defined and what does it do?",
        "What does `README.md` say about installing it?",
    )


def test_comments_above_count_as_documentation() -> None:
    go = "// Engine runs the whole thing and holds the routes.\ntype Engine struct {\n\ta int\n\tb int\n}\n"
    js = "/**\n * Send it.\n */\n\nres.sendFile = function sendFile(path) {\n  one()\n  two()\n}\n"
    assert suggest(corpus_of({"engine.go": go, "lib/res.js": js}), 2) == (
        "Where are files sent?",
        "What is the class `Engine` for?",
    )


def test_without_definitions_the_documents_are_asked_about() -> None:
    questions = suggest(corpus_of({"README.md": FILES["README.md"], "data.json": "{}\n" * 50}))
    assert questions[:2] == ("What does `README.md` say about installing it?", "What does `README.md` say about usage?")
    assert suggest(corpus_of({"data.json": "{}\n"})) == ("What is in `data.json`?",)
    assert suggest(corpus_of({})) == ()


def test_a_text_without_paths_has_questions_too() -> None:
    text = FILES["src/app.py"]
    for path in ("", "context"):
        corpus = Corpus("longbench", "r", text, (FileSpan(path, 0, len(text), text.count("\n")),))
        assert suggest(corpus, 1) == ("Where are blueprints registered?",)


@given(st.dictionaries(st.text(min_size=1, max_size=8), st.text(max_size=80), max_size=4), st.integers(0, 5))
def test_any_corpus_has_at_most_n_different_questions(files: dict[str, str], n: int) -> None:
    questions = suggest(corpus_of(files), n)
    assert len(questions) <= n
    assert len(set(questions)) == len(questions)
    assert all(question.endswith("?") and question.isprintable() for question in questions)
    assert suggest(corpus_of(files), n) == questions


def test_a_large_corpus_takes_no_time() -> None:
    big = corpus_of({f"pkg/module_{n}.py": FILES["src/app.py"] * 40 for n in range(400)})
    started = time.perf_counter()
    assert len(suggest(big)) == 3
    assert time.perf_counter() - started < 1.0, f"{len(big.text):,} characters"
