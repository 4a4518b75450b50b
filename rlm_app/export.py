"""A run as one Markdown document that can be read, mailed and kept without the app."""

import re
from datetime import UTC, datetime

from rlm_app.model import KEYLESS_LABEL, Rejected, Run, Step, Usage
from rlm_app.wording import outcome, plural, tokens

MARKS = {"verified": "✓", "not found": "✗", "out of range": "!"}


def to_markdown(run: Run) -> str:
    """Question, answer with its label, citations with their status, and every step, all in full.

    Long replies that were no step are named by their length alone.
    """
    parts = [f"# {_line(run.question.text)}", _choices(run), _facts(run), _outcome(run), _citations(run)]
    if run.steps:
        parts.append("## Steps")
        parts += [_step(step) for step in run.steps]
    parts += [_rejected(reply) for reply in run.rejected]
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
        f"Status: {outcome(run)}",
        f"Asked: {datetime.fromtimestamp(run.started, UTC):%Y-%m-%d %H:%M:%S} UTC",
        f"Steps: {len(run.steps)}, sub-calls: {len(run.sub_calls)}",
        "Cost: unknown" if cost is None else f"Cost: ${cost:.4f}",
        *_usage("Root model", run.config.model, run.root_usage),
        *_usage("Sub-model", run.config.sub_model or run.config.model, run.sub_usage),
    ]
    if run.resumed:
        facts.append(f"Taken up again by another process: {plural(run.resumed, 'time')}")
    if run.seconds is not None:
        facts.append(f"Time: {run.seconds:.1f} s")
    return "\n".join(f"- {fact}" for fact in facts)


def _usage(who: str, model: str, usage: Usage) -> list[str]:
    if not usage.calls or not usage.tokens_in:
        return []
    cost = "cost unknown" if usage.cost is None else f"${usage.cost:.4f}"
    sent = f"{usage.bytes_sent:,} bytes sent"
    return [f"{who}: {model}, {plural(usage.calls, 'call')}, {tokens(usage)}, {cost}, {sent}"]


def _outcome(run: Run) -> str:
    lines = ["## Answer"]
    if run.keyless:
        lines.append(f"*{KEYLESS_LABEL}*")
    if run.answer and run.status in ("extracted", "limit"):
        lines.append(f"*{outcome(run)}*")
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
    parts = [f"### Step {step.number} ({seconds})", *map(_rejected, step.rejected)]
    parts += [step.reasoning, _fenced(step.code, "python")]
    if step.output:
        parts.append(_fenced(step.output, "text"))
    if step.output is not None and step.output_chars > len(step.output):
        parts.append(f"Output cut: {step.output_chars:,} characters in all.")
    return "\n\n".join(part for part in parts if part)


def _rejected(reply: Rejected) -> str:
    said = _fenced(reply.reply.text, "text") if reply.reply.text else f"({reply.reply.chars:,} characters, not shown)"
    return f"A reply to step {reply.step} was no step: {reply.reason}\n\n{said}"


def _fenced(text: str, language: str) -> str:
    """A code block whose fence is longer than any run of backticks in it."""
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text.rstrip()}\n{fence}"
