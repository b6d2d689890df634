"""`python -m claude_batches.cli`."""

from . import main

main()
