"""Words, passages and ranks: what makes retrieval find the definition rather than a mention of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlm_app.codebase import Corpus
from rlm_app.definitions import find_definitions
from rlm_app.retrieval import Ranked, count_terms, names_in, passages_of, rank, rarity_of, stem, terms_of, trust
from tests.corpora import corpus_of


def search(corpus: Corpus, question: str) -> list[Ranked]:
    wanted = terms_of(question)
    found, total = [], 0
    for span in corpus.files:
        lines = corpus.lines(span, 1, span.lines)
        total += len(lines)
        parts = passages_of(span.path, lines, find_definitions(span.path, lines))
        found += count_terms(span.path, lines, parts, wanted, {})
    return rank(found, rarity_of(found, total, len(wanted)), question)


@pytest.mark.parametrize(
    "family",
    [
        "register registers registered registering",
        "parse parses parsed parsing parser parsers",
        "cookie cookies",
        "query queries queried querying",
        "route routes routing router",
        "validate validates validation validator validating",
        "match matches matching",
        "class classes",
        "create creates created creation creator",
        "sign signed signing",
        "serialize serializer serialization",
        "template templates templating",
        "run runs running runner",
        "send sent sending sender",
        "format formats formatted formatting",
        "status statuses",
    ],
)
def test_one_stem_for_one_family(family: str) -> None:
    assert len({stem(word) for word in family.split()}) == 1


def test_different_words_keep_different_stems() -> None:
    words = ["cookie", "cook", "form", "format", "port", "part", "parse", "session", "sign", "register", "retry"]
    assert len({stem(word) for word in words}) == len(words)


def test_terms_of_a_question() -> None:
    assert terms_of("Where are blueprints registered?") == ["blueprint", "regist"]
    assert terms_of("Which class parses cookies?") == ["pars", "cooki"]
    assert terms_of("How does `HTTPServer.parse_url2` work?") == ["http", "serv", "pars", "url2"]
    assert terms_of("Where are files sent?") == ["fil", "send"], "hint words count when little else is left"
    assert terms_of("где парсятся куки?") == ["где", "парсятся", "куки"]
    assert terms_of("What is it?") == ["what", "is", "it"], "never empty where there are words"
    assert terms_of("?!") == []


def test_names_in_a_question() -> None:
    assert names_in("Is `Blueprint.register()` like parse_cookie, urlFor or os.path?") == [
        *["Blueprint.register", "parse_cookie", "urlFor", "os.path"]
    ]


@pytest.mark.parametrize(
    ("path", "asked", "trusted"),
    [
        ("src/flask/app.py", "", 1.0),
        ("src/werkzeug/test.py", "", 1.0),
        ("lib/latest.py", "", 1.0),
        ("tests/test_app.py", "", 0.4),
        ("pkg/x_test.go", "", 0.4),
        ("tests/test_app.py", "which tests cover routes?", 1.0),
        ("docs/index.rst", "", 0.4),
        ("docs/index.rst", "what do the docs say?", 1.0),
        ("CHANGES.rst", "", 0.25),
        ("CHANGES.rst", "in which release was it added?", 1.0),
        ("examples/tutorial/app.py", "", 0.5),
    ],
)
def test_trust(path: str, asked: str, trusted: float) -> None:
    assert trust(path, asked) == trusted


REPOSITORY = corpus_of(
    {
        "CHANGES.md": "# 1.0\nBlueprints are registered. " * 20,
        "docs/blueprints.md": "# Blueprints\nRegister blueprints so: register a blueprint.\n" * 5,
        "src/app.py": "class App:\n    def register_blueprint(self, blueprint):\n        blueprint.register(self)\n",
        "src/blueprints.py": "class Blueprint:\n    def register(self, app):\n        '''Register this blueprint.'''\n",
        "src/http.py": "def parse_cookie(header):\n    return header.split(';')\n\n"
        "def dump(cookie):\n    return str(cookie)\n",
        "src/other.py": "".join(f"def function_{n}(value):\n    return value + {n}\n\n" for n in range(40)),
        "tests/test_blueprints.py": "def test_register_blueprint():\n    register_blueprint(blueprint)\n" * 4,
    }
)


@pytest.mark.parametrize(
    ("question", "path", "name"),
    [
        ("Where are blueprints registered?", "src/app.py", "App.register_blueprint"),
        ("Which function parses cookies?", "src/http.py", "parse_cookie"),
        ("Where is `Blueprint.register` defined?", "src/blueprints.py", "Blueprint.register"),
        ("What is the class `Blueprint` for?", "src/blueprints.py", "Blueprint"),
        ("Which tests register blueprints?", "tests/test_blueprints.py", "test_register_blueprint"),
        ("What is in `src/other.py`?", "src/other.py", "function_0"),
    ],
)
def test_the_best_passage(question: str, path: str, name: str) -> None:
    assert search(REPOSITORY, question)[0][1::3] == (path, name)


def test_a_definition_outweighs_many_mentions() -> None:
    mentions = "def run(jar):\n" + "    jar.cookie(1)\n" * 4
    definition = "def cookie(jar):\n" + "    return jar\n" * 4
    corpus = corpus_of({"a.py": mentions, "b.py": definition, "c.py": "def f(): pass\n" * 50})
    assert [row[1] for row in search(corpus, "Where is the cookie?")] == ["b.py", "a.py"]


def test_no_match_is_no_passage() -> None:
    assert search(REPOSITORY, "Warum schneit es?") == []


@given(st.lists(st.text(alphabet="ab #@\t", max_size=8), max_size=200), st.sets(st.integers(1, 200), max_size=20))
def test_passages_cover_every_line_once(lines: list[str], starts: set[int]) -> None:
    found = [(first, first, f"f{first}") for first in sorted(starts) if first <= len(lines)]
    covered = [at for first, last, _ in passages_of("a.py", lines, found) for at in range(first, last + 1)]
    assert covered == list(range(1, len(lines) + 1))


@given(st.text(max_size=40))
def test_a_stem_is_stable_and_lower(word: str) -> None:
    assert stem(word) == stem(word.lower())
    assert terms_of(word) == list(dict.fromkeys(terms_of(word)))
