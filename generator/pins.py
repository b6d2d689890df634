"""The releases that the output depends on.

openapi-python-client keeps its parser outside its public API, and two releases of ruff format the same file
differently. So each is pinned, and another one stops the run instead of changing hundreds of files.
docs/generation.md says how to move a pin.
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

PINS = {"openapi-python-client": "0.29.1", "ruff": "0.17.5"}


class WrongPinError(Exception):
    """An installed release is not the one that the output was made with."""


def check_pins() -> None:
    """Stop where a pinned package is missing or is another release.

    Raises:
        WrongPinError: It is.
    """
    for package, wanted in PINS.items():
        try:
            found = version(package)
        except PackageNotFoundError:
            found = "not installed"
        if found != wanted:
            raise WrongPinError(
                f"{package} is {found}, and generating takes {wanted}.\n"
                "  Install what the project pins (`make setup`); to move a pin, see docs/generation.md."
            )
