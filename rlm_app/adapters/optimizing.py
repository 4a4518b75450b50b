"""dspy's GEPA over our program: a model that reads what went wrong writes a better task prompt."""

from collections.abc import Callable, Sequence
from typing import Any

import dspy

from rlm_app.adapters import models
from rlm_app.adapters.programs import RepositoryProgram
from rlm_app.errors import InvalidConfig
from rlm_app.model import Usage
from rlm_app.optimizing import LabelledQuestion, Optimized, Plan

LEAST_EXAMPLES = 4


def optimize(
    program: RepositoryProgram, questions: Sequence[LabelledQuestion], plan: Plan, reflect: Any = None
) -> Optimized:
    """Rewrite the task prompt: every other example is learned from, the rest decide.

    Args:
        reflect: a `dspy.LM` in place of the one that `plan` names.

    Raises:
        InvalidConfig: too few examples.
    """
    if len(questions) < LEAST_EXAMPLES:
        raise InvalidConfig(f"Optimizing needs at least {LEAST_EXAMPLES} examples; these are {len(questions)}.")
    spent = [Usage()]

    def count(prompt: str, call: Callable[[], tuple[Any, Usage]]) -> Any:
        outputs, usage = call()
        spent[0] += usage
        return outputs

    lm = reflect or models.TracedLM(plan.reflection, around=count, **models.connection(plan.reflection, plan.settings))
    gepa = dspy.GEPA(
        metric=_with_feedback(plan.metric),
        max_metric_calls=plan.calls,
        reflection_lm=lm,
        num_threads=plan.threads,
        seed=plan.seed,
        track_stats=True,
    )
    examples = [_example(question) for question in questions]
    better = gepa.compile(program, trainset=examples[::2], valset=examples[1::2])
    scores = better.detailed_results.val_aggregate_scores
    return Optimized(better, scores[0], max(scores), len(examples[1::2]), spent[0])


def _example(labelled: LabelledQuestion) -> dspy.Example:
    return dspy.Example(
        context=labelled.corpus,
        question=labelled.question.text,
        choices=labelled.question.choices,
        answer=labelled.expected,
    ).with_inputs("context", "question", "choices")


def _with_feedback(metric: Callable[..., float]) -> Callable[..., dspy.Prediction]:
    def judge(
        gold: dspy.Example, pred: Any, trace: Any = None, pred_name: Any = None, pred_trace: Any = None
    ) -> dspy.Prediction:
        score = metric(gold, pred)
        right = "right" if score else f"wrong: the key is {gold.answer} ({gold.choices[gold.answer]})"
        said = f"The answer {getattr(pred, 'answer', None)!r} to {gold.question!r} is {right}."
        return dspy.Prediction(score=score, feedback=said)

    return judge
