"""The law of the worker's output: both ends and the true length, however the bytes arrive."""

from hypothesis import given
from hypothesis import strategies as st

from rlm_app.adapters.e2b.worker.output import Ends

MARK = b"0123456789abcdef"


@given(st.lists(st.text(max_size=12), max_size=8), st.integers(1, 9))
def test_output_is_kept_whatever_the_pieces(texts: list[str], size: int) -> None:
    output = Ends(head=10, tail=4)
    for text in texts:
        data, pending = text.encode("utf-8", "replace") + MARK + b"next", b""
        output.await_mark(MARK)
        for start in range(0, len(data), size):
            pending = output.drain(pending + data[start : start + size])
        assert pending == b""
        written = text.encode("utf-8", "replace").decode()
        taken = output.taken.get_nowait()
        assert taken == {"head": written[:10], "tail": written[10:][-4:], "chars": len(written)}
        output.await_mark(MARK)
        assert output.drain(MARK) == b""
        assert output.taken.get_nowait() == {"head": "next", "tail": "", "chars": 4}
