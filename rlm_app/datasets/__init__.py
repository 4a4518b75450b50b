"""Data sets: imported from files or the hub, made from code, exported."""
