"""One Spark session for all tests: it takes ten seconds to start."""

from __future__ import annotations

import os
import shutil
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from claude_batches.sandbox import Sandbox

from tests.jobs.conftest import postgres as postgres
from tests.jobs.s3 import INSTALLED as HAS_S3
from tests.jobs.s3 import s3 as s3
from tests.jobs.s3 import s3_server as s3_server

ROOT = Path(__file__).resolve().parents[2]
REQUIRED = os.environ.get("CLAUDE_BATCHES_REQUIRE_JAVA") == "1"
#: The key that workers find in their environment. No plan and no log may have it.
SECRET = "sk-ant-of-the-workers"


def java() -> bool:
    home = os.environ.get("JAVA_HOME")
    return shutil.which("java") is not None or (home is not None and (Path(home) / "bin/java").exists())


@pytest.fixture(scope="session")
def spark_log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The standard error of Spark and its workers."""
    return tmp_path_factory.mktemp("log") / "spark.log"


@contextmanager
def stderr_to(path: Path) -> Iterator[None]:
    """Have processes that are started write their stderr to a file."""
    kept = os.dup(2)
    with path.open("wb") as file:
        os.dup2(file.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)


@pytest.fixture(scope="session")
def spark(
    tmp_path_factory: pytest.TempPathFactory, spark_log: Path, request: pytest.FixtureRequest
) -> Iterator[Any]:
    if not java():
        if REQUIRED:
            pytest.fail("CLAUDE_BATCHES_REQUIRE_JAVA is set, and there is no Java")
        pytest.skip("there is no Java")
    folder = tmp_path_factory.mktemp("spark")
    paths = [str(ROOT), str(ROOT / "generated"), str(ROOT / "overlays"), os.environ.get("PYTHONPATH", "")]
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        # Spark warns of releases of pandas that it was not tested with.
        warnings.simplefilter("ignore")
        patch.setenv("PYSPARK_PYTHON", sys.executable)
        patch.setenv("PYSPARK_DRIVER_PYTHON", sys.executable)
        patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, paths)))
        patch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
        patch.setenv("ANTHROPIC_API_KEY", SECRET)
        if HAS_S3:
            # Workers keep the environment of this moment.
            for name, value in request.getfixturevalue("s3_server").environment.items():
                patch.setenv(name, value)
        from claude_batches.spark import ClaudeBatchesSource
        from pyspark.sql import SparkSession

        from tests.spark.faulty import FaultySource

        builder: Any = (
            SparkSession.builder.master("local[2,3]")
            .config("spark.ui.enabled", "false")
            .config("spark.driver.host", "127.0.0.1")
            .config("spark.sql.warehouse.dir", str(folder))
            .config("spark.sql.session.timeZone", "Europe/Berlin")
            .config("spark.sql.python.filterPushdown.enabled", "true")
            .config("spark.log.level", "OFF")
        )
        with stderr_to(spark_log):
            session = builder.getOrCreate()
        session.dataSource.register(ClaudeBatchesSource)
        session.dataSource.register(FaultySource)
        yield session
        session.stop()


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(instant=True) as running:
        yield running
