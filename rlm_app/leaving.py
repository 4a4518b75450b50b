"""What leaves this machine for a run: how many bytes, and where to."""

from dataclasses import dataclass

from rlm_app import wording
from rlm_app.choosing import SANDBOXES, Destination, destination
from rlm_app.model import Run
from rlm_app.settings import Settings


@dataclass(frozen=True)
class Sent:
    """What went to one place. `size` is bytes, None where it is not known yet."""

    what: str
    to: Destination
    size: int | None


def sent(run: Run, settings: Settings) -> tuple[Sent, ...]:
    """What a run has sent to its models and into its sandbox, places on this machine included.

    Runs do not keep addresses: a model's is the one that is set now.
    """
    found = []
    sub_model = run.config.sub_model or run.config.model
    for what, model, usage in (
        ("root model", run.config.model, run.root_usage),
        ("sub-model", sub_model, run.sub_usage),
    ):
        place = destination(model, settings)
        if place and (usage.calls or what == "root model"):
            found.append(Sent(f"{what} {model}", place, usage.bytes_sent))
    kind = run.sandbox.kind if run.sandbox else run.config.sandbox
    place = Destination(SANDBOXES.get(kind, kind), here=kind != "e2b")
    if run.sandbox:
        found.append(Sent("sandbox", place, run.sandbox.bytes_sent))
    return tuple(found)


def summary(parts: tuple[Sent, ...]) -> str:
    """`Left this machine: 41.2 kB to openai, 1.2 MB to E2B.`, or that nothing did."""
    away: dict[str, list[int | None]] = {}
    for part in parts:
        if not part.to.here and part.size != 0:
            away.setdefault(part.to.name, []).append(part.size)
    if not away:
        return "Nothing left this machine."
    told = [f"{_sum(sizes)} to {name}" for name, sizes in away.items()]
    return f"Left this machine: {', '.join(told)}."


def _sum(sizes: list[int | None]) -> str:
    known = sum(size for size in sizes if size is not None)
    if None not in sizes:
        return wording.size(known)
    return f"more than {wording.size(known)}" if known else "what is not counted yet"
