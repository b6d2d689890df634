"""Lines that were returned already, so that none is returned again when a file is read again.

A line takes 12 bytes: a 64-bit hash of its custom_id, and a 32-bit hash of its bytes. The hashes are those of this
process; nothing is stored.
"""

from __future__ import annotations

from array import array

from .._distinct import distinct
from .errors import ResultsChangedError
from .line import NotAResultError, claimed_id, parse

__all__ = ["Retrace", "SeenLines"]


class SeenLines:
    """The returned lines in order.

    A reader calls `note(lines)` for all lines of a chunk before it returns the first, and `add_id(hash(custom_id))` for
    each line that it returns. Lines that are not results are added by `add_bad`.
    """

    __slots__ = ("_anonymous", "_skipped", "add_id", "checks", "ids")

    def __init__(self) -> None:
        self.ids = array("q")
        self.checks = array("I")
        self.add_id = self.ids.append
        # Positions of bad lines without a custom_id. They never count as results.
        self._anonymous: set[int] = set()
        self._skipped = 0

    def __len__(self) -> int:
        """Return the number of lines."""
        return len(self.ids)

    @property
    def results(self) -> int:
        """Number of results, including bad lines that count as the result of their custom_id."""
        return len(self.ids) - len(self._anonymous)

    @property
    def returned(self) -> int:
        """Number of results without bad lines."""
        return len(self.ids) - self._skipped

    def add_bad(self, line: bytes) -> None:
        """Add a skipped line."""
        custom_id, key = _identity(line)
        if custom_id is None:
            self._anonymous.add(len(self.ids))
        self._skipped += 1
        self.ids.append(key)

    def note(self, lines: list[bytes]) -> None:
        """Remember the bytes of lines that are about to be returned."""
        self.checks.frombytes(_checks(lines))

    def trim(self) -> bool:
        """Forget lines that were noted and not returned. Return true if there were any."""
        surplus = len(self.checks) > len(self.ids)
        del self.checks[len(self.ids) :]
        return surplus

    def distinct(self) -> int:
        """Return the number of different custom_ids."""
        ids, anonymous = self.ids, self._anonymous
        if anonymous:
            ids = array("q", (key for position, key in enumerate(ids) if position not in anonymous))
        return distinct(ids)


class Retrace:
    """Passes over returned lines in one reading from the start of the file.

    While the bytes agree, lines are compared by position. From the first different line on the file has another order,
    and lines are compared by custom_id.
    """

    def __init__(self, seen: SeenLines) -> None:
        self._seen = seen
        # New lines are added to `seen` while the file is read; they follow the known part.
        self._known = len(seen)
        self._position = 0
        # Of another order: the first position of each custom_id, further positions of repeated ones, and a mark for
        # each position that was met again.
        self._first: dict[int, int] | None = None
        self._further: dict[int, list[int]] = {}
        self._met = bytearray()

    def skip_all(self) -> None:
        """Treat all returned lines as passed: the next line follows them."""
        self._position = self._known

    def unseen(self, lines: list[bytes]) -> list[bytes]:
        """Return the lines that were not returned yet.

        Args:
            lines: The next lines of the file.

        Raises:
            ResultsChangedError: The result of a custom_id differs from the returned one.
        """
        if self._first is None:
            if self._position == self._known:
                return lines
            again = lines[: self._known - self._position]
            checks = array("I", _checks(again))
            known = self._seen.checks[self._position : self._position + len(again)]
            if checks == known:
                self._position += len(again)
                return lines[len(again) :]
            agree = next(index for index, check in enumerate(checks) if check != known[index])
            self._position += agree
            lines = lines[agree:]
            self._reorder()
        return [line for line in lines if not self._was_returned(line)]

    @property
    def passed(self) -> bool:
        """True if every returned line was met again, or the file has another order, which `finish` checks."""
        return self._position >= self._known or self._first is not None

    def finish(self) -> None:
        """Check at the end of a file in another order that it contains all returned lines.

        Raises:
            ResultsChangedError: A line is missing.
        """
        missing = self._met.count(0)
        if missing:
            raise ResultsChangedError(f"{missing} of {self._known} returned results are missing from it now")

    def _reorder(self) -> None:
        """Index the returned lines by custom_id."""
        self._first = {}
        for position in range(self._known):
            key = self._seen.ids[position]
            if self._first.setdefault(key, position) != position:
                self._further.setdefault(key, []).append(position)
        self._met = bytearray(b"\1" * self._position + bytes(self._known - self._position))

    def _was_returned(self, line: bytes) -> bool:
        assert self._first is not None
        custom_id, key = _identity(line)
        first = self._first.get(key)
        if first is None:
            return False
        (check,) = array("I", _checks([line]))
        positions = (first, *self._further.get(key, ()))
        same = [position for position in positions if self._seen.checks[position] == check]
        if not same:
            raise ResultsChangedError(f"the result of custom_id {custom_id!r} has changed", custom_id)
        for position in same:
            self._met[position] = 1
        return True


def _identity(line: bytes) -> tuple[str | None, int]:
    """Return the custom_id of a line, and the hash that it is known by."""
    custom_id: str | None
    try:
        custom_id = parse(line)["custom_id"]
    except NotAResultError:
        custom_id = claimed_id(line)
    return custom_id, hash(line) if custom_id is None else hash(custom_id)


def _checks(lines: list[bytes]) -> bytes:
    """Return half of the 64-bit hash of each line, as in an array of 32-bit integers."""
    return memoryview(array("q", map(hash, lines))).cast("B").cast("I")[::2].tobytes()
