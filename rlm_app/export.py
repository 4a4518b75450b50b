"""A run as one Markdown document that can be read, mailed and kept without the app."""

import re
from datetime import UTC, datetime

from rlm_app.model import KEYLESS_LABEL, Run, Step
from rlm_app.wording import STATUS_WORDS

MARKS = {"verified": "✓", "not found": "✗", "out of range": "!"}


def to_markdown(run: Run) -> str:
    """Question, answer with its label, citations with their status, and every step. All of the run's text is in it."""
    parts = [f"# {_line(run.question.text)}", _choices(run), _facts(run), _outcome(run), _citations(run)]
    if run.steps:
        parts.append("## Steps")
        parts += [_step(step) for step in run.steps]
    return "\n\n".join(part for part in parts if part) + "\n"


def _line(text: str) -> str:
    return " ".join(text.split())


def _choices(run: Run) -> str:
    return "\n".join(f"- {letter}. {_line(text)}" for letter, text in run.question.choices.items())


def _facts(run: Run) -> str:
    receipt, cost = run.receipt, run.usage.cost
    facts = [
        f"Repository: {receipt.name} @ {receipt.commit}" if receipt else f"Repository: {run.source}",
        f"Model: {run.config.model}" + (f" ({KEYLESS_LABEL})" if run.keyless else ""),
        f"Sandbox: {run.config.sandbox}",
        f"Status: {STATUS_WORDS.get(run.status, run.status)}",
        f"Asked: {datetime.fromtimestamp(run.started, UTC):%Y-%m-%d %H:%M:%S} UTC",
        f"Steps: {len(run.steps)}, sub-calls: {len(run.sub_calls)}",
        "Cost: unknown" if cost is None else f"Cost: ${cost:.4f}",
    ]
    if run.seconds is not None:
        facts.append(f"Time: {run.seconds:.1f} s")
    return "\n".join(f"- {fact}" for fact in facts)


def _outcome(run: Run) -> str:
    lines = ["## Answer"]
    if run.keyless:
        lines.append(f"*{KEYLESS_LABEL}*")
    if run.status == "extracted":
        lines.append(f"*{STATUS_WORDS['extracted']}*")
    if run.error:
        lines.append(run.error)
    lines.append(run.answer or ("" if run.error else "There is no answer yet."))
    return "\n\n".join(line for line in lines if line)


def _citations(run: Run) -> str:
    if not run.citations:
        return ""
    rows = [
        f"{number}. {MARKS[found.status]} {found.status}: `{found.label}`" + (f" <{found.url}>" if found.url else "")
        for number, found in enumerate(run.citations, 1)
    ]
    return "## Citations\n\n" + "\n".join(rows)


def _step(step: Step) -> str:
    seconds = "did not finish" if step.seconds is None else f"{step.model_seconds + step.seconds:.1f} s"
    parts = [f"### Step {step.number} ({seconds})", step.reasoning, _fenced(step.code, "python")]
    if step.output:
        parts.append(_fenced(step.output, "text"))
    if step.output is not None and step.output_chars > len(step.output):
        parts.append(f"Output cut: {step.output_chars:,} characters in all.")
    return "\n\n".join(part for part in parts if part)


def _fenced(text: str, language: str) -> str:
    """A code block whose fence is longer than any run of backticks in it."""
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text.rstrip()}\n{fence}"
