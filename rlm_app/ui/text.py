"""Texts that others wrote, made harmless: models, repositories and people who type into the app.

Two ways to show them. `literal` is for one line inside Streamlit's own labels, which are Markdown: it comes out as it
was written. `prose` is for whole texts: Markdown rendered here to a few plain tags, since Streamlit's renderer knows
images, links, colours, icons, LaTeX and diagrams, and its switches turn off none of them.
"""

import re
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

MAX_PROSE_CHARS = 60_000
WORD_JOINER = "\u2060"

# Controls that no text needs, and marks that reorder what is read against what is there (CVE-2021-42574).
_INVISIBLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_PUNCTUATION = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~$&])")
# Streamlit looks for these after backslashes are gone, so only a character in between helps: icons and emoji,
# addresses without a scheme, and arrows it would make prettier.
_FOUND_LATER = re.compile(r"(:|@|www(?=\\\.))", re.IGNORECASE)
_CODE = re.compile(r"(?<!`)`([^`\s](?:[^`]*[^`\s])?)`(?!`)")
_ARROWS = re.compile(r"(?<!\S)(<->|->|<-|--|>=|<=|~=)(?!\S)")


def visible(text: str) -> str:
    """The text with controls and reordering marks replaced by a mark that can be seen."""
    return _INVISIBLE.sub("\ufffd", text.replace("\r\n", "\n"))


def literal(text: str, limit: int = 300) -> str:
    """One line that Streamlit's Markdown shows as it was written, cut after `limit` characters.

    Only code between backquotes is rendered. Invisible word joiners are put in where an escape would not hold.
    """
    line = " ".join(visible(text).split())
    if len(line) > limit:
        line = line[: limit - 1].rstrip() + "…"
    parts = _CODE.split(line)  # texts and codes in turn
    return "".join(f"`{part}`" if at % 2 else _escaped(part) for at, part in enumerate(parts))


def _escaped(text: str) -> str:
    text = _ARROWS.sub(lambda found: found[1][0] + WORD_JOINER + found[1][1:], text)
    return _FOUND_LATER.sub(rf"\1{WORD_JOINER}", _PUNCTUATION.sub(r"\\\1", text))


def prose(text: str, *, dark: bool = False) -> str:
    """HTML of a Markdown text for `st.html`: paragraphs, lists, tables and code, and nothing that acts or loads.

    Links, images and HTML come out as the characters they were written with. Cut after `MAX_PROSE_CHARS` characters.
    """
    text = visible(text)
    if len(text) > MAX_PROSE_CHARS:
        text = f"{text[:MAX_PROSE_CHARS]}\n\n… cut here; the export has all {len(text):,} characters."
    body = _markdown(dark).render(text)
    return f'{_STYLE}<div class="rlm-prose">{body}</div>'


def first_sentence(text: str, limit: int = 110) -> str:
    """What a text begins with, for a heading: its first line up to the first full stop, not yet made harmless."""
    line = next((line.strip(" #*>-") for line in text.splitlines() if line.strip(" #*>-`")), "")
    sentence = re.split(r"(?<=[.:;!?])\s", line, maxsplit=1)[0].rstrip(".:;")
    return sentence if len(sentence) <= limit else sentence[: limit - 1].rstrip() + "…"


@cache
def _markdown(dark: bool) -> "MarkdownIt":
    from markdown_it import MarkdownIt

    from rlm_app.ui.code import highlight

    renderer = MarkdownIt("commonmark", {"html": False, "linkify": False, "maxNesting": 20})
    renderer.enable(["table", "strikethrough"])
    renderer.disable(["image", "link", "autolink", "reference", "html_inline", "html_block", "lheading"])
    renderer.options["highlight"] = lambda code, name, _: highlight(code, name, dark=dark)
    return renderer


_STYLE = """<style>
.rlm-prose {line-height: 1.6; overflow-wrap: anywhere}
.rlm-prose p {margin: 0 0 .7em}
.rlm-prose h1, .rlm-prose h2, .rlm-prose h3, .rlm-prose h4, .rlm-prose h5, .rlm-prose h6
 {font-size: 1rem; font-weight: 600; margin: 1em 0 .4em; padding: 0}
.rlm-prose ul, .rlm-prose ol {margin: 0 0 .7em; padding-left: 1.5em}
.rlm-prose li {margin: .15em 0; font-size: inherit}
.rlm-prose code {font-size: .86em; padding: .1em .3em; border-radius: 4px; background: rgba(128,128,128,.16);
 color: inherit}
.rlm-prose pre {overflow: auto; max-height: 16em; padding: .7em .8em; border-radius: 6px; margin: 0 0 .7em;
 background: rgba(128,128,128,.1); line-height: 1.45}
.rlm-prose pre code {background: none; padding: 0; overflow-wrap: normal}
.rlm-prose blockquote {margin: 0 0 .7em; padding-left: 1em; border-left: 3px solid rgba(128,128,128,.4)}
.rlm-prose table {display: block; overflow-x: auto; border-collapse: collapse; margin: 0 0 .7em}
.rlm-prose td, .rlm-prose th {border: 1px solid rgba(128,128,128,.3); padding: .25em .6em; text-align: left}
</style>"""
