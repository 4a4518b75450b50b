"""Which file an import means."""

import posixpath
from collections import defaultdict
from collections.abc import Iterable

_ECMA_ENDS = (".ts", ".tsx", ".js", ".jsx", ".mjs", ".cjs", ".mts", ".cts")


class Modules:
    """Finds the one file of a corpus that an import means; None where there is none, or more than one."""

    def __init__(self, paths: Iterable[str]) -> None:
        self._paths = frozenset(paths)
        self._packages = {posixpath.dirname(path) for path in self._paths if path.endswith("__init__.py")}
        self._python: dict[str, list[str]] = defaultdict(list)
        self._java: dict[str, list[str]] = defaultdict(list)
        for path in sorted(self._paths):
            if path.endswith(".py"):
                self._python[self._dotted(path)].append(path)
            elif path.endswith(".java"):
                self._java[posixpath.basename(path)].append(path)
        self.roots = frozenset(name.partition(".")[0] for name in self._python)
        """First parts of the absolute names of all Python modules here."""

    def python(self, importer: str, level: int, module: str) -> str | None:
        """The file of a module: `level` dots, then dotted names."""
        if not level:
            found = self._python.get(module, [])
            return found[0] if len(found) == 1 else None
        folder = posixpath.dirname(importer)
        for _ in range(level - 1):
            folder = posixpath.dirname(folder)
        base = posixpath.join(folder, module.replace(".", "/")) if module else folder
        candidates = [posixpath.join(base, "__init__.py"), f"{base}.py"]
        found = [path for path in candidates if path in self._paths]
        return found[0] if len(found) == 1 else None

    def ecma(self, importer: str, module: str) -> str | None:
        """The file of a relative import; packages are not looked for."""
        if not module.startswith("."):
            return None
        base = posixpath.normpath(posixpath.join(posixpath.dirname(importer), module))
        stem = base.removesuffix(".js").removesuffix(".mjs").removesuffix(".cjs").removesuffix(".jsx")
        candidates = {base, *(s + end for s in (base, stem, f"{base}/index") for end in _ECMA_ENDS)}
        found = candidates & self._paths
        return found.pop() if len(found) == 1 else None

    def java(self, module: str) -> str | None:
        """The file of a class by its full name."""
        wanted = module.replace(".", "/") + ".java"
        found = [
            path
            for path in self._java.get(posixpath.basename(wanted), [])
            if path == wanted or path.endswith("/" + wanted)
        ]
        return found[0] if len(found) == 1 else None

    def in_package(self, path: str) -> bool:
        return posixpath.dirname(path) in self._packages

    def _dotted(self, path: str) -> str:
        """The absolute name: from the outermost folder that is not itself a package."""
        folder, name = posixpath.split(path)
        parts = [] if name == "__init__.py" else [name.removesuffix(".py")]
        while folder and folder in self._packages:
            folder, part = posixpath.split(folder)
            parts.insert(0, part)
        return ".".join(parts)
