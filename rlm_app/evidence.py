"""From ranked passages to an answer: extracts with citations, or the letter of a choice. It quotes; it claims nothing.

`keyless/bm25` runs these functions in the sandbox after those of `retrieval`, so they keep to what every sandbox can
run. What they quote may be hostile: it must not break out of its code span or fence.
"""

import re

from rlm_app.retrieval import Counted, Ranked, average_length, bm25, matches_of, names_in, split_words, terms_of, trust

SHOWN_LINES = 16
FENCE_NAMES = {"py": "python", "js": "javascript", "ts": "typescript", "rs": "rust", "rb": "ruby", "md": "markdown"}


def code_span(text: str) -> str:
    """Text as markdown code that it cannot break out of."""
    clean = "".join([char if char.isprintable() else "?" for char in text])
    ticks = "`" * (max([len(run) for run in re.findall("`+", clean)], default=0) + 1)
    pad = " " if "`" in clean else ""
    return ticks + pad + clean + pad + ticks


def code_block(path: str, lines: list[str]) -> str:
    """Lines as a fenced block that they cannot break out of, each cut to 200 characters."""
    rows = [line.rstrip() if len(line) <= 200 else line[:200] + "…" for line in lines]
    rows = ["".join([char if char.isprintable() or char == "\t" else "?" for char in row]) for row in rows]
    fence = "`" * max([3, *[len(run) + 1 for row in rows for run in re.findall("`+", row)]])
    extension = path.rpartition("/")[2].rpartition(".")[2].lower() if "." in path else ""
    label = FENCE_NAMES.get(extension, extension if extension.isalnum() and extension.isascii() else "")
    return "\n".join([fence + label, *rows, fence])


def best_window(lines: list[str], wanted: list[str]) -> int:
    """Where the `SHOWN_LINES` of a passage begin that say most of what is wanted; 0 unless others say clearly more."""
    known: dict[str, list[tuple[int, float]]] = {}
    hits = []
    for line in lines:
        close = [pair[1] for word in set(split_words(line[:1000])) for pair in matches_of(word, wanted, known)]
        hits.append(sum(close))
    sums = [sum(hits[at : at + SHOWN_LINES]) for at in range(max(len(lines) - SHOWN_LINES + 1, 1))]
    best = max(range(len(sums)), key=lambda at: (sums[at], -at))
    return best if sums[best] > 2 * sums[0] + 1 else 0


def cite(path: str, first: int, last: int) -> str:
    return f"{path}:{first}-{last}" if last > first else f"{path}:{first}"


def report(chosen: list[tuple[str, int, str, list[str]]], wanted: list[str], question: str) -> tuple[str, list[str]]:
    """(markdown, citations) for passages given as (path, first line, name, lines), best first."""
    asked = [word for word in dict.fromkeys(split_words(question)) if terms_of(word)[0] in wanted]
    words = ", ".join([f"“{word}”" for word in asked[:12]]) or "the question"
    if not chosen:
        return f"Nothing in this repository matches {words}.", []
    parts = [f"The passages that match {words} best:"]
    citations = []
    for number, (path, first, name, lines) in enumerate(chosen, 1):
        whole = len(lines) <= SHOWN_LINES * 2
        at = 0 if whole else best_window(lines, wanted)
        shown = lines if whole else lines[at : at + SHOWN_LINES]
        while len(shown) > 1 and not shown[-1].strip():
            shown = shown[:-1]
        citation = cite(path, first + at, first + at + len(shown) - 1)
        title = code_span(name) + " in " if name else ""
        plain = "`" not in path and path.isprintable()
        parts.append(f"**{number}.** {title}{code_span(citation if plain else path)}\n\n{code_block(path, shown)}")
        citations.append(citation)
    return "\n\n".join(parts), citations


def pick(ranked: list[Ranked], most: int) -> list[Ranked]:
    """The best passages worth showing: at least a third of the best score, at most two of a file or of one name."""
    picked: list[Ranked] = []
    for row in ranked:
        same = [other for other in picked if other[1] == row[1]]
        named = [other for other in same if row[4] and other[4] == row[4]]
        if row[0] * 3 >= ranked[0][0] and len(same) < 2 and not named and len(picked) < most:
            picked.append(row)
    return picked


def weigh_choices(
    found: list[Counted],
    rarity: list[float],
    wanted: list[str],
    question: str,
    choices: dict[str, str],
) -> list[tuple[float, str, str, int, int]]:
    """(score, letter, path, first, last) of each choice with the passage that speaks most for it, best first.

    A passage speaks for a choice as far as it matches the choice and the question both. Where a choice names a file or
    a definition, only that file or definition speaks for it.
    """
    asked = [wanted.index(term) for term in terms_of(question) if term in wanted]
    average = average_length(found)
    weighed = []
    for letter, choice in choices.items():
        mine = [wanted.index(term) for term in terms_of(choice) if term in wanted]
        names = [choice.strip().strip("`"), *names_in(choice)]
        best = (0.0, letter, "", 0, 0)
        for path, first, last, name, counts in found:
            length = (last - first + 1) / average
            named = path in names or bool(name and [1 for one in names if ("." + name).endswith("." + one)])
            by_choice = 1.0 + len(names) if named else share(counts, rarity, mine, length)
            score = by_choice * (0.2 + share(counts, rarity, asked, length)) * trust(path, question.lower())
            if score > best[0]:
                best = (round(score, 6), letter, path, first, last)
        weighed.append(best)
    lowest = re.search(r"\b(not|except|incorrect|false|wrong|least)\b", question.lower()) is not None
    weighed.sort(key=lambda row: (row[0] if lowest else -row[0], row[1]))
    return weighed


def share(counts: list[float], rarity: list[float], terms: list[int], length: float) -> float:
    """How much of what some terms can score a passage does score: 0 to 1."""
    most = sum([rarity[at] for at in terms]) * 2.2
    return bm25([counts[at] for at in terms], [rarity[at] for at in terms], length) / most if most else 0.0
