"""How an attempt ended, read from the run that it started."""

import logging
from collections.abc import Callable, Mapping

from rlm_app import measuring, scoring
from rlm_app.benches import Attempt, Measures, Outcome
from rlm_app.codebase import Corpus
from rlm_app.examples import Example
from rlm_app.model import Body, Run

log = logging.getLogger(__name__)


def outcome_of(run: Run, predicted: str | None, expected: str) -> Outcome:
    """What a run that has ended counts as. A fallback answer, or one given at a limit, is right or wrong like any."""
    if run.status == "failed":
        return "error"
    if run.status == "cancelled":
        return "cancelled"
    if predicted is not None:
        return "right" if predicted == expected else "wrong"
    return "limit" if run.status == "limit" and run.answer is None else "no answer"


def settle(attempt: Attempt, run: Run, example: Example, letters: Mapping[str, str]) -> Attempt:
    """The attempt as its run has left it, without `measures`; the store adds when it ended.

    `letters` gives for each letter that the model saw the letter of the data set.
    """
    shown = shown_letter(run, example)
    predicted = letters[shown] if shown else None
    return attempt.model_copy(
        update={
            "outcome": outcome_of(run, predicted, example.expected),
            "predicted": predicted,
            "run_status": run.status,
            "limit": run.limit,
            "error": run.error,
            "steps": len(run.steps),
            "usage": run.usage,
            "seconds": run.seconds,
        }
    )


def shown_letter(run: Run, example: Example) -> str | None:
    """The letter that the run's answer names, as the model saw them; None where it names none."""
    return scoring.letter(run.answer, list(example.question.choices)) if run.answer else None


def measured(run: Run, corpus: Callable[[], Corpus], text_of: Callable[[Body], str], letter: str | None) -> Measures:
    """What the run's events say beyond its cost; nothing where that cannot be found out, since the outcome counts."""
    try:
        return measuring.measure(run, corpus(), text_of, letter)
    except Exception:
        log.exception("run %s could not be measured", run.id)
        return Measures()
