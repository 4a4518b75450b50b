"""Widgets of the pages Benchmarks and Compare."""
