"""200 questions about each of three real packages, each judged by an oracle that shares nothing with the generator."""

import pytest

from rlm_app.questions import generate
from tests.corpora import corpus_of
from tests.questions.oracle import Oracle, package_files
from tests.questions.test_generate import check_form

N = 200


def check(name: str, seed: int) -> set[str]:
    """Judge every choice of every question; return the kinds."""
    files = package_files(name)
    corpus = corpus_of(files, name)
    examples = generate(corpus, N, seed).examples
    oracle = Oracle(files)
    assert len(examples) == N
    check_form(corpus, examples)
    for example in examples:
        right = [letter for letter, is_right in oracle.verdicts(example).items() if is_right]
        assert right == [example.expected], (example.question.prompt, example.evidence)
    return {example.kind for example in examples}


@pytest.mark.parametrize("name", ["httpx", "jinja2", "rich"])
def test_no_question_has_a_second_right_choice(name: str) -> None:
    assert len(check(name, 0)) >= 10


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("name", ["click", "httpx", "jinja2", "pydantic", "rich", "sqlalchemy"])
def test_nor_with_other_seeds_and_packages(name: str, seed: int) -> None:
    check(name, seed)
