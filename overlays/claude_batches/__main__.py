"""`python -m claude_batches`: the command."""

from .cli import main

main()
