"""The effect of each fault, and its dependence on the seed."""

import re
import time
from pathlib import Path

import httpx
import orjson
import pytest
from claude_batches.sandbox import PROFILES, Fault, Sandbox
from claude_batches.sandbox._faults import FaultPlan

from tests.sandbox.calls import BATCHES, HEADERS, Caller, requests, serving


def with_faults(*faults: Fault):
    return serving(instant=True, faults=faults)


def test_rate_limited_answers_429():
    """The first calls get 429 with `retry-after`."""
    with with_faults(Fault(kind="rate_limited", times=2, seconds=7)) as caller:
        responses = [caller.http.get(BATCHES) for _ in range(3)]
    assert [response.status_code for response in responses] == [429, 429, 200]
    assert responses[0].headers["retry-after"] == "7"
    assert responses[0].json()["error"]["type"] == "rate_limit_error"


def test_overloaded_answers_529():
    """The operation gets 529 with its error type."""
    with with_faults(Fault(kind="overloaded", on="list")) as caller:
        response = caller.http.get(BATCHES)
    assert (response.status_code, response.json()["error"]["type"]) == (529, "overloaded_error")


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("low_credit", (400, "invalid_request_error")), ("billing", (402, "billing_error"))],
)
def test_an_account_without_money(kind, expected: tuple[int, str]):
    """A create is refused for the account's sake, and makes no batch."""
    with with_faults(Fault(kind=kind, on="create")) as caller:
        response = caller.http.post(BATCHES, json={"requests": requests("one")})
        assert (response.status_code, response.json()["error"]["type"]) == expected
        assert caller.page()["data"] == []


@pytest.mark.parametrize(("kind", "made"), [("failed", 0), ("failed_after", 1)])
def test_a_create_fails_before_or_after_its_effect(kind, made: int):
    """`failed` makes no batch, `failed_after` makes one."""
    with with_faults(Fault(kind=kind, on="create")) as caller:
        response = caller.http.post(BATCHES, json={"requests": requests("one")})
        assert (response.status_code, response.json()["error"]["type"]) == (500, "api_error")
        assert len(caller.page()["data"]) == made


def test_a_cut_create_has_its_effect():
    """The batch exists although the connection was lost."""
    with with_faults(Fault(kind="cut", on="create", at=0)) as caller:
        with pytest.raises(httpx.RemoteProtocolError):
            caller.create("one")
        assert len(caller.page()["data"]) == 1


@pytest.mark.parametrize("at", [1, 1000, 150_000])
def test_results_are_cut_at_a_byte(at: int):
    """The client receives exactly the bytes before the cut."""
    with with_faults(Fault(kind="cut", on="results", at=at, times=1)) as caller:
        batch = caller.create(*["x"] * 500)
        path = f"{BATCHES}/{batch['id']}/results"
        received = bytearray()

        def read_all() -> None:
            with caller.http.stream("GET", path, headers={"accept-encoding": "identity"}) as response:
                for chunk in response.iter_raw():
                    received.extend(chunk)

        with pytest.raises(httpx.RemoteProtocolError):
            read_all()
        whole = caller.http.get(path).content
    assert bytes(received) == whole[:at]
    assert len(whole) > 200_000


def test_truncated_results_end_within_a_line():
    """The response ends as if it were complete."""
    with with_faults(Fault(kind="truncated_line", at=2, times=1)) as caller:
        batch = caller.create("one", "two", "three")
        broken, whole = (caller.http.get(f"{BATCHES}/{batch['id']}/results").content for _ in range(2))
    assert whole.startswith(broken)
    assert broken.count(b"\n") == 1
    with pytest.raises(orjson.JSONDecodeError):
        orjson.loads(broken.splitlines()[-1])


def test_a_duplicated_line_comes_twice():
    """The line is sent twice in a row."""
    with with_faults(Fault(kind="duplicated_line", at=1)) as caller:
        batch = caller.create("one", "two")
        lines = caller.http.get(f"{BATCHES}/{batch['id']}/results").content.splitlines()
    assert len(lines) == 3
    assert lines[0] == lines[1] != lines[2]


def test_a_stale_batch_is_not_found():
    """The first requests about a new batch get 404."""
    with with_faults(Fault(kind="stale", at=2)) as caller:
        batch = caller.create("one")
        statuses = [caller.http.get(f"{BATCHES}/{batch['id']}").status_code for _ in range(3)]
    assert statuses == [404, 404, 200]


def test_latency_delays_a_response():
    """The response takes at least the seconds of the fault."""
    with with_faults(Fault(kind="latency", seconds=0.05)) as caller:
        begun = time.monotonic()
        assert caller.http.get(BATCHES).status_code == 200
    assert time.monotonic() - begun >= 0.05


def test_a_share_of_the_requests_fails():
    """The counts of a batch follow the shares of the faults."""
    with with_faults(Fault(kind="errored", share=0.2), Fault(kind="expired", share=0.3)) as caller:
        counts = caller.retrieve(caller.create(*["x"] * 1000)["id"])["request_counts"]
    assert counts["errored"] == pytest.approx(200, abs=60)
    assert counts["expired"] == pytest.approx(300, abs=60)
    assert counts["errored"] + counts["expired"] + counts["succeeded"] == 1000


@pytest.mark.parametrize("profile", sorted(PROFILES))
def test_strikes_depend_on_the_seed(profile: str):
    """Equal seeds strike equal calls, other seeds others."""

    def history(seed: int) -> list[list[Fault]]:
        plan = FaultPlan(PROFILES[profile], seed)
        return [plan.strikes("results") for _ in range(50)]

    assert history(1) == history(1) != history(2)


def test_faults_are_set_over_http():
    """Faults are listed, replaced and removed."""
    with serving() as caller:
        put = caller.http.put(
            "/_sandbox/faults", json={"faults": [{"kind": "overloaded", "on": "list"}], "seed": 5}
        )
        assert put.status_code == 200, put.text
        assert caller.http.get(BATCHES).status_code == 529
        report = caller.http.get("/_sandbox/faults").json()
        assert (report["seed"], report["faults"][0]["struck"]) == (5, 1)
        assert caller.http.put("/_sandbox/faults", json={"profile": "hostile"}).status_code == 200
        assert caller.http.delete("/_sandbox/faults").json()["faults"] == []
        assert caller.http.get(BATCHES).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"[]", b"{}", b'{"profile":"x"}', b'{"faults":[],"seed":"x"}'),
        *(
            b'{"faults":[{}]}',
            b'{"faults":[{"kind":"x"}]}',
            b'{"faults":[1]}',
            b'{"faults":[{"kind":"cut","at":"x"}]}',
        ),
        *(b'{"faults":[{"kind":"cut","share":2}]}', b'{"faults":[{"kind":"cut","on":"x"}]}'),
    ],
)
def test_bad_faults_are_refused(caller: Caller, body: bytes):
    """Bad faults are answered with 400."""
    assert caller.http.put("/_sandbox/faults", content=body).status_code == 400


def test_time_is_advanced_over_http(caller: Caller):
    """An advance ends a batch."""
    batch = caller.create("one")
    moved = caller.http.post("/_sandbox/clock", json={"seconds": 3600})
    assert moved.status_code == 200
    assert moved.json()["now"] > batch["created_at"]
    assert caller.retrieve(batch["id"])["processing_status"] == "ended"
    assert caller.http.post("/_sandbox/clock", json={"seconds": -1}).status_code == 400


@pytest.mark.parametrize("headers", [{"host": "evil.example"}, {"origin": "http://evil.example"}])
def test_other_origins_cannot_read_the_controls(caller: Caller, headers):
    """A foreign host or origin is answered with 403."""
    assert caller.http.get("/_sandbox/faults", headers=headers).status_code == 403


def test_an_unknown_profile_is_refused():
    """The error lists the profiles."""
    with pytest.raises(ValueError, match="flaky"):
        Sandbox(faults="nope")


def test_faults_can_be_replaced(sandbox: Sandbox):
    """`set_faults` acts on a running sandbox."""
    sandbox.set_faults([Fault(kind="overloaded")])
    assert httpx.get(sandbox.url + BATCHES, headers=HEADERS).status_code == 529
    sandbox.set_faults(None)
    assert httpx.get(sandbox.url + BATCHES, headers=HEADERS).status_code == 200


def test_the_documentation_lists_the_profiles():
    """The page of the sandbox has each fault of each profile, with its share, and no other."""
    page = (Path(__file__).parent.parent.parent / "docs/sandbox.md").read_text(encoding="utf-8")
    table = page.partition("### Profiles")[2].partition("\n\n|")[2].partition("\n\n")[0]
    header, _, *lines = [
        [cell.strip(" `") for cell in line.strip("|").split("|")] for line in table.splitlines()
    ]
    told = [
        (profile, line[0], int(share))
        for line in lines
        for profile, cell in zip(header[1:], line[1:], strict=True)
        for share in re.findall(r"(\d+) %", cell)
    ]
    there = [
        (name, each.kind, round(each.share * 100)) for name, faults in PROFILES.items() for each in faults
    ]
    assert sorted(told) == sorted(there)
