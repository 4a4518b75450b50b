"""What was taken from a repository, what was not, and what one might ask of it."""

from collections.abc import Sequence
from html import escape

import streamlit as st

from rlm_app.application import App
from rlm_app.codebase import Corpus, FileSpan, Receipt
from rlm_app.ui import figures
from rlm_app.ui.text import literal, visible

OKABE_ITO = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9")
SHOWN_LANGUAGES = 4
MAX_TREE_FILES = 3000
MAX_SKIPPED = 200


def receipt_card(here: App, receipt: Receipt) -> None:
    """The receipt of a loaded repository; files and what was left out on demand."""
    with st.container(border=True, gap="small"):
        st.html(f"{_title(receipt)}{_sizes(receipt)}{language_bar(receipt)}")
        for note in receipt.notes:
            st.caption(literal(note, 500))
        left_out = st.expander(
            f"{figures.plural(receipt.skipped_files, 'file')} left out",
            type="compact",
            on_change="rerun",
            key="left_out",
        )
        if left_out.open:
            left_out.html(_skipped(receipt))
        files = st.expander("Files", type="compact", on_change="rerun", key="files")
        if files.open:
            files.html(tree(here.corpus(receipt.digest)))


def _title(receipt: Receipt) -> str:
    ref = f" ({figures.safe(receipt.ref)})" if receipt.ref else ""
    folder = f" / {figures.safe(receipt.folder)}" if receipt.folder else ""
    return (
        f'<div style="overflow-wrap:anywhere"><b>{figures.safe(receipt.name)}</b>{folder}'
        f' @ <span title="{figures.safe(receipt.commit)}">{figures.safe(receipt.commit[:7])}</span>{ref}</div>'
    )


def _sizes(receipt: Receipt) -> str:
    return figures.facts(
        figures.plural(receipt.files, "file"),
        f"{figures.amount(receipt.chars)} characters",
        f"~{figures.amount(receipt.tokens)} tokens",
        f"loaded in {figures.seconds(receipt.seconds)}" if receipt.seconds else "",
    )


def language_bar(receipt: Receipt) -> str:
    """HTML of a thin bar of the languages by characters, with their names and shares."""
    total = sum(chars for _, chars in receipt.languages)
    if not total:
        return ""
    shares = [(name, chars / total) for name, chars in receipt.languages[:SHOWN_LANGUAGES]]
    rest = 1 - sum(share for _, share in shares)
    if rest > 0.005:
        shares.append(("other", rest))
    colours = [*OKABE_ITO[: len(shares) - 1], "#8A8F94"] if rest > 0.005 else list(OKABE_ITO)
    bar, names = "", ""
    for (name, share), colour in zip(shares, colours, strict=False):
        bar += f'<span style="width:{share:.2%};background:{colour}"></span>'
        dot = f'<span style="display:inline-block;width:.6em;height:.6em;border-radius:50%;background:{colour}"></span>'
        names += f'<span style="white-space:nowrap;margin-right:1em">{dot} {figures.safe(name)} {share:.0%}</span> '
    return (
        f'<div style="display:flex;height:6px;border-radius:3px;overflow:hidden;margin:.5em 0 .3em">{bar}</div>'
        f'<div style="font-size:.8rem;opacity:.85">{names}</div>'
    )


def _skipped(receipt: Receipt) -> str:
    reasons = figures.table(["why", "files"], [[figures.safe(r), f"{n:,}"] for r, n in receipt.skipped_by_reason])
    shown = receipt.skipped[:MAX_SKIPPED]
    rows = [[figures.safe(s.path), figures.safe(s.reason), figures.amount(s.size) + "B"] for s in shown]
    more = receipt.skipped_files - len(shown)
    note = f"<p>and {figures.plural(more, 'file')} more</p>" if more > 0 and shown else ""
    return reasons + (figures.table(["file", "why", "size"], rows) if rows else "") + note


def tree(corpus: Corpus) -> str:
    """HTML of the folders and files of a corpus, folders closed."""
    shown = corpus.files[:MAX_TREE_FILES]
    more = len(corpus.files) - len(shown)
    note = f"<div>and {figures.plural(more, 'file')} more</div>" if more else ""
    return f'<div style="font-size:.85rem;overflow-wrap:anywhere">{_folder(shown, 0)}{note}</div>'


def _folder(files: Sequence[FileSpan], depth: int) -> str:
    """Files that share the first `depth` parts of their paths."""
    inside: dict[str, list[FileSpan]] = {}
    html = ""
    for span in files:
        parts = span.path.split("/")
        if len(parts) > depth + 1 and depth < 30:
            inside.setdefault(parts[depth], []).append(span)
        else:
            name = escape(visible("/".join(parts[depth:])))
            html += f'<div>{name} <span style="opacity:.6">{figures.plural(span.lines, "line")}</span></div>'
    folders = "".join(
        f'<details><summary>{escape(visible(name))}/ <span style="opacity:.6">{figures.plural(len(spans), "file")}'
        f'</span></summary><div style="padding-left:1.2em">{_folder(spans, depth + 1)}</div></details>'
        for name, spans in inside.items()
    )
    return folders + html


def suggestions(here: App, receipt: Receipt) -> None:
    """Three questions worth asking; a click puts one into the question box."""
    questions = here.suggestions(receipt.digest)
    if not questions:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption("Ask for example:", width="content")
        for at, question in enumerate(questions):
            st.button(literal(question), key=f"suggestion-{at}", on_click=_put, args=(question,), wrap=True)


def _put(question: str) -> None:
    st.session_state["question"] = question
