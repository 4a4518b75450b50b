"""What others wrote comes out as it was written, and does nothing."""

import re
from html import unescape
from html.parser import HTMLParser

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from rlm_app.ui.text import MAX_PROSE_CHARS, WORD_JOINER, first_sentence, literal, prose, visible

HOSTILE = [
    "![x](https://evil.example/x.png)",
    "[click](javascript:alert(1))",
    "[click][ref]\n\n[ref]: https://evil.example",
    "<https://evil.example>",
    "<img src=x onerror=alert(1)>",
    "<script>alert(1)</script>",
    "<style>body{display:none}</style>",
    '</div><iframe src="https://evil.example"></iframe>',
    '`<b onmouseover="x">`',
    "```html\n<script>alert(1)</script>\n```",
    "```<script>alert(1)</script>\ncode\n```",
    '```py" onload="x\ncode\n```',
    "| a | b |\n|---|:-:|\n| <img src=x> | [y](data:text/html,x) |",
    ":red[x] :material/face: :tada: :streamlit: $x^2$ $$y$$",
    "https://evil.example www.evil.example a@evil.example",
    "> # <object data=x>\n1. <svg onload=x>",
    "a \u202eevil\u202c b \x00 \x1b[31m",
]
FRAGMENTS = st.sampled_from(
    [*HOSTILE, "\n", "\n\n", " ", "`", "```", "[", "](", ")", "<", ">", "\\", "**", "- ", ":", "x"]
)
TEXTS = st.one_of(st.text(max_size=300), st.lists(FRAGMENTS, max_size=12).map("".join))

TAGS = {"p", "em", "strong", "s", "code", "pre", "ul", "ol", "li", "hr", "br", "blockquote", "span"}
TAGS |= {"h1", "h2", "h3", "h4", "h5", "h6", "table", "thead", "tbody", "tr", "th", "td"}
ATTRIBUTES = {
    "code": {"class": re.compile(r"language-.*", re.DOTALL)},
    "ol": {"start": re.compile(r"\d+")},
    "th": {"style": re.compile("text-align:(left|right|center)")},
    "td": {"style": re.compile("text-align:(left|right|center)")},
    "span": {"style": re.compile(r"(color|font-weight|font-style|background-color|text-decoration|border)[^()]*")},
}


class Reader(HTMLParser):
    """Fails on any tag or attribute that plain text has no need of."""

    def __init__(self) -> None:
        super().__init__()
        self.seen = ""

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        assert tag in TAGS, f"a tag got through: {tag}"
        for name, value in attributes:
            allowed = ATTRIBUTES.get(tag, {}).get(name)
            assert allowed, f"an attribute got through: {name} of {tag}"
            assert allowed.fullmatch(value or ""), f"a value got through: {name}={value}"

    def handle_data(self, data: str) -> None:
        self.seen += data


def read(html: str) -> Reader:
    head, _, body = html.partition('<div class="rlm-prose">')
    assert head.startswith("<style>")
    assert head.count("<") == 2
    reader = Reader()
    reader.feed(body.removesuffix("</div>"))
    reader.close()
    return reader


@given(TEXTS, st.booleans())
def test_prose_holds_only_tags_that_neither_act_nor_load(text: str, dark: bool) -> None:
    read(prose(text, dark=dark))


@pytest.mark.parametrize("text", HOSTILE[:5])
def test_prose_shows_links_images_and_html_as_they_were_written(text: str) -> None:
    assert text.replace("\n\n", "") in read(prose(text)).seen.replace("\n", "")


def test_prose_renders_what_answers_are_made_of() -> None:
    html = prose("**b** `c`\n\n- one\n\n| a |\n|---|\n| 1 |\n\n```python\ndef f(): pass\n```")
    for tag in ("<strong>b</strong>", "<code>c</code>", "<li>one</li>", "<td>1</td>", "<span style="):
        assert tag in html


def test_prose_cuts_a_very_long_text_and_says_so() -> None:
    assert "the export has all 70,000 characters" in prose("x" * 70_000)
    assert len(prose("x" * 10 * MAX_PROSE_CHARS)) < 2 * MAX_PROSE_CHARS


@given(TEXTS)
@example("![a](b) :red[x] $x$ <b> www.x.yy a@b.cc a -> b :tada: `x` *y* _z_ ~w~ #h 1. - \\")
@example(":\u2060material/face:")
@example("`a``b` `` `c` \\`d` `e\\` ` f `")
def test_literal_comes_out_as_it_was_written(text: str) -> None:
    shown = literal(text, limit=10_000)
    assert "\n" not in shown
    # Read it as CommonMark does: an escaped mark is that mark, a code span is what is between its backquotes.
    tokens = re.findall(r"\\([!-/:-@\[-`{-~])|(`[^`]+`)|(.)", shown)
    assert all(not other or other not in "\\`*_{}[]()#+-.!|<>~$&" for _, _, other in tokens), "an unescaped mark"
    decoded = "".join(mark or code or other for mark, code, other in tokens)
    assert decoded.replace(WORD_JOINER, "") == " ".join(visible(text).split()).replace(WORD_JOINER, "")
    # What Streamlit and GitHub's Markdown look for in plain text once backslashes are gone.
    plain = "".join(mark or ("\ufffc" if code else other) for mark, code, other in tokens)
    assert not re.search(
        r":[\w+/-]+:|https?://|www\.|[\w.+-]@\w|(?:^|\s)(?:<->|->|<-|--|>=|<=|~=)(?:\s|$)", plain, re.I
    )


COMMONMARK = MarkdownIt("commonmark").enable(["table", "strikethrough"])


@given(TEXTS)
def test_a_reader_of_markdown_finds_nothing_in_a_literal_but_text_and_code(text: str) -> None:
    html = COMMONMARK.renderInline(literal(text, limit=10_000))
    shown = unescape(re.sub(r"</?code>", "`", html)).replace(WORD_JOINER, "")
    assert shown == " ".join(visible(text).split()).replace(WORD_JOINER, "")


def test_literal_cuts_a_long_line() -> None:
    assert literal("word " * 100, limit=20) == "word word word word…"


@pytest.mark.parametrize(
    ("text", "heading"),
    [
        ("Survey the tree. Then rank.", "Survey the tree"),
        ("\n\n## Plan:\nmore", "Plan"),
        ("", ""),
        ("see a.py and b.py", "see a.py and b.py"),
        ("x" * 300, "x" * 109 + "…"),
    ],
)
def test_the_first_sentence_names_a_step(text: str, heading: str) -> None:
    assert first_sentence(text) == heading
