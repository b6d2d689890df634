"""Messages of the library in the words of the command: options for arguments, commands for methods."""

from __future__ import annotations

import re

__all__ = ["spoken"]

_WORDS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), words)
    for pattern, words in (
        (r"for all rows params=\{'max_tokens': \.\.\.\}", "--max-tokens for all rows"),
        (r"for all rows params=\{'model': \.\.\.\}", "--model for all rows"),
        (r"give model=", "give --model"),
        (r"([Gg])ive (?:template=|a template)", r"\1ive --prompt or --template"),
        (r'with engine="jinja" or a file whose name ends in \.j2', "with --template FILE.j2"),
        (r"give format=", "give --format"),
        (r"max_cost can't hold", "--max-cost can't hold"),
        (r"Call results\(\.\.\., wait=True\), or wait\(batch_id\) first", "Give --wait"),
        (r"Pass cache=None to leave out cache_control", "--cache none sends it without cache_control"),
        (r"\(max_bytes\)", "(--max-bytes)"),
        (r"give prices=, or no max_cost", "give --prices, or no --max-cost"),
        (r"resume\(keep=True\)", "`claude-batches retry JOB --keep`"),
        (r"resume\(\) the job", "run `claude-batches retry JOB`"),
        (r"resume\(\)", "`claude-batches retry JOB`"),
        (r'resolve\((\d+), "([a-z-]+)"\)', r"`claude-batches resolve JOB \1 \2`"),
        (r"base_url is invalid", "ANTHROPIC_BASE_URL is invalid"),
        (r" \(see default_query\)", ""),
        (r"check the network and base_url", "check the network and ANTHROPIC_BASE_URL"),
    )
)


def spoken(text: str, job: str = "JOB") -> str:
    """Return a message of the library in the words of the command.

    Args:
        text: The message.
        job: The job that it is about, with the options that its commands have.
    """
    for pattern, words in _WORDS:
        text = pattern.sub(words.replace("JOB", job.replace("\\", r"\\")), text)
    return text
