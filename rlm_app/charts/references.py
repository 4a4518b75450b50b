"""Figures from the literature to hold a bench against, each with its n and its source."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rlm_app.examples import Example
from rlm_app.reports.results import Results

LONGBENCH = "longbench"
"""How the names of data sets begin that these figures are about."""

CODE_QUESTIONS = 50


@dataclass(frozen=True)
class Reference:
    """A share of right answers; `to` is the upper end of a range. `cost` is USD a question, mean and deviation."""

    label: str
    value: float
    n: int | None
    source: str
    to: float | None = None
    cost: tuple[float, float] | None = None

    @property
    def text(self) -> str:
        share = f"{self.value:.1%}" if self.to is None else f"{self.value:.0%} to {self.to:.0%}"
        spent = f", ${self.cost[0]:.2f} ± {self.cost[1]:.2f} (deviation)" if self.cost else ""
        return f"{share}{spent}, n {self.n}" if self.n else share + spent


_PAPER = "arXiv 2412.15204"
_RLM = "arXiv 2512.24601, table 1"

REFERENCES = (
    Reference("always C", 0.30, CODE_QUESTIONS, "answers of the 50 questions: A 11, B 12, C 15, D 12"),
    Reference("human expert, code, 6.4 min", 0.44, CODE_QUESTIONS, "LongBench v2, table of the site"),
    Reference("human expert, all of LongBench v2", 0.537, 503, _PAPER),
    Reference("no context, five models", 0.22, CODE_QUESTIONS, f"{_PAPER}, table 3, column V", to=0.38),
    Reference("GPT-4o with context", 0.56, CODE_QUESTIONS, f"{_PAPER}, table 3, column V"),
    Reference("GPT-5 base", 0.24, CODE_QUESTIONS, f"{_RLM} (hit the input limit)", cost=(0.13, 0.07)),
    Reference("CodeAct + BM25, GPT-5", 0.22, CODE_QUESTIONS, _RLM, cost=(0.06, 0.08)),
    Reference("summary agent, GPT-5", 0.58, CODE_QUESTIONS, _RLM, cost=(1.31, 1.46)),
    Reference("RLM, GPT-5", 0.62, CODE_QUESTIONS, _RLM, cost=(0.11, 0.10)),
    Reference("RLM without sub-calls, GPT-5", 0.58, CODE_QUESTIONS, _RLM, cost=(0.18, 0.56)),
    Reference("RLM, Qwen3-Coder-480B", 0.56, CODE_QUESTIONS, _RLM, cost=(0.92, 1.23)),
    Reference("RLM without sub-calls, Qwen3-Coder-480B", 0.66, CODE_QUESTIONS, _RLM, cost=(0.18, 0.58)),
    Reference("dspy tutorial, GPT-5, dev, 15 steps", 0.52, 25, "the dspy.RLM tutorial on LongBench v2, 3.4 steps"),
)


def references_for(results: Sequence[Results]) -> tuple[Reference, ...]:
    """The figures that are about the data set of these benches; none where they are of several, or of another."""
    names = {result.bench.dataset for result in results}
    return REFERENCES if names and all(name.startswith(LONGBENCH) for name in names) else ()


def chance(examples: Iterable[Example]) -> Reference | None:
    """What guessing gets, by the number of choices; None where an example has none."""
    counts = [len(example.question.choices) for example in examples]
    if not counts or not all(counts):
        return None
    return Reference("random", sum(1 / count for count in counts) / len(counts), None, "one over the number of choices")
