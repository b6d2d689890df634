from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.generator.running import Api, complete, generated


@pytest.fixture(scope="class")
def api(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """Generate the package of the test class's document."""
    folder: Path = tmp_path_factory.mktemp("blackbox")
    with generated(complete(request.cls.document), folder) as found:
        yield found
