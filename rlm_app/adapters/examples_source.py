"""Examples as sources: asked like any question, over a context that is stored already."""

from collections import Counter

from rlm_app.codebase import Corpus, Receipt, Selection
from rlm_app.errors import InvalidSource, NotFound
from rlm_app.examples import SOURCE_PREFIX, Dataset, Example
from rlm_app.languages import language
from rlm_app.ports import Datasets, Progress, Source, Store
from rlm_app.stop import Stop
from rlm_app.toolkit import is_unnamed


class ExampleSource:
    """Implements `ports.Source` for `example:<dataset>/<id>`."""

    def __init__(self, store: Store, datasets: Datasets) -> None:
        self._store, self._datasets = store, datasets

    def validate(self, source: str) -> None:
        """Raises: InvalidSource: not a stored example."""
        self._find(source)

    def load(self, source: str, selection: Selection, *, stop: Stop, progress: Progress) -> tuple[Corpus, Receipt]:
        """The stored context of an example, and a receipt that says what it is. Nothing is cloned.

        Raises:
            InvalidSource: not a stored example, or only a part of it is asked for.
            NotFound: its context is gone.
        """
        dataset, example = self._find(source)
        if selection != Selection():
            raise InvalidSource("An example is asked about its whole context; leave branch and patterns empty.")
        stop.check()
        progress("flatten", 0, 1, "reading the stored context")
        corpus = self._store.corpus(example.context)
        progress("flatten", 1, 1, "")
        return corpus, _receipt(source.strip(), dataset, example, corpus)

    def _find(self, source: str) -> tuple[Dataset, Example]:
        name, slash, identity = source.strip().removeprefix(SOURCE_PREFIX).partition("/")
        if not slash or not identity:
            raise InvalidSource(f"{source[:100]!r} names no example; write {SOURCE_PREFIX}DATASET/ID.")
        try:
            return self._datasets.dataset(name), self._datasets.examples(name, [identity])[0]
        except NotFound as error:
            raise InvalidSource(str(error)) from None


def _receipt(source: str, dataset: Dataset, example: Example, corpus: Corpus) -> Receipt:
    languages: Counter[str] = Counter()
    for span in () if is_unnamed(corpus) else corpus.files:
        languages[language(span.path)] += span.chars
    return Receipt(
        source=source,
        url=source,
        name=example.repository or f"{dataset.name}/{example.id}",
        commit=corpus.revision or dataset.revision or dataset.digest,
        ref=None,
        files=len(corpus.files),
        chars=len(corpus.text),
        digest=corpus.digest,
        languages=tuple(sorted(languages.items(), key=lambda item: (-item[1], item[0]))),
        notes=(f"Example {example.id} of the data set {dataset.name}, from its stored context; nothing was cloned.",),
    )


class Sources:
    """Implements `ports.Source`: examples by their prefix, everything else from Git."""

    def __init__(self, git: Source, examples: Source) -> None:
        self._git, self._examples = git, examples

    def validate(self, source: str) -> None:
        self._of(source).validate(source)

    def load(self, source: str, selection: Selection, *, stop: Stop, progress: Progress) -> tuple[Corpus, Receipt]:
        return self._of(source).load(source, selection, stop=stop, progress=progress)

    def _of(self, source: str) -> Source:
        return self._examples if source.strip().startswith(SOURCE_PREFIX) else self._git
