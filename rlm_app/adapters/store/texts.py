"""What storage does to characters that UTF-8 or PostgreSQL refuse: one policy for every database.

Lone surrogates come from models and sandboxes (half of an emoji, cut). They become U+FFFD, and two halves that meet
become the character they spell. NUL characters survive in events, bodies and blobs, where JSON escapes them or bytes
hold them; in the columns of History, which are for show and search, they become U+FFFD.
"""

import json

from pydantic import BaseModel

from rlm_app.events import EVENT, Event


def well_formed(text: str) -> str:
    """The same text as UTF-8 can hold it."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def printable(text: str) -> str:
    """The same text as every database can hold it in a column."""
    return well_formed(text).replace("\0", "\ufffd")


def folded(text: str) -> str:
    """The same text for a comparison without case."""
    return printable(text).casefold()


def encode(value: BaseModel) -> str:
    """JSON of an event or a receipt that any database holds as text."""
    try:
        return value.model_dump_json()
    except ValueError:  # pydantic's, for a lone surrogate
        return well_formed(json.dumps(value.model_dump(mode="json"), ensure_ascii=False))


def decode(body: str) -> Event:
    """Raises: ValueError (pydantic's), for what no event of this version looks like."""
    return EVENT.validate_json(body)
