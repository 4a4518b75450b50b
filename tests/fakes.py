"""Stand-ins for the outside world, passed in where a test needs one: a repository, a model that follows a script."""

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rlm_app.application import App
from rlm_app.codebase import Corpus, FileSpan, Receipt, Selection, Skipped
from rlm_app.errors import CloneFailed, InvalidSource, ModelFailed, RunLimited
from rlm_app.events import ReplyRejected, StepFinished, StepStarted, SubCallFinished, SubCallStarted
from rlm_app.model import Question, RunConfig, Usage
from rlm_app.ports import Answer, Answerer, Progress, RunContext
from rlm_app.settings import Settings, load_settings
from rlm_app.stop import Stop
from tests.corpora import receipt_of

FILES = {
    "README.md": "# Shop\n\nSells things.\n",
    "shop/cart.py": "class Cart:\n    def __init__(self):\n        self.items = []\n\n"
    "    def add(self, item, count=1):\n        self.items.append((item, count))\n",
    "shop/tax.py": "RATE = 0.19\n\n\ndef tax(amount):\n    return amount * RATE\n",
}


def make_corpus(files: dict[str, str] = FILES) -> Corpus:
    """The files as one corpus, in path order."""
    spans, text = [], ""
    for path, body in sorted(files.items()):
        text += f"==> {path}\n"
        spans.append(FileSpan(path, len(text), len(body), body.count("\n")))
        text += body
    return Corpus("acme/shop", hashlib.sha1(text.encode()).hexdigest(), text, tuple(spans))


def make_receipt(corpus: Corpus, source: str = "https://example.org/acme/shop") -> Receipt:
    return receipt_of(
        corpus,
        source,
        languages=(("Python", 300), ("Markdown", 30)),
        skipped_by_reason=(("binary", 2),),
        skipped=(Skipped(path="logo.png", reason="binary", size=1200),),
        notes=("Changes that are not committed are not seen.",),
        web_url="https://example.org/acme/shop/blob/main/{path}#L{first}-L{last}",
        seconds=0.2,
    )


@dataclass
class FakeSource:
    """A repository that is always there. `gate` may wait or raise while it loads."""

    files: dict[str, str] = field(default_factory=lambda: dict(FILES))
    gate: Callable[[Stop, Progress], None] = lambda stop, progress: None
    loads: int = 0

    def validate(self, source: str) -> None:
        if not source:
            raise InvalidSource("The repository is empty; enter its address.")
        if source.startswith("bad"):
            raise InvalidSource(f"{source} is not a repository; enter an https address or a folder.")

    def load(self, source: str, selection: Selection, *, stop: Stop, progress: Progress) -> tuple[Corpus, Receipt]:
        self.loads += 1
        self.gate(stop, progress)
        if "gone" in source:
            raise CloneFailed(f"{source} could not be reached; check the address.")
        progress("clone", 1, 1, "1 MB")
        progress("flatten", 1, 1, "3 files")
        corpus = make_corpus(self.files)
        return corpus, make_receipt(corpus, source)


@dataclass(frozen=True)
class Turn:
    """One step of a script."""

    reasoning: str = "Look for the cart."
    code: str = "print(search('cart'))"
    output: str = "shop/cart.py:1: class Cart:"
    failed: bool = False
    submitted: bool = False
    sub_calls: Sequence[str] = ()
    usage: Usage = Usage()
    rejected: Sequence[str] = ()


CITED = ("shop/cart.py:1-2", "shop/cart.py:900-910", "shop/none.py:1")
SCRIPT = (
    Turn(),
    Turn("Read it.", "print(read('shop/cart.py'))", "class Cart:"),
    Turn("Done.", "SUBMIT(…)", submitted=True),
)


@dataclass
class ScriptedAnswerer:
    """Follows a script; `go` may wait before a step is written, `execute` while its code runs."""

    turns: Sequence[Turn] = SCRIPT
    answer_text: str = "The cart is `Cart`, in shop/cart.py:1-2."
    cited: tuple[str, ...] = CITED
    extracted: bool = False
    fails: str = ""
    limited: RunLimited | None = None
    rejected: Sequence[str] = ()
    keys: list[dict[str, str]] = field(default_factory=list)
    go: Callable[[int, Stop], None] = lambda step, stop: None
    execute: Callable[[int, Stop], None] = lambda step, stop: None

    def answer(self, corpus: Corpus, question: Question, config: RunConfig, run: RunContext) -> Answer:
        self.keys.append({provider: key.get_secret_value() for provider, key in run.keys.items()})
        run.phase("sandbox")
        run.phase("explore")
        for number, turn in enumerate(self.turns, 1):
            self.go(number, run.stop)
            run.stop.check()
            self._reject(number, turn.rejected, run)
            run.emit(
                StepStarted, step=number, reasoning=turn.reasoning, code=turn.code, usage=turn.usage, model_seconds=0.1
            )
            self.execute(number, run.stop)
            self._call(number, turn, run)
            run.emit(
                StepFinished,
                step=number,
                output=turn.output,
                output_chars=len(turn.output),
                failed=turn.failed,
                submitted=turn.submitted,
                seconds=0.01,
            )
        self._reject(len(self.turns) + 1, self.rejected, run)
        if self.fails:
            raise ModelFailed(self.fails)
        return Answer(self.answer_text, self.cited, self.extracted, Usage(), self.limited)

    def _reject(self, number: int, replies: Sequence[str], run: RunContext) -> None:
        for reply in replies:
            usage = Usage(calls=1, tokens_in=100, tokens_out=9, cost=0.01)
            reason = "The reply has no code."
            run.emit(ReplyRejected, step=number, reason=reason, reply=run.body(reply), usage=usage, seconds=0.1)

    def _call(self, number: int, turn: Turn, run: RunContext) -> None:
        for at, prompt in enumerate(turn.sub_calls):
            call_id = f"{number}-{at}"
            run.emit(SubCallStarted, call_id=call_id, step=number, model="openai/small", prompt=run.body(prompt))
            usage = Usage(calls=1, tokens_in=120, tokens_out=30, cost=None)
            run.emit(SubCallFinished, call_id=call_id, response=run.body("yes"), usage=usage, seconds=0.2)


def make_settings(home: Path, **changes: object) -> Settings:
    """Settings that look at no environment and no `.env` of the machine the tests run on."""
    return load_settings({}, **{"home": home, "model": "keyless/bm25", "_env_file": None, **changes})


def make_app(
    home: Path, *, source: FakeSource | None = None, answerer: Answerer | None = None, **changes: object
) -> App:
    """A whole App over a real store in `home`, with a scripted repository and model."""
    from rlm_app.adapters.examples_source import ExampleSource, Sources
    from rlm_app.adapters.longbench import LongBenchTables
    from rlm_app.adapters.store import SqlStore
    from rlm_app.asking import Services as Runs
    from rlm_app.baselines import ModelFacts
    from rlm_app.benchmarking import Bencher, Services, Surroundings, Timing
    from rlm_app.datasets.collection import Collection

    settings = make_settings(home, **changes)
    store = SqlStore.open(settings.store_url, home / "blobs")
    sources = Sources(source or FakeSource(), ExampleSource(store, store.datasets))
    collection = Collection(store, store.datasets, sources, LongBenchTables(), lambda: make_corpus(FILES))
    answerer = answerer or ScriptedAnswerer()
    services = Services(Runs(store, sources, answerer), store.datasets, store.benches)
    around = Surroundings(collection.ensure, lambda model: ModelFacts(32_000, None), Timing(2.0, 5.0, 0.05, 0.02))
    return App(settings, store, sources, answerer, collection=collection, bencher=lambda: Bencher(services, around))


def wait_for(condition: Callable[[], bool], seconds: float = 5.0) -> None:
    """Return as soon as `condition()` holds; fail after `seconds`."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "the condition did not come true in time"
        time.sleep(0.01)
