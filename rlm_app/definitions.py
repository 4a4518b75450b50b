"""Where things are defined in a file, found line by line without a parser.

Part of what runs inside the sandbox (see `toolkit.source`), so it keeps to what every sandbox can run: Monty has no
generators, no inheritance, no `del`, and is slow at `\\b`.
"""

import re

_NAME = r"([A-Za-z_$][\w$]*)"
_WORDS_BEFORE = (
    r"^(\s*)(?:(?:export|default|declare|public|private|protected|internal|static|final|abstract|async|virtual|inline"
    r"|override|sealed|open|data|case|partial|readonly|unsafe|extern|local|implicit|pub(?:\([a-z: ]*\))?)\s+)*"
)
_PATTERNS: dict[str, list[str]] = {
    "python": [r"^(\s*)(?:async\s+)?(?:def|class)\s+(\w+)\s*[(:\[]"],
    "javascript": [
        _WORDS_BEFORE
        + r"(?:function\s*\*?|class|interface|enum|namespace|type)\s+"
        + _NAME
        + r"(?:\s*[<({=]|\s*$|\s+\w)",
        _WORDS_BEFORE
        + r"(?:const|let|var)\s+"
        + _NAME
        + r"\s*(?::[^=]*)?=\s*(?:async\s*)?(?:function|class|\([^()]*\)\s*(?::[^=]*)?=>|[\w$]+\s*=>)",
        r"^(\s*)((?:[\w$]+\.)+[\w$]+)\s*=\s*(?:async\s+)?(?:function|class)[\s(*]",
        r"^(\s+)(?:(?:public|private|protected|static|async|get|set|override|readonly)\s+)*\*?(#?[A-Za-z_$][\w$]*)"
        r"\s*(?:<[^()]*>)?\([^;]*\)\s*(?::[^;=]*)?\{\s*$",
    ],
    "go": [
        r"^()func\s+\(\s*(?:\w+\s+)?\*?(\w+)[^()]*\)\s*(\w+)",
        r"^()(?:func|type)\s+(\w+)",
        r"^(\t)(\w+)\s+(?:struct|interface)\s*\{",
    ],
    "rust": [
        _WORDS_BEFORE + r"(?:const\s+)?(?:unsafe\s+)?(?:fn|struct|enum|trait|union|mod|type|macro_rules!)\s+(\w+)",
        r"^(\s*)(?:unsafe\s)?impl(?:<[^{]*>)?\s(?:[^{]*\sfor\s)?&?(?:mut\s)?(?:\w+::)*(\w+)",
    ],
    "c": [
        r"^(\s*)(?:typedef\s+)?(?:template\s*<[^>]*>\s*)?(?:struct|class|enum(?:\s+class)?|union|namespace)\s+"
        r"(?:[A-Z_]+\s+)?(\w+)\s*(?:final\s*)?(?::[^:;][^;]*)?\{?\s*$",
        r"^()#\s*define\s+(\w+)\(",
        r"^()(?:[A-Za-z_][\w:<>,]*[\s*&]+)+([A-Za-z_~][\w:~]*)\s*\([^;]*$",
        r"^(\s+)(?:[A-Za-z_][\w:<>,]*[\s*&]+)+([A-Za-z_~][\w:~]*)\s*\([^;]*\)\s*(?:const\s*|override\s*|noexcept\s*)*\{",
    ],
    "java": [
        _WORDS_BEFORE + r"(?:class|@?interface|enum|record|object|struct|trait|protocol|extension|namespace)\s+(\w+)",
        _WORDS_BEFORE + r"(?:fun|func|def|function)\s+(?:<[^>]*>\s*)?(?:[\w<>?]+\.)?(\w+)",
        r"^(\s+)(?:[\w@<>\[\],.?]+\s+)+(\w+)\s*\([^;=]*\)?\s*(?:throws\s+[\w.,\s]+)?(?:\{\s*\}?|,)?\s*$",
    ],
    "ruby": [r"^(\s*)(?:def|class|module)\s+(?:self\.)?([\w:]+[?!=]?)"],
    "shell": [r"^(\s*)(?:function\s+)?([\w:-]+)\s*\(\)\s*\{?\s*$", r"^(\s*)function\s+([\w:-]+)"],
    "other": [
        r"^(\s*)(?:local\s+)?(?:function|defmodule|defp?|sub|proc|module)\s+([\w.:?!]+)",
        _WORDS_BEFORE + r"(?:class|def|func|fn|function|struct|trait|impl|interface|enum)\s+(\w+)\s*(?:[<({:]|\[|$)",
        r"^()(?:[A-Za-z_][\w:<>,]*[\s*&]+)+([A-Za-z_~][\w:~]*)\s*\([^;]*\)\s*\{\s*$",
    ],
}
_EXTENSIONS: dict[str, str] = {
    "python": "py pyi pyx ipynb",
    "javascript": "js jsx mjs cjs ts tsx mts cts vue svelte",
    "go": "go",
    "rust": "rs",
    "c": "c h cc hh cpp hpp cxx hxx m mm cu",
    "java": "java kt kts cs scala swift php dart groovy",
    "ruby": "rb rake",
    "shell": "sh bash zsh",
    "markdown": "md markdown mdx",
    "rst": "rst",
    "text": "txt json yaml yml toml ini cfg lock csv tsv xml html htm css scss svg po pot log sql adoc",
}
LANGUAGES: dict[str, str] = {
    extension: name for name, extensions in _EXTENSIONS.items() for extension in extensions.split()
}
_COMPILED: dict[str, list[re.Pattern[str]]] = {
    name: [re.compile(pattern) for pattern in patterns] for name, patterns in _PATTERNS.items()
}
_NEVER_NAMES = " if for while switch catch return else elif do try throw typeof sizeof function super this "
_NEVER_FIRST = _NEVER_NAMES.replace(" function ", " ") + "new with await delete assert print using foreach lock when "
_HEADING = re.compile(r"^(#{1,6})\s+(.+?)\s*#*\s*$")
_UNDERLINE = re.compile(r"^([=\-~^\"'+*#.:_`])\1{2,}\s*$")
MAX_LINE = 400  # characters; longer lines define nothing, and patterns must not run on minified code


def language(path: str) -> str:
    """Which patterns fit a file: `python`, `go`, …; `other` for unknown code, `text` for what defines nothing."""
    name = path.rpartition("/")[2]
    stem, dot, extension = name.rpartition(".")
    if not dot or not stem:
        return "other" if path in ("", "context") else "text"
    return LANGUAGES.get(extension.lower(), "other")


def find_definitions(path: str, lines: list[str]) -> list[tuple[int, int, str]]:
    """Definitions of a file as (first line, last line, qualified name), in order; in documents the headings.

    Lines are counted from 1 and both ends are included. A class spans its methods. Names are joined with dots:
    `Blueprint.register`. Found by line patterns and indentation, so code of unusual layout may hide some.
    """
    kind = language(path)
    if kind == "text":
        return []
    if kind == "markdown":
        found = _markdown_headings(lines)
    elif kind == "rst":
        found = _rst_headings(lines)
    else:
        found = _code_definitions(_COMPILED[kind], lines)
    return _with_ends(found, lines, ">" if kind in ("markdown", "rst") else ".")


def _code_definitions(patterns: list[re.Pattern[str]], lines: list[str]) -> list[tuple[int, int, str]]:
    """(line number, indentation, name) of each line that a pattern matches."""
    found: list[tuple[int, int, str]] = []
    for number, line in enumerate(lines, 1):
        if len(line) > MAX_LINE or not line:
            continue
        for pattern in patterns:
            match = pattern.match(line)
            if match:
                parts = [part for part in match.groups()[1:] if part]
                first_word = f" {line.split(None, 1)[0]} "
                if f" {parts[-1]} " not in _NEVER_NAMES and first_word not in _NEVER_FIRST:
                    found.append((number, len(match.group(1).expandtabs(4)), ".".join(parts)))
                    break
    return found


def _markdown_headings(lines: list[str]) -> list[tuple[int, int, str]]:
    found: list[tuple[int, int, str]] = []
    fenced = False
    for number, line in enumerate(lines, 1):
        if line.lstrip().startswith(("```", "~~~")):
            fenced = not fenced
        elif not fenced and line.startswith("#") and len(line) <= MAX_LINE:
            match = _HEADING.match(line.rstrip())
            if match:
                found.append((number, len(match.group(1)), match.group(2)))
    return found


def _rst_headings(lines: list[str]) -> list[tuple[int, int, str]]:
    found: list[tuple[int, int, str]] = []
    levels: list[str] = []
    for number in range(1, len(lines)):
        rule, title = lines[number], lines[number - 1].strip()
        if title and len(title) <= MAX_LINE and title[0] not in ".:|+" and _UNDERLINE.match(rule[:MAX_LINE]):
            if len(rule.rstrip()) < len(title) or _UNDERLINE.match(title):
                continue
            if rule[0] not in levels:
                levels.append(rule[0])
            found.append((number, levels.index(rule[0]), title))
    return found


def _with_ends(found: list[tuple[int, int, str]], lines: list[str], joint: str) -> list[tuple[int, int, str]]:
    """Give each definition its last line (before the next one that is not inside it) and its qualified name."""
    ends = [0] * len(found)
    names = [""] * len(found)
    outer: list[int] = []
    for at in range(len(found)):
        line, level, name = found[at]
        while outer and found[outer[-1]][1] >= level:
            ends[outer.pop()] = line - 1
        names[at] = names[outer[-1]] + joint + name if outer else name
        outer.append(at)
    for at in outer:
        ends[at] = len(lines)
    code = joint == "."
    return [(found[at][0], _trim(lines, found[at][0], ends[at], code), names[at]) for at in range(len(found))]


def _trim(lines: list[str], first: int, last: int, code: bool) -> int:
    """`last` without blank lines, in code also without the comments and decorators of the next definition."""
    while last > first and (leads_up(lines[last - 1]) if code else not lines[last - 1].strip()):
        last -= 1
    return last


def leads_up(line: str) -> bool:
    """Whether a line before a definition is blank, a comment or a decorator."""
    text = line.strip()
    return not text or text.startswith(("#", "//", "/*", "* ", "*/", "@", "--")) or text == "*"
