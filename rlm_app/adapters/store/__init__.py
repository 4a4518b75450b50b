"""Where runs, bodies and corpora are kept: SQLite or PostgreSQL, and a folder of blobs beside it."""

from rlm_app.adapters.store.store import SqlStore

__all__ = ["SqlStore"]
