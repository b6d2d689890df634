"""What was handed out already, so that it is not handed out again when a file has to be read again.

A ledger keeps 12 bytes for each line: 64 bits of hash that stand for its custom_id, and 32 that stand for its
bytes. Reading again costs 4 more, and only when the lines come in another order.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left

from ._errors import ResultsChangedError
from ._line import NotAResultError, parse

__all__ = ["Ledger", "Retrace"]

# Marks a position of the sorted index as met again; a batch has far fewer lines than that.
_MET = 0x8000_0000
_POSITION = _MET - 1


#: How many ids are looked through for duplicates at a time.
IDS_AT_ONCE = 65_536


class Ledger:
    """The lines that were handed out, in that order.

    The loop over lines calls `add_id(hash(custom_id))` for each line as it hands it out, and `note(lines)`
    for all lines of a chunk before it begins with the first. A line that has no custom_id counts as
    `hash(line)`.
    """

    __slots__ = ("add_id", "checks", "ids")

    def __init__(self) -> None:
        self.ids = array("q")
        self.checks = array("I")
        self.add_id = self.ids.append

    def __len__(self) -> int:
        return len(self.ids)

    def note(self, lines: list[bytes]) -> None:
        """Remember what these lines, about to be handed out, say."""
        self.checks.frombytes(_checks(lines))

    def trim(self) -> bool:
        """Forget lines that were noted and then not handed out; whether there were any."""
        surplus = len(self.checks) > len(self.ids)
        del self.checks[len(self.ids) :]
        return surplus

    def distinct(self) -> int:
        """How many different custom_ids were handed out."""
        # A set takes six times the memory that the ledger does, so it is made of a part of them at a time.
        ids, parts = self.ids, len(self.ids) // IDS_AT_ONCE + 1
        return sum(len({key for key in ids if key % parts == part}) for part in range(parts))


class Retrace:
    """Passes over the lines of a file that the ledger holds, in one reading from the start of the file.

    As long as the bytes agree that goes by position. From the first line that is another, it goes by
    custom_id: the file is in another order now.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        # The ledger grows while new lines are handed out; those are not in the part of the file before them.
        self._known = len(ledger)
        self._position = 0
        self._order: array[int] | None = None
        self._unmet = 0

    def skip_all(self) -> None:
        """Take all lines of the ledger as passed over: what comes is what comes after them."""
        self._position = self._known

    def unseen(self, lines: list[bytes]) -> list[bytes]:
        """Of the next lines of the file, those that were not handed out yet.

        Raises:
            ResultsChangedError: The result of a custom_id is another than the one that was handed out.
        """
        if self._order is None:
            if self._position == self._known:
                return lines
            again = lines[: self._known - self._position]
            checks = array("I", _checks(again))
            known = self._ledger.checks[self._position : self._position + len(again)]
            if checks == known:
                self._position += len(again)
                return lines[len(again) :]
            agree = next(index for index, check in enumerate(checks) if check != known[index])
            self._position += agree
            lines = lines[agree:]
            self._reorder()
        return [line for line in lines if not self._met(line)]

    def finish(self) -> None:
        """Check, at the end of the file, that all that was handed out is still in it.

        Raises:
            ResultsChangedError: It is not.
        """
        if self._order is not None and self._unmet:
            raise ResultsChangedError(
                f"{self._unmet} of {self._known} results that were handed out are not in it now"
            )

    def _reorder(self) -> None:
        """Index the lines of the ledger by custom_id."""
        ids = self._ledger.ids
        order = array("I")
        # Sorted by sixteenths, since to sort them at once would take twenty times the memory of the index.
        for part in range(-8, 8):
            positions = [position for position in range(self._known) if ids[position] >> 60 == part]
            positions.sort(key=ids.__getitem__)
            order.extend(positions)
        self._order = order
        self._unmet = self._known - self._position

    def _met(self, line: bytes) -> bool:
        assert self._order is not None
        ledger, order = self._ledger, self._order
        try:
            custom_id = parse(line)["custom_id"]
            key = hash(custom_id)
        except NotAResultError:
            custom_id, key = None, hash(line)
        (check,) = array("I", _checks([line]))

        index = bisect_left(order, key, key=lambda position: ledger.ids[position & _POSITION])
        found = same = False
        # One id has several entries if the file had it more than once.
        while index < self._known and ledger.ids[position := order[index] & _POSITION] == key:
            found = True
            if ledger.checks[position] == check:
                same = True
                if position >= self._position and not order[index] & _MET:
                    order[index] |= _MET
                    self._unmet -= 1
            index += 1
        if found and not same:
            raise ResultsChangedError(f"the result of custom_id {custom_id!r} is another now", custom_id)
        return same


def _checks(lines: list[bytes]) -> bytes:
    """Of the 64 bits that hash each line the half, as they lie in an array of 32 bits each."""
    return memoryview(array("q", map(hash, lines))).cast("B").cast("I")[::2].tobytes()
