"""Passages of code ranked for a question by BM25F, over identifiers split into stemmed words.

`keyless/bm25` runs these functions in the sandbox, step by step, so they keep to what every sandbox can run. The
formula is that of Robertson, Zaragoza and Taylor, "Simple BM25 extension to multiple weighted fields" (CIKM 2004).
"""

import math
import re

from rlm_app.definitions import leads_up

STOP_WORDS = (
    " a about all also an and any are as at be been being between both but by can could describe did do does doing "
    "done each either every exist exists explain find for from get gets give given happen happens has have how i if "
    "in inside into is it its itself kind like list made make makes many me my need needs no not of off on once one "
    "only or other our out over own please show so some something such take takes tell than that the their them then "
    "there these they thing this those through to under up us use used uses using via was way we were what when where "
    "which while who whose why will with within without would you your "
)
HINT_WORDS = (
    " class classes code codebase define defined defines definition exactly file files function functions implement "
    "implementation implemented implements library located main method methods module modules package part place "
    "project purpose repo repository responsible source variable work works "
)
Counted = tuple[str, int, int, str, list[float]]  # path, first line, last line, name, count of each term
Ranked = tuple[float, str, int, int, str]  # score, path, first line, last line, name
IRREGULAR = {"sent": "send", "built": "build", "written": "write", "bound": "bind", "thrown": "throw", "kept": "keep"}
INFLECTIONS = [("ies", "i", 2), ("ied", "i", 2), ("ing", "", 3), ("ed", "", 3), ("s", "", 3)]
DERIVATIONS = [
    *[("ation", "", 5), ("ator", "", 5), ("ate", "", 5), ("at", "", 5), ("ion", "", 4), ("ment", "", 5)],
    *[("er", "", 4), ("or", "", 4), ("ie", "i", 3), ("e", "", 3), ("y", "i", 3)],
]


def stem(word: str) -> str:
    """A word in lower case without its English endings, so that "registered" meets "register"."""
    word = IRREGULAR.get(word.lower(), word.lower())
    for endings in (INFLECTIONS, DERIVATIONS):
        for ending, instead, least in endings:
            rest = word[: -len(ending)]
            if not word.endswith(ending) or len(rest) < least or not re.search("[aeiouy]", rest):
                continue
            if ending == "s" and rest[-1] in "sui":
                continue
            if not instead and len(rest) > 3 and rest[-1] == rest[-2] and rest[-1] not in "lse":
                rest = rest[:-1]
            word = rest + instead
            break
    return word


def split_words(text: str) -> list[str]:
    """The words of a text, with identifiers split at underscores and where their case changes."""
    spaced = re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", text)
    return re.findall(r"[^\W_]+", re.sub(r"([A-Z])([A-Z][a-z])", r"\1 \2", spaced))


def terms_of(question: str) -> list[str]:
    """The stems that a question is about, each once, in order. Words like "class" count where little else is left."""
    words = [word.lower() for word in split_words(question)]
    telling = [word for word in words if f" {word} " not in STOP_WORDS and len(word) > 1]
    others = [word for word in telling if f" {word} " not in HINT_WORDS]
    return list(dict.fromkeys([stem(word) for word in (others if len(set(others)) > 1 else telling or words)]))


def names_in(question: str) -> list[str]:
    """What is written as an identifier: in backquotes, dotted, with an underscore or with a capital inside."""
    quoted = [name.strip().rstrip("()") for name in re.findall(r"`([^`\n]+)`", question)]
    words = re.findall(r"[A-Za-z_]\w*(?:\.\w+)*", question)
    written = [word for word in words if "." in word or "_" in word or re.search("[a-z0-9][A-Z]", word)]
    return [name for name in dict.fromkeys(quoted + written) if name]


def closeness(stemmed: str, term: str) -> float:
    """1 for the same stem, 0.5 where one begins the other ("auth" and "authentic"), otherwise 0."""
    if stemmed == term:
        return 1.0
    short, long = (stemmed, term) if len(stemmed) < len(term) else (term, stemmed)
    alike = len(short) >= 4 and long.startswith(short) and (short == stemmed or len(long) - len(short) <= 3)
    return 0.5 if alike else 0.0


def trust(path: str, asked: str) -> float:
    """How much a file's kind counts: tests, documents and change logs less than source, unless asked for."""
    low = "/" + path.lower()
    name = low.rpartition("/")[2]
    if re.search(
        r"/(change|history|news|release|changelog|whatsnew)[^/]*(\.\w+)?$|/(changes|changelog|whatsnew|releases?)/", low
    ):
        return 1.0 if re.search("change|release|version|history", asked) else 0.25
    if re.search(r"/(tests?|testing|specs?|__tests__|testdata|fixtures|t|e2e|benchmarks?)/", low) or re.search(
        r"^(test_|conftest)|(_test|\.test|\.spec|_spec)\.\w+$|^tests\.", name
    ):
        return 1.0 if re.search("test|spec", asked) else 0.4
    if re.search(r"/(examples?|samples?|demos?|tutorials?|third_party|vendor|node_modules|_?vendored)/", low):
        return 1.0 if re.search("example|sample|demo|tutorial", asked) else 0.5
    if re.search(r"\.(md|rst|txt|adoc|html?|po|pot|json|svg|csv|ya?ml|toml|cfg|ini|lock|css)$|/docs?/|/[^./]+$", low):
        return 1.0 if re.search("docs?\\b|document|readme|licen|config|depend|install|build", asked) else 0.4
    return 1.0


def passages_of(path: str, lines: list[str], found: list[tuple[int, int, str]]) -> list[tuple[int, int, str]]:
    """A file cut where definitions begin, as (first line, last line, qualified name); the parts do not overlap.

    Comments and decorators go with the definition below them. What is longer than 80 lines is cut again.
    """
    cuts = [(1, "")]
    for first, _, name in found:
        while first > cuts[-1][0] + 1 and lines[first - 2].strip() and leads_up(lines[first - 2]):
            first -= 1
        if first == cuts[-1][0]:
            cuts.pop()
        cuts.append((first, name))
    parts = []
    for at, (first, name) in enumerate(cuts):
        end = cuts[at + 1][0] - 1 if at + 1 < len(cuts) else len(lines)
        for start in range(first, end + 1, 80):
            parts.append((start, min(start + 79, end), name))
    return parts


def near_pattern(wanted: list[str]) -> re.Pattern[str]:
    """Finds every line that may hold a wanted term, to be looked at more closely."""
    return re.compile("|".join([re.escape(term[:4].rstrip("i")) for term in wanted]), re.IGNORECASE)


def matches_of(word: str, wanted: list[str], known: dict[str, list[tuple[int, float]]]) -> list[tuple[int, float]]:
    """Which terms a word stands for, as (index, closeness); remembered in `known`."""
    if word not in known:
        stemmed = stem(word)
        close = [(at, closeness(stemmed, wanted[at])) for at in range(len(wanted))]
        known[word] = [pair for pair in close if pair[1]]
    return known[word]


def count_terms(
    path: str,
    lines: list[str],
    parts: list[tuple[int, int, str]],
    wanted: list[str],
    known: dict[str, list[tuple[int, float]]],
) -> list[Counted]:
    """Passages of a file that hold wanted terms, as (path, first, last, name, count of each term).

    A term counts 1 each time it stands in the text, 5 in the passage's own name, 2.5 in outer names and the path.
    """
    near = near_pattern(wanted)
    found = []
    for first, last, name in parts:
        counts = [0.0] * len(wanted)
        for line in [line for line in lines[first - 1 : last] if near.search(line)]:
            for word in split_words(line[:1000]):
                for at, close in matches_of(word, wanted, known):
                    counts[at] += close
        if name or sum(counts):
            outer, _, own = name.replace(">", ".").rpartition(".")
            for text, weight in ((own, 5.0), (outer + " " + path.rpartition(".")[0], 2.5)):
                for word in set(split_words(text)):
                    for at, close in matches_of(word, wanted, known):
                        counts[at] += weight * close
        if sum(counts):
            found.append((path, first, last, name, counts))
    return found


def rarity_of(found: list[Counted], total_lines: int, terms: int) -> list[float]:
    """Inverse document frequency of each term over passages, as in BM25."""
    passages = max(total_lines / average_length(found), len(found) + 1)
    having = [sum([1 for passage in found if passage[4][at]]) for at in range(terms)]
    return [math.log(1 + (passages - count + 0.5) / (count + 0.5)) for count in having]


def average_length(found: list[Counted]) -> float:
    """Mean length of passages in lines."""
    return sum([last - first + 1 for _, first, last, _, _ in found]) / max(len(found), 1) or 1.0


def bm25(counts: list[float], rarity: list[float], length: float) -> float:
    """The score of a passage; `length` is in mean lengths. Passages that lack terms lose up to half."""
    norm = 1.2 * (0.4 + 0.6 * length)
    score = sum([rarity[at] * 2.2 * counts[at] / (counts[at] + norm) for at in range(len(counts))])
    covered = sum([rarity[at] for at in range(len(counts)) if counts[at]]) / (sum(rarity) or 1.0)
    return score * (0.5 + 0.5 * covered)


def rank(found: list[Counted], rarity: list[float], question: str) -> list[Ranked]:
    """Passages as (score, path, first, last, name), best first."""
    average = average_length(found)
    names = names_in(question)
    ranked = []
    for path, first, last, name, counts in found:
        score = bm25(counts, rarity, (last - first + 1) / average) * trust(path, question.lower())
        if [wanted for wanted in names if wanted == path or ("." + name).endswith("." + wanted)]:
            score *= 4 if name in names else 3
        if not name:
            score *= 0.6  # imports and licences mention much and define nothing
        if name.count(".") > 1:
            score *= 0.8  # a function inside a method serves only that method
        ranked.append((round(score, 4), path, first, last, name))
    ranked.sort(key=lambda row: (-row[0], row[1], row[2]))
    return ranked
