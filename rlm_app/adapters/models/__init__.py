"""Language models: how one is reached, what its calls cost, and what its failures mean."""

from rlm_app.adapters.models.calls import Around, Call, Outputs, Route, TracedLM, text_of
from rlm_app.adapters.models.connection import connection
from rlm_app.adapters.models.failures import (
    Refused,
    is_model_error,
    model_failure,
    scrub,
    scrubbed,
    sentence_of,
)
from rlm_app.adapters.models.gate import Gate
from rlm_app.adapters.models.usage import Tariff, usage_of, usage_of_failed
from rlm_app.choosing import engine_of

__all__ = [
    "Around",
    "Call",
    "Gate",
    "Outputs",
    "Refused",
    "Route",
    "Tariff",
    "TracedLM",
    "connection",
    "engine_of",
    "is_model_error",
    "model_failure",
    "scrub",
    "scrubbed",
    "sentence_of",
    "text_of",
    "usage_of",
    "usage_of_failed",
]
