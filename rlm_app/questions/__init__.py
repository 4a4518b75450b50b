"""Multiple-choice questions about any codebase, with truths that are computed from its code.

Nothing is run and no model is asked. Whatever could make a question ambiguous (a name bound twice, a condition, a star
import, a decorator that changes a signature, a class whose bases are not all known) drops it.
"""

import warnings
from collections import defaultdict
from dataclasses import dataclass
from itertools import islice

from rlm_app.codebase import Corpus
from rlm_app.examples import Example
from rlm_app.questions.codebase import Codebase
from rlm_app.questions.composing import compose, in_turn
from rlm_app.questions.drafts import Draft, rank
from rlm_app.questions.kinds import KINDS

_READ_AT_LEAST = 1_000_000
_READ_FOR_EACH = 20_000
_DRAFTS_FOR_EACH = 20


@dataclass(frozen=True)
class Generated:
    """`examples`, and one sentence for each thing to know about them, e.g. that they are fewer than was asked for."""

    examples: tuple[Example, ...]
    notes: tuple[str, ...] = ()


def generate(corpus: Corpus, n: int, seed: int) -> Generated:
    """`n` questions of mixed kinds about many files, or as many as the code gives, with a note.

    The same corpus, `n` and `seed` give the same questions on every machine; versions of Python may differ where one
    cannot parse a file that another can. Large corpora are read in part: files are taken in an order that the seed
    decides, until there is plenty to choose from.

    `difficulty` is hard where the evidence lies in more than two files, or more than 10,000 characters of context
    apart, which is what one step of a run shows; else easy.

    Raises:
        ValueError: `n` is negative.
    """
    if n < 0:
        raise ValueError(f"n must not be negative, and is {n}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)  # of the code that is asked about, which is not ours to mend
        warnings.simplefilter("ignore", DeprecationWarning)
        drafts = _drafts(Codebase(corpus), n, seed)
        chosen = list(islice(in_turn(drafts, seed), n))
    examples = compose(corpus, chosen, seed)
    if len(examples) == n:
        return Generated(examples)
    return Generated(examples, (f"{corpus.name} gives {len(examples)} questions with one certain answer, not {n}.",))


def _drafts(code: Codebase, n: int, seed: int) -> dict[str, list[Draft]]:
    found: dict[str, list[Draft]] = defaultdict(list)
    chars = drafts = 0
    for span in sorted(code.subjects, key=lambda span: rank(seed, span.path)):
        if chars >= _READ_AT_LEAST + n * _READ_FOR_EACH and drafts >= n * _DRAFTS_FOR_EACH:
            break
        chars += span.chars
        if file := code.file(span.path):
            for kind, find in KINDS.items():
                some = list(find(code, file))
                found[kind] += some
                drafts += len(some)
    return {kind: found[kind] for kind in KINDS}
