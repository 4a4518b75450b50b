"""`keyless/bm25`, the stand-in for a language model: it writes retrieval code for the REPL instead of reasoning.

Everything around it is real: the RLM loop, the sandbox, the helpers, the events, the citations. Its answers are
extracts, and are to be labelled `model.KEYLESS_LABEL` wherever they are shown.
"""

import ast
import inspect
from collections.abc import Sequence
from functools import cache
from types import ModuleType
from typing import Any

import dspy

from rlm_app import definitions, evidence, retrieval
from rlm_app.errors import ModelFailed
from rlm_app.model import KEYLESS_MODEL, Question

SHOWN = 4  # passages in an answer
MAX_CHOICE_TERMS = 24  # of one choice; LongBench choices are paragraphs, and each term costs a look at every line

SURVEY = """
QUESTION = {question!r}
wanted = terms_of(QUESTION)
print(f"{{len(files()):,}} files, {{len(context):,}} characters")
print(tree(depth=1))
print("looking for:", ", ".join(wanted))
"""
SURVEY_CHOICES = """
CHOICES = {choices!r}
for choice in CHOICES.values():
    wanted += [term for term in terms_of(choice)[:{most}] if term not in wanted]
"""
COUNT = """
found, total_lines, known = [], 0, {}
near = near_pattern(wanted)
for path in files():
    lines = read(path, numbered=False).split("\\n")
    total_lines += len(lines)
    if near.search(path) or [line for line in lines if near.search(line)]:
        found += count_terms(path, lines, passages_of(path, lines, definitions(path)), wanted, known)
for at, term in enumerate(wanted):
    print(f"{term}: in {len([1 for passage in found if passage[4][at]]):,} passages")
"""
RANK = """
rarity = rarity_of(found, total_lines, len(wanted))
ranked = rank(found, rarity, QUESTION)
for score, path, first, last, name in ranked[:12]:
    print(f"{score:6.2f}  {path}:{first}-{last}  {name}")
"""
READ = """
picked = pick(ranked, MOST)
for score, path, first, last, name in picked:
    print(f"===== {path} {name}")
    print(read(path, first, min(last, first + 39)))
""".replace("MOST", str(SHOWN))
ANSWER = """
chosen = []
for score, path, first, last, name in picked:
    chosen.append((path, first, name, read(path, first, last, numbered=False).split("\\n")))
answer, citations = report(chosen, wanted, QUESTION)
SUBMIT(answer=answer, citations=citations)
"""
WEIGH = """
weighed = weigh_choices(found, rarity_of(found, total_lines, len(wanted)), wanted, QUESTION, CHOICES)
for score, letter, path, first, last in weighed:
    print(f"{letter}  {score:.4f}  {path}:{first}-{last}" if path else f"{letter}  no evidence")
"""
READ_CHOICES = """
for score, letter, path, first, last in weighed:
    if path:
        print(f"===== {letter}: {path}")
        print(read(path, first, min(last, first + 24)))
"""
CHOOSE = """
SUBMIT(answer=weighed[0][1], citations=[cite(path, first, last) for _, _, path, first, last in weighed[:2] if path])
"""
SIMPLE = """
hits = [hit for hit in grep(PATTERN, ignore_case=True, max_results=8).split("\\n") if not hit.startswith("(")]
places = [":".join(hit.split(":")[:2]) for hit in hits]
rows = [code_span(place) + " " + code_span(hit[len(place) + 1:].strip()) for place, hit in zip(places, hits)]
print("\\n".join(places))
"""
SIMPLE_ANSWER = """
answer = "\\n".join(["Lines that hold a word of the question:", ""] + ["- " + row for row in rows])
SUBMIT(answer=answer if rows else "Nothing in this repository matches the question.", citations=places)
"""

Step = tuple[str, str]
"""Reasoning and code."""


class KeylessAction(dspy.Module):  # type: ignore[misc]
    """In place of `dspy.RLM.generate_action`: the same few steps for every question, taken in turn.

    Where fewer steps are allowed than it would take, the last one does all that is left. After an error it searches
    again in a plain way, in one step.

    Raises:
        ModelFailed: from a call, when the plain way failed too.
    """

    def __init__(self, question: Question) -> None:
        super().__init__()
        self._question = question

    def forward(self, variables_info: Any, repl_history: Any, iteration: str, signature: Any = None) -> dspy.Prediction:
        entries = list(repl_history.entries)
        failed = [entry.output for entry in entries if entry.output.startswith(("[Error]", "[Type Error]"))]
        if len(failed) > 1:
            raise ModelFailed(f"The retrieval baseline could not search this repository: {failed[-1][:300]}")
        steps = [plain_step(self._question)] if failed else plan(self._question)[len(entries) :]
        at, _, most = iteration.partition("/")
        taken = steps if at == most else steps[:1]
        return dspy.Prediction(
            reasoning=" ".join(reasoning for reasoning, _ in taken), code="\n\n".join(code for _, code in taken)
        )


def plan(question: Question) -> list[Step]:
    """The steps to an answer, each with what a reader should know of it."""
    words = ", ".join(f'"{term}"' for term in retrieval.terms_of(question.text)[:8])
    survey = SURVEY.format(question=question.text)
    if question.choices:
        survey += SURVEY_CHOICES.format(choices=question.choices, most=MAX_CHOICE_TERMS)
    steps = [
        ("Survey the tree, and split the question into stemmed words.", _code(_words(), survey)),
        (
            f"Cut every file into passages at its definitions, and count {words} in each.",
            _code([*_counting(), _take(definitions, "leads_up")], COUNT),
        ),
    ]
    if question.choices:
        return [
            *steps,
            ("Weigh the evidence for each choice by BM25.", _code([*_ranking(), *_choosing()], WEIGH)),
            ("Read the passage that speaks most for each choice.", READ_CHOICES.strip()),
            ("Submit the letter with the most evidence. This is retrieval, not reasoning.", CHOOSE.strip()),
        ]
    return [
        *steps,
        ("Rank passages by BM25; definitions weigh more, tests and documents less.", _code(_ranking(), RANK)),
        ("Read the best passages.", _code([_take(evidence, "pick")], READ)),
        ("Submit extracts with citations. This is retrieval, not reasoning.", _code(_reporting(), ANSWER)),
    ]


def plain_step(question: Question) -> Step:
    """A search that needs little, for when a step of the plan failed."""
    reasoning = "A step failed, so search line by line instead."
    pattern = retrieval.near_pattern(retrieval.terms_of(question.prompt)[:12]).pattern or "."
    search = SIMPLE.replace("PATTERN", repr(pattern))
    submit = SIMPLE_ANSWER
    if question.choices:
        submit = f"SUBMIT(answer={min(question.choices)!r}, citations=places)"
    return reasoning, _code(["import re", _take(evidence, "code_span")], search + submit)


def _words() -> list[str]:
    data = ("STOP_WORDS", "HINT_WORDS", "IRREGULAR", "INFLECTIONS", "DERIVATIONS")
    return ["import math\nimport re", _take(retrieval, *data, "stem", "split_words", "terms_of", "names_in")]


def _counting() -> list[str]:
    names = ("Counted", "closeness", "passages_of", "near_pattern", "matches_of", "count_terms")
    return [_take(retrieval, *names)]


def _ranking() -> list[str]:
    return [_take(retrieval, "Ranked", "trust", "average_length", "rarity_of", "bm25", "rank")]


def _reporting() -> list[str]:
    return [_take(evidence, "SHOWN_LINES", "FENCE_NAMES", "code_span", "code_block", "best_window", "cite", "report")]


def _choosing() -> list[str]:
    return [_take(evidence, "cite", "share", "weigh_choices")]


def _code(parts: Sequence[str], script: str) -> str:
    return "\n\n\n".join([*parts, script.strip()])


@cache
def _take(module: ModuleType, *names: str) -> str:
    """The source of some top-level names of a module, in its order."""
    source = inspect.getsource(module)
    parts = []
    for node in ast.parse(source).body:
        target = node.targets[0] if isinstance(node, ast.Assign) else node
        if getattr(target, "name", getattr(target, "id", None)) in names:
            parts.append((ast.get_source_segment(source, node) or "", isinstance(node, ast.Assign)))
    assigned = [part for part, is_assignment in parts if is_assignment]
    return "\n\n\n".join(["\n".join(assigned)] * bool(assigned) + [part for part, is_not in parts if not is_not])


class KeylessEngine:
    """An engine for `dspy.LM` that answers a prompt with the passages of it that fit its question best.

    It reports no tokens. What it returns is quoted from the prompt, and says so.
    """

    def complete(self, request: Any) -> Any:
        from dspy.lm15 import Message, Response, Usage

        prompt = "\n".join(message.text or "" for message in request.messages)
        return Response(
            id=None,
            model=KEYLESS_MODEL,
            message=Message.assistant(extract_from(prompt)),
            finish_reason="stop",
            usage=Usage(input_tokens=0, output_tokens=0),
        )


def keyless_engine() -> KeylessEngine:
    """For `dspy.LM("keyless/bm25", engine=…)`: a sub-model without network or cost."""
    return KeylessEngine()


def extract_from(prompt: str, most: int = 3, window: int = 12) -> str:
    """The passages of a prompt that match its question best, quoted in the prompt's order.

    The question is the last line that ends in a question mark, or else the first line.
    """
    lines = prompt.split("\n")
    asking = [at for at, line in enumerate(lines) if line.rstrip().endswith("?")] or [0]
    question = lines[asking[-1]]
    rest = [line if at != asking[-1] else "" for at, line in enumerate(lines)]
    wanted = retrieval.terms_of(question)
    parts = [(first, min(first + window - 1, len(rest)), "") for first in range(1, len(rest) + 1, window)]
    found = retrieval.count_terms("", rest, parts, wanted, {}) if wanted else []
    ranked = retrieval.rank(found, retrieval.rarity_of(found, len(rest), len(wanted)), question)
    if not ranked:
        return "Nothing in the text matches the question."
    best = sorted(ranked[:most], key=lambda row: row[2])
    quoted = ["\n".join(rest[first - 1 : last]).strip("\n") for _, _, first, last, _ in best]
    return "Passages that match best, quoted without reasoning:\n\n" + "\n\n…\n\n".join(quoted)
