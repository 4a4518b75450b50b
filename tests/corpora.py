"""Corpora from a mapping of paths to contents, and receipts that fit them."""

from typing import Any

from rlm_app.codebase import Corpus, FileSpan, Receipt


def corpus_of(files: dict[str, str], name: str = "owner/name") -> Corpus:
    """A corpus in the house's format."""
    text, spans = "", []
    for path, content in sorted(files.items()):
        lines = content.count("\n") + (not content.endswith("\n") if content else 0)
        text += f"===== {path} ({lines} lines) =====\n"
        spans.append(FileSpan(path, len(text), len(content), lines))
        text += content if content.endswith("\n") or not content else content + "\n"
    return Corpus(name, "c0ffee" * 6 + "c0ff", text, tuple(spans))


def receipt_of(corpus: Corpus, source: str = "https://example.org/owner/name", **others: Any) -> Receipt:
    """The receipt of a corpus; `others` are fields that a test cares about."""
    plain = {
        "source": source,
        "url": source,
        "name": corpus.name,
        "commit": corpus.revision,
        "ref": "main",
        "files": len(corpus.files),
        "chars": len(corpus.text),
        "digest": corpus.digest,
        "languages": (("Python", len(corpus.text)),),
        "web_url": "https://example.org/owner/name/blob/c0ffee/{path}#L{first}-L{last}",
    }
    return Receipt(**{**plain, **others})
