"""How much of a repository is taken before a load is refused."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Bounds of one load and of the cache; past one of them a load ends with a sentence that names it.

    Args:
        repository_bytes: on disk, of one clone, while it is fetched.
        corpus_chars: characters of the flattened text.
        files: tracked files in the chosen folder.
        file_bytes: a larger file is left out of the corpus and told in the receipt.
        seconds: for one clone.
        cache_bytes: on disk, of all clones; the least recently used go first.
        trust_seconds: for how long a branch is taken to be where it was when last looked up.
    """

    repository_bytes: int = 2_000_000_000
    corpus_chars: int = 100_000_000
    files: int = 200_000
    file_bytes: int = 1_000_000
    seconds: float = 600
    cache_bytes: int = 5_000_000_000
    trust_seconds: float = 300


def in_bytes(number: float) -> str:
    """A size for people, in powers of 1000: `2.1 GB`, `400 MB`, `12 kB`, `900 bytes`."""
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if number >= size * 0.9995:
            return (
                f"{number / size:.1f}".removesuffix(".0") + f" {unit}"
                if number < 9.95 * size
                else f"{number / size:,.0f} {unit}"
            )
    return f"{number:,.0f} bytes"
