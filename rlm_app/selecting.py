"""Which paths of a repository become its corpus, and a count of those that do not."""

import re
from collections import Counter

from rlm_app.codebase import Selection, Skipped
from rlm_app.globs import compile_globs

SHOWN = 500  # of the files left out, for the receipt

_GENERATED = re.compile(
    r"""
      (?: ^ | / ) (?: (?P<vendored> (?: vendor | _vendor | node_modules | bower_components | third[_-]party | Pods
                | \.yarn/(?: releases | plugins ) | site-packages ) / )
        | (?P<lock_file> (?: [^/]*-lock\.(?: json | ya?ml ) | npm-shrinkwrap\.json | [^/]+\.lock | [^/]+\.lockfile
                | bun\.lockb | go\.(?: sum | work\.sum ) | packages\.lock\.json | Package\.resolved ) \Z ) )
    | (?P<minified> [.-]min\.(?: m?js | cjs | css ) | \.(?: m?js | css )\.map | [.-]bundle\.js ) \Z
    | (?: _pb2(?: _grpc )?\.pyi? | \.pb\.(?: go | cc | h ) | \.(?: g | freezed )\.dart | \.[dD]esigner\.cs
        | \.g\.cs | /__snapshots__/[^/]+ | (?: ^ | / ) zz_generated\.[^/]+ ) (?P<generated> \Z )
    """,
    re.VERBOSE | re.DOTALL,
)


class Selector:
    """Says of each path why it is left out, if it is. Patterns are compiled once, here."""

    def __init__(self, selection: Selection, folder: str = "") -> None:
        self._include = compile_globs(selection.include)
        self._exclude = compile_globs(selection.exclude)
        self._generated = selection.generated
        self._prefix = len(folder)  # whoever asks for a vendored folder by its path wants it

    def reason(self, path: str) -> str | None:
        """Why a path is left out, None for one to take."""
        if self._include and not self._include.match(path):
            return "not in the include patterns"
        if self._exclude and self._exclude.match(path):
            return "in the exclude patterns"
        if not self._generated and (found := _GENERATED.search(path, self._prefix)):
            return (found.lastgroup or "generated").replace("_", " ")
        return None


class Tally:
    """Counts files left out by reason, and keeps the first of them in path order."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._kept: list[tuple[str, str, int, str]] = []

    def add(self, path: str, reason: str, size: int = 0, *, detail: str = "") -> None:
        """Count a file of `size` bytes; `detail` is told of this file, but does not split the count."""
        self._counts[reason] += 1
        self._kept.append((path, reason, size, detail))
        if len(self._kept) >= 4 * SHOWN:
            self._kept = sorted(self._kept)[:SHOWN]

    @property
    def by_reason(self) -> tuple[tuple[str, int], ...]:
        """(reason, files), most first."""
        return tuple(sorted(self._counts.items(), key=lambda item: (-item[1], item[0])))

    @property
    def first(self) -> tuple[Skipped, ...]:
        kept = sorted(self._kept)[:SHOWN]
        return tuple(Skipped(path=path, reason=why, size=size, detail=detail) for path, why, size, detail in kept)

    def __str__(self) -> str:
        return ", ".join(f"{count:,} {reason}" for reason, count in self.by_reason)
