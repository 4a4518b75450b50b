"""Who has which colour: Okabe & Ito's palette, told apart by people who are colour blind too."""

from collections.abc import Iterable

OKABE_ITO = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442")
"""Without black, which a dark page hides (Okabe & Ito 2008, Color Universal Design)."""

GREY = "#8A8F94"

TONES = {
    "right": "#009E73",
    "wrong": "#D55E00",
    "no answer": "#999999",
    "limit": "#E69F00",
    "error": "#CC79A7",
    "cancelled": "#C8C8C8",
    "queue": "#999999",
    "root model": "#0072B2",
    "sub-calls": "#E69F00",
    "sandbox": "#009E73",
}
"""What is no model: outcomes, and what time goes to."""


def colours(models: Iterable[str]) -> dict[str, str]:
    """A colour for each model, in order of name. Given all models there are, a model has the same one everywhere."""
    return {model: OKABE_ITO[at % len(OKABE_ITO)] for at, model in enumerate(sorted(set(models)))}
