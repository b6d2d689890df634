"""Update docs/progress.svg: `claude-batches run` on a terminal, with its progress in the middle of a job and its end.

The command runs on a terminal of this script's own and on a sandbox: `python docs/progress.py`.
"""

from __future__ import annotations

import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from fcntl import ioctl
from pathlib import Path
from tempfile import TemporaryDirectory

from claude_batches.sandbox import Sandbox
from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

PICTURE = Path(__file__).with_name("progress.svg")
WIDTH = 84
COMMAND = ("claude-batches", "run", "answers.job", "requests.jsonl", "--max-in-flight", "3000")
PARAMS = {
    "model": "claude-haiku-4-5",
    "max_tokens": 50,
    "messages": [{"role": "user", "content": "Why two tides a day?"}],
}
#: A line of the progress while some batches have ended, and some have not.
MIDDLE = re.compile(r"2 of \d+ batches ended.*about (?!0:0).*left")
#: Any line of the progress. It is removed at the end.
PROGRESS = re.compile("━")
#: Sequences of a terminal that move the cursor or hide it.
MOVES = re.compile(r"\x1b\[[?\d;]*[A-Zhl]")


def written(folder: str, url: str) -> str:
    """Return everything that the command writes on a terminal."""
    main, own = pty.openpty()
    ioctl(own, termios.TIOCSWINSZ, struct.pack("HHHH", 24, WIDTH, 0, 0))
    variables = {"ANTHROPIC_BASE_URL": url, "ANTHROPIC_API_KEY": "any", "TERM": "xterm-256color"}
    command = subprocess.Popen(  # noqa: S603
        [Path(sys.executable).with_name(COMMAND[0]), *COMMAND[1:], "--poll-interval", "0.2"],
        cwd=folder,
        env={**os.environ, **variables},
        stdin=own,
        stdout=own,
        stderr=own,
    )
    os.close(own)
    content = b""
    try:
        while chunk := os.read(main, 65536):
            content += chunk
    except OSError:
        # Linux reports the end of a terminal in this way.
        pass
    finally:
        os.close(main)
        command.wait()
    return content.decode()


def seen(content: str) -> Iterator[Text]:
    """Yield the lines that a reader sees: of the progress, one from the middle of the job."""
    for line in content.replace("\r\n", "\n").split("\n"):
        frames = [Text.from_ansi(frame) for frame in MOVES.sub("\r", line).split("\r")]
        yield from [frame for frame in frames if MIDDLE.search(frame.plain)][:1]
        kept = [frame for frame in frames if frame.plain.strip() and not PROGRESS.search(frame.plain)]
        yield from kept[-1:]


def take() -> None:
    """Take the picture."""
    with Sandbox(speed=30) as sandbox, TemporaryDirectory() as folder:
        rows = [json.dumps({"custom_id": f"row-{number}", "params": PARAMS}) for number in range(12_000)]
        Path(folder, "requests.jsonl").write_text("\n".join(rows), encoding="utf-8")
        lines = [*seen(written(folder, sandbox.url))]
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        console = Console(
            record=True, width=WIDTH, file=nowhere, force_terminal=True, color_system="truecolor"
        )
        for line in [Text(f"$ {' '.join(COMMAND)}", style="bold"), *lines]:
            console.print(line)
        picture = console.export_svg(title="A job", theme=MONOKAI)
        # The site loads nothing from other servers, fonts included.
        local = re.sub(r"@font-face \{.*?\}\s*", "", picture, flags=re.DOTALL)
        PICTURE.write_text(local, encoding="utf-8")


if __name__ == "__main__":
    take()
