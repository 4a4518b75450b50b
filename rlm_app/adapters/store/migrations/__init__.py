"""How a database of any age becomes the one in `schema`. Append-only: a migration that has landed is never edited.

A new one is a file `versions/vNNNN_what.py` like those there, its number put into `schema.REVISION`; tests compare
what the migrations make with what `schema` says.
"""
