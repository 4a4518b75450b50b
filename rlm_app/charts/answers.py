"""What was answered: example by example, letter by letter, when it first appeared, and what was known by heart."""

from collections import Counter
from collections.abc import Sequence

from rlm_app import scoring
from rlm_app.baselines import baseline
from rlm_app.benches import OPEN, Attempt
from rlm_app.charts.chart import Axis, Chart, Series, Table
from rlm_app.charts.points import Examples, counted, kind_of, who
from rlm_app.reports.results import Results, by_example, cautions, labels
from rlm_app.wording import cost, plural


def grid(results: Sequence[Results], examples: Examples) -> Chart:
    """Every example in every epoch of every bench, hardest first."""
    names = labels(results)
    columns = [(result, epoch) for result in results for epoch in range(1, result.bench.epochs + 1)]
    titles = {
        (result.bench.id, epoch): names[result.bench.id] + (f" #{epoch}" if result.bench.epochs > 1 else "")
        for result, epoch in columns
    }
    attempts = [attempt for result in results for attempt in result.attempts if attempt.outcome not in OPEN]
    right = Counter(attempt.example for attempt in attempts if attempt.outcome == "right")
    place = {example: at for at, example in enumerate(dict.fromkeys(attempt.example for attempt in attempts))}
    order = sorted(place, key=lambda example: (right[example], place[example]))
    cells = Series(
        name="outcome",
        mark="cells",
        x=tuple(titles[attempt.bench, attempt.epoch] for attempt in attempts),
        y=tuple(attempt.example for attempt in attempts),
        z=tuple(attempt.outcome for attempt in attempts),
        **who(attempts),
    )
    return Chart(
        name="grid",
        title="Every example, every run",
        how="A row of one colour is an example that all find easy or hard; a mixed row tells benches apart.",
        x=Axis("", "category", tuple(titles.values())),
        y=Axis("example, hardest first", "category", tuple(order)),
        series=(cells,) if attempts else (),
        n=counted(results),
        warnings=cautions(results),
    )


def letters(results: Sequence[Results], examples: Examples) -> Chart:
    """How often each letter was given for each key, and how often none: a bias shows as a column."""
    names = labels(results)
    series, unknown = [], 0
    known = sorted({letter for example in examples.values() for letter in example.question.choices})
    for result in results:
        counts: Counter[tuple[str, str]] = Counter()
        for attempt in result.ended:
            if attempt.example not in examples:
                unknown += 1
            elif attempt.outcome != "error":
                counts[attempt.predicted or "none", examples[attempt.example].expected] += 1
        cells = [(given, key) for key in known for given in (*known, "none")]
        series.append(
            Series(
                name="attempts",
                mark="cells",
                x=tuple(given for given, _ in cells),
                y=tuple(key for _, key in cells),
                z=tuple(counts[cell] for cell in cells),
                panel=names[result.bench.id],
                notes=tuple(f"{plural(counts[cell], 'attempt')} at key {cell[1]} gave {cell[0]}" for cell in cells),
            )
        )
    return Chart(
        name="letters",
        title="Letters given, by the right letter",
        how="The diagonal is right. A dark column is a letter that is given whatever is asked.",
        x=Axis("letter given", "category", (*known, "none")),
        y=Axis("right letter", "category", tuple(known)),
        series=tuple(series) if known else (),
        panels=tuple(names.values()),
        n=counted(results),
        warnings=(*cautions(results), *([f"The key of {plural(unknown, 'attempt')} is not known."] if unknown else [])),
    )


def emergence(results: Sequence[Results], examples: Examples) -> Chart:
    """By which step the final answer had first appeared, right and wrong apart, and what was spent after it."""
    names = labels(results)
    series, rows = [], []
    for result in results:
        name = names[result.bench.id]
        for dash, kind in enumerate(("right", "wrong")):
            group = [attempt for attempt in result.ended if attempt.outcome == kind]
            seen = sorted((a for a in group if a.measures.first_seen is not None), key=_first_seen)
            if not seen:
                continue
            series.append(
                Series(
                    name=f"{name}, {kind}",
                    mark="steps",
                    x=tuple(map(_first_seen, seen)),
                    y=tuple((at + 1) / len(group) for at in range(len(seen))),
                    model=result.bench.config.model,
                    dash=dash,
                    notes=tuple(f"{_after(attempt)} after it, of {attempt.steps} steps" for attempt in seen),
                    **who(seen),
                )
            )
            rows.append((f"{name}, {kind}", *_spent_after(group, seen)))
    return Chart(
        name="emergence",
        title="When the final answer first appears",
        how="A curve that rises early and runs that go on are money spent on what was already known.",
        x=Axis("step at which the final answer first appears", "count"),
        y=Axis("answers, share", "share"),
        series=tuple(series),
        n=counted(results),
        warnings=cautions(results),
        table=Table(
            ("answers", "n", "median step", "median of all steps", "spent after it", "of all cost"), tuple(rows)
        ),
    )


def _first_seen(attempt: Attempt) -> int:
    return attempt.measures.first_seen or 0


def _after(attempt: Attempt) -> str:
    return cost(attempt.measures.cost_after)


def _spent_after(group: Sequence[Attempt], seen: Sequence[Attempt]) -> tuple[str, ...]:
    """n, median first step and median steps, and what was spent after, in USD and as a share of these runs' cost."""
    priced = [(a.measures.cost_after, a.usage.cost) for a in seen]
    known = [(after, whole) for after, whole in priced if after is not None and whole is not None]
    after, whole = sum(pair[0] for pair in known), sum(pair[1] for pair in known)
    return (
        f"{len(group):,}",
        f"{scoring.quantile(map(_first_seen, seen), 0.5):g}",
        f"{scoring.quantile([attempt.steps for attempt in group], 0.5):g}",
        cost(after if len(known) == len(seen) else None),
        f"{after / whole:.0%}" if whole and len(known) == len(seen) else "–",
    )


def memorisation(results: Sequence[Results], examples: Examples) -> Chart:
    """What a model has right with the context, and what without it too: each model with its `no-context/` bench."""
    names = labels(results)
    blind = {
        named.inner: r for r in results if (named := baseline(r.bench.config.model)) and named.kind == "no-context"
    }
    pairs = [(r, blind[r.bench.config.model]) for r in results if r.bench.config.model in blind]
    shares = {names[with_.bench.id]: _kinds(with_, without) for with_, without in pairs}
    series = [
        Series(
            name=kind,
            mark="bars",
            x=tuple(len(kinds[kind]) / max(sum(map(len, kinds.values())), 1) for kinds in shares.values()),
            y=tuple(shares),
            tone=tone,
            n=tuple(len(kinds[kind]) for kinds in shares.values()),
            notes=tuple(", ".join(kinds[kind][:12]) for kinds in shares.values()),
        )
        for kind, tone in _MEMORY.items()
        if shares
    ]
    alone = "No bench here has its model's no-context bench beside it: run no-context/<model> on the same examples."
    return Chart(
        name="memorisation",
        title="Right without the context too",
        how="What a model has right without reading is memory or luck, and no credit to the exploring.",
        x=Axis("examples, share", "share"),
        y=Axis("", "category", tuple(shares)),
        series=tuple(series),
        n=counted([with_ for with_, _ in pairs]),
        warnings=(*cautions([one for pair in pairs for one in pair]), *([] if pairs else [alone])),
    )


_MEMORY = {"only with context": "right", "without it too": "limit", "only without it": "error", "neither": "no answer"}


def _kinds(with_: Results, without: Results) -> dict[str, list[str]]:
    """Examples by whether most epochs were right with the context and without; errors take an example out."""
    sides = [by_example(a for a in one.ended if a.outcome != "error") for one in (with_, without)]
    kinds: dict[str, list[str]] = {kind: [] for kind in _MEMORY}
    for example in sides[0].keys() & sides[1].keys():
        read, knew = (sum(kind_of(a) == "right" for a in side[example]) * 2 > len(side[example]) for side in sides)
        kind = (
            ("without it too" if knew else "only with context") if read else ("only without it" if knew else "neither")
        )
        kinds[kind].append(example)
    return {kind: sorted(members) for kind, members in kinds.items()}
