"""The releases that the output depends on.

openapi-python-client's models and rules for names are not a stable API, and two releases of ruff format the same file
differently. Each is pinned, and any other release stops the run instead of changing hundreds of files.
docs/generation.md describes how to move a pin.
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

PINS = {"openapi-python-client": "0.29.1", "ruff": "0.17.5"}


class WrongPinError(Exception):
    """An installed release differs from the pinned one."""


def check_pins() -> None:
    """Check the installed release of each pinned package.

    Raises:
        WrongPinError: A package is missing, or is another release.
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
