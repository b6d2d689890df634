"""The schemas that ship with the sandbox and with jobs."""

from __future__ import annotations

import runpy

from tests.spec.document import ROOT, schemas


def test_request_schemas_are_up_to_date() -> None:
    """The committed files are those derived from the spec."""
    script = runpy.run_path(str(ROOT / "spec" / "request_schemas.py"))
    assert len(script["FILES"]) == 2
    for path in script["FILES"]:
        assert path.read_text(encoding="utf-8") == script["render"](path), (
            "run `python spec/request_schemas.py` after an edit of spec/openapi.yaml, and commit the result"
        )


def test_refused_params_name_what_they_refuse() -> None:
    """Each entry of x-refused-in-batches refuses a request or the whole batch, with exceptions as a list."""
    entries = schemas()["MessageCreateParamsNonStreaming"]["x-refused-in-batches"]
    assert entries.keys() == {"betas", "stream", "speed"}
    for entry in entries.values():
        assert entry["refuses"] in ("batch", "request")
        assert isinstance(entry.get("except", []), list)
        assert entry.keys() <= {"refuses", "except"}
