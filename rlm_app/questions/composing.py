"""Drafts as a balanced set of examples."""

import heapq
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import zip_longest

from rlm_app.codebase import Corpus
from rlm_app.examples import Example
from rlm_app.model import Question
from rlm_app.questions.drafts import Draft, Worked, choose_wrong, rank
from rlm_app.questions.facts import Lines

LETTERS = "ABCD"
DOMAIN = "Code Repository Understanding"

_SHORT, _MEDIUM = 32_000, 128_000
_ONE_LOOK = 10_000
"""Characters that one step of a run shows by default (`RunConfig.max_output_chars`)."""


def in_turn(drafts: Mapping[str, Iterable[Draft]], seed: int) -> Iterator[tuple[Draft, Worked]]:
    """Worked drafts: kinds take turns, and within a kind the file that was asked about least comes first.

    Those that end at a fact which another one of their kind has told come last of all. No text comes twice.
    """
    asked: Counter[str] = Counter()
    waiting = {}
    for kind, some in drafts.items():
        once = {one.subject: one for one in some}
        waiting[kind] = [(0, rank(seed, kind, subject), subject, one) for subject, one in once.items()]
        heapq.heapify(waiting[kind])
    told: set[tuple[str, str]] = set()
    said: set[str] = set()
    spare: dict[str, list[tuple[Draft, Worked]]] = {kind: [] for kind in waiting}
    while any(waiting.values()):
        for kind, heap in waiting.items():
            while found := _next(heap, asked):
                fact = (kind, found[1].fact)
                if fact in told:
                    spare[kind].append(found)
                    continue
                told.add(fact)
                said.add(found[1].text)
                asked[found[0].path] += 1
                yield found
                break
    for turn in zip_longest(*spare.values()):
        for again in turn:
            if again and again[1].text not in said:
                said.add(again[1].text)
                yield again


def _next(heap: list[tuple[int, bytes, str, Draft]], asked: Counter[str]) -> tuple[Draft, Worked] | None:
    while heap:
        times, place, subject, draft = heapq.heappop(heap)
        if times != asked[draft.path]:
            heapq.heappush(heap, (asked[draft.path], place, subject, draft))
        elif done := draft.work():
            return draft, done
    return None


def compose(corpus: Corpus, chosen: list[tuple[Draft, Worked]], seed: int) -> tuple[Example, ...]:
    """Examples in an order, and with letters, that the seed decides; each letter is right equally often, ±1."""
    order = sorted(chosen, key=lambda pair: rank(seed, "order", pair[0].kind, pair[0].subject))
    first = rank(seed, "letters")[0] % len(LETTERS)
    letters = [LETTERS[(first + at) % len(LETTERS)] for at in range(len(order))]
    places = sorted(range(len(order)), key=lambda at: rank(seed, "letter", str(at)))
    length = length_of(corpus)
    return tuple(
        _example(corpus, draft, done, letters[place], length)
        for (draft, done), place in zip(order, places, strict=True)
    )


def _example(corpus: Corpus, draft: Draft, done: Worked, letter: str, length: str) -> Example:
    wrong = iter(choose_wrong(corpus.digest, draft.subject, done.wrong))
    choices = {each: done.right if each == letter else next(wrong) for each in LETTERS}
    hops = len({lines.path for lines in done.evidence})
    return Example(
        id=rank(corpus.digest, draft.kind, draft.subject).hex(),
        question=Question(text=done.text, choices=choices),
        expected=letter,
        context=corpus.digest,
        context_chars=len(corpus.text),
        domain=DOMAIN,
        sub_domain="generated",
        difficulty="hard" if hops > 2 or distance(corpus, done.evidence) > _ONE_LOOK else "easy",
        length=length,
        repository=corpus.name,
        language=draft.language,
        kind=draft.kind,
        hops=hops,
        evidence=tuple(str(lines) for lines in done.evidence),
    )


def length_of(corpus: Corpus) -> str:
    """LongBench v2's class of a context by its words: short under 32k, medium under 128k, else long.

    Source: arXiv 2412.15204. Words are what white space parts.
    """
    words = 0
    for span in corpus.files:
        words += len(corpus.read(span).split())
        if words >= _MEDIUM:
            return "long"
    return "short" if words < _SHORT else "medium"


def distance(corpus: Corpus, evidence: Iterable[Lines]) -> int:
    """Characters of context between the first lines of the two pieces of evidence that lie farthest apart."""
    by_path: dict[str, set[int]] = defaultdict(set)
    for lines in evidence:
        by_path[lines.path].add(lines.first)
    places = []
    for path, firsts in by_path.items():
        if span := corpus.span(path):
            before = corpus.lines(span, 1, max(firsts))
            places += [span.start + sum(len(line) + 1 for line in before[: first - 1]) for first in firsts]
    return max(places) - min(places) if places else 0
