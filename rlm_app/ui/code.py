"""Source code in colour, in one calm palette for light and one for dark; escaped, since it is of others."""

from functools import cache
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pygments.style import Style
    from pygments.token import _TokenType

MAX_CHARS = 20_000  # beyond it plain: colouring is slow on the server and heavy in the browser
MAX_CHARS_ABOVE = 80_000  # of the file above an excerpt, which cost a tenth of a second to read

# keyword, string, comment, number, name, mark: each at least 4.5 to 1 against page and panel
LIGHT = ("#0B6E6E", "#8A4B08", "#646A70", "#7A3E9D", "#1F4E9E", "rgba(11,110,110,.12)")
DARK = ("#4FB3AF", "#D9A066", "#9AA3A8", "#C49BDB", "#7FB0E8", "rgba(79,179,175,.22)")


def highlight(code: str, language: str, *, dark: bool) -> str:
    """HTML spans of a piece of code, coloured where the language is known and the code is not too long."""
    from pygments import highlight as colour
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import get_lexer_by_name
    from pygments.util import ClassNotFound

    try:
        lexer = get_lexer_by_name(language.split()[0] if language.split() else "text", stripnl=False)
    except ClassNotFound:
        return escape(code)
    if len(code) > MAX_CHARS:
        return escape(code)
    html: str = colour(code, lexer, HtmlFormatter(nowrap=True, noclasses=True, nobackground=True, style=style(dark)))
    return html


def numbered(lines: list[str], path: str, first: int, marked: list[int], *, above: list[str], dark: bool) -> str:
    """HTML of lines of a file with their numbers from `first`; `marked` counts from 1 within `lines`.

    With the lines `above` them in that file, an excerpt that begins inside a string is coloured as one.
    """
    from pygments import format as render
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import TextLexer, get_lexer_for_filename
    from pygments.util import ClassNotFound

    try:
        lexer = get_lexer_for_filename(path, stripnl=False)
    except ClassNotFound:
        lexer = TextLexer(stripnl=False)
    formatter = HtmlFormatter(
        linenos="inline",
        linenostart=first,
        hl_lines=marked,
        noclasses=True,
        nobackground=True,
        style=style(dark),
        prestyles="margin:0;overflow-x:auto;font-size:.8rem;line-height:1.5;background:none;padding:.4em 0",
    )
    if sum(map(len, lines)) > MAX_CHARS:
        lexer = TextLexer(stripnl=False)
    if sum(map(len, above)) > MAX_CHARS_ABOVE:
        above = []
    tokens = lexer.get_tokens("\n".join([*above, *lines]))
    html: str = render(_from_line(tokens, len(above)), formatter)
    return html


def _from_line(tokens: "Iterable[tuple[_TokenType, str]]", skipped: int) -> "Iterator[tuple[_TokenType, str]]":
    """Tokens without the first so many lines; one that reaches over the cut keeps its kind."""
    for kind, text in tokens:
        while skipped and "\n" in text:
            text = text.partition("\n")[2]
            skipped -= 1
        if not skipped and text:
            yield kind, text


@cache
def style(dark: bool) -> "type[Style]":
    """The pygments style of the theme, with the mark for cited lines."""
    from pygments import token
    from pygments.style import Style

    keyword, string, comment, number, name, mark = DARK if dark else LIGHT
    styles = {
        token.Comment: comment,
        token.String: string,
        token.String.Doc: comment,
        token.Keyword: keyword,
        token.Operator.Word: keyword,
        token.Number: number,
        token.Name.Function: name,
        token.Name.Class: name,
        token.Name.Decorator: number,
        token.Name.Tag: keyword,
        token.Name.Attribute: name,
        token.Generic.Heading: f"bold {name}",
    }
    return type("Calm", (Style,), {"styles": styles, "highlight_color": mark, "line_number_color": comment})
