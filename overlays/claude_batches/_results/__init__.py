"""Results: every line, once, near the speed of the parser. Loaded when results are first asked for."""
