"""Comparisons: two editions of a package, or two documents of one API."""
