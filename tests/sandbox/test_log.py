"""The log of exchanges, and reply functions by name."""

from pathlib import Path

import httpx
import pytest
from claude_batches.sandbox import Exchange, Fault, load_reply

from tests.sandbox.calls import BATCHES, serving


def test_every_exchange_is_logged():
    """Method, path, status, time and id are logged."""
    told: list[Exchange] = []
    with serving(instant=True, log=told.append) as caller:
        batch = caller.create("one")
        missing = caller.http.get("/nowhere")
    assert [(call.method, call.path, call.status) for call in told] == [
        ("POST", BATCHES, 200),
        ("GET", "/nowhere", 404),
    ]
    assert batch["type"] == "message_batch"
    assert told[1].request_id == missing.headers["request-id"]
    assert all(0 <= call.seconds < 60 for call in told)


def test_the_page_is_not_logged():
    """It refreshes every second, and would hide all else."""
    told: list[Exchange] = []
    with serving(instant=True, log=told.append) as caller:
        batch = caller.create("one")
        for path in ("/", f"/batches/{batch['id']}", "/_sandbox/page.css", "/_sandbox/page.js"):
            assert caller.http.get(path).status_code == 200
        caller.http.get("/_sandbox/clock")
    assert [call.path for call in told] == [BATCHES, "/_sandbox/clock"]


def test_a_cut_exchange_has_no_status():
    """Its status in the log is 0."""
    told: list[Exchange] = []
    with (
        serving(faults=[Fault(kind="cut", at=0)], log=told.append) as caller,
        pytest.raises(httpx.TransportError),
    ):
        caller.page()
    assert [call.status for call in told] == [0]


def test_a_reply_function_is_loaded_from_a_file(tmp_path: Path):
    """`file.py:function` answers the requests."""
    source = tmp_path / "replies.py"
    source.write_text("def shout(request):\n    return request['custom_id'].upper()\n")
    with serving(instant=True, reply=load_reply(f"{source}:shout")) as caller:
        result = caller.results(caller.create("x")["id"])["r0"]
    assert result["message"]["content"][0]["text"] == "R0"


def test_a_reply_function_is_loaded_from_a_module():
    """`module:function` returns the function."""
    assert load_reply("json:dumps")({}) == "{}"


@pytest.mark.parametrize(
    "name", ["", "json", ":dumps", "json:", "json:nope", "json:__doc__", "no.such:x", "no.py:x"]
)
def test_a_bad_function_name_is_refused(name: str):
    """The error has a hint for a valid one."""
    with pytest.raises(ValueError, match="function"):
        load_reply(name)
