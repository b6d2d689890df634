"""Options that several commands share, against the sandbox."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import attrs
import pytest
from claude_batches.cli._job_view import cost_summary, cost_table
from claude_batches.cli._options import JobSettings
from claude_batches.jobs import Job, JobOptions
from claude_batches.jobs._cost import CostCounter
from rich.console import Console

from tests.cli.processes import invoke, jsonl, lines, request, run

pytestmark = pytest.mark.usefixtures("claude_sandbox")
FAST = ("--poll-interval", "0.05")
PRICES = '{"claude-haiku-*": {"input_tokens": 0, "output_tokens": 1000000}}'


@pytest.fixture
def job(tmp_path: Path) -> str:
    return str(tmp_path / "reviews.job")


def kept(job: str) -> JobOptions:
    with Job.open(job) as opened:
        return opened.options


def test_commands_have_all_options():
    """Each option that a job stores is one of the commands, except those that need Python."""
    stored = JobOptions().stored(attrs.fields_dict(JobOptions))
    names = {name.replace("workspace_id", "workspace") for name in stored} - {"retry_unparsable"}
    assert {each.name for each in attrs.fields(JobSettings)} == names


def test_a_job_keeps_options(job: str, requests: Path):
    """`run`, `submit`, `watch` and `retry` store the options that are given, and leave the others as they were."""
    given = ("--max-bytes", "5000", "--canary", "2", "--canary-failures", "0.5", "--on-max-tokens", "200")
    assert invoke("submit", job, requests, *given, "--retry-canceled").returncode == 5
    options = kept(job)
    assert (options.max_bytes, options.canary, options.canary_failures) == (5000, 2, 0.5)
    assert (options.on_max_tokens, options.retry_canceled) == (200, True)
    assert invoke("watch", job, *FAST, "--on-max-tokens", "more").returncode == 5
    assert (kept(job).on_max_tokens, kept(job).max_bytes) == ("more", 5000)
    assert invoke("retry", job, "--no-retry-canceled", "--max-attempts", "4").returncode == 0
    assert (kept(job).retry_canceled, kept(job).max_attempts) == (False, 4)
    assert invoke("run", job, *FAST, "--on-max-tokens", "keep").returncode == 0
    assert (kept(job).on_max_tokens, kept(job).canary) == ("keep", 2)


@pytest.mark.parametrize(
    "option", [("--on-max-tokens", "less"), ("--on-max-tokens", "0"), ("--canary-failures", "2")]
)
def test_a_wrong_value_is_usage(job: str, requests: Path, option: tuple[str, str]):
    """A value that an option does not take ends with status 2, and no job is made."""
    refused = invoke("run", job, requests, *option)
    assert (refused.returncode, option[0] in refused.stderr) == (2, True)
    assert not Path(job).exists()


def test_cut_answers_up_to_a_number(job: str, requests: Path):
    """`--on-max-tokens N` sends a cut answer again with at most N tokens; `watch` decides so as well."""
    requests.write_text(jsonl(request(0, "word " * 100, max_tokens=30)))
    assert invoke("submit", job, requests).returncode == 0
    assert invoke("watch", job, *FAST, "--on-max-tokens", "40").returncode == 5
    assert invoke("run", job, *FAST).returncode == 3
    (row,) = lines(invoke("results", job).stdout)
    assert (row["cause"], row["attempt"], row["request"]["params"]["max_tokens"]) == ("max_tokens", 2, 40)


def test_canceled_rows_are_sent_again(job: str, requests: Path):
    """`retry --retry-canceled` sends canceled requests again, which are kept otherwise, and tells of the limit."""
    requests.write_text(jsonl(request(0, "[[cancel]]")))
    assert invoke("run", job, requests, *FAST, "--max-attempts", "1").returncode == 3
    assert "0 requests will be sent again" in invoke("retry", job, "--max-attempts", "2").stderr
    assert "1 request will be sent again" in invoke("retry", job, "--retry-canceled").stderr
    assert invoke("watch", job, *FAST).returncode == 3
    assert "1 request failed 2 times, and the limit is 2:" in invoke("retry", job).stderr


def test_plan_and_retry_take_prices(job: str, requests: Path, tmp_path: Path):
    """`plan` prices requests and jobs, and `retry` limits what it sends, by the user's prices."""
    prices = tmp_path / "prices.json"
    prices.write_text(PRICES)
    planned = lines(invoke("plan", requests, "--prices", prices, "--json").stdout)[0]
    # 50 tokens of output for each of five requests.
    assert float(planned["most_cost"]) == 250
    invoke("run", job, "-", stdin="")
    with Job.open(job) as opened:
        opened.add([request(index) for index in range(5)])
    assert float(lines(invoke("plan", job, "--prices", prices, "--json").stdout)[0]["most_cost"]) == 250
    limited = invoke("retry", job, "--prices", prices, "--max-cost", "249")
    assert (limited.returncode, "0 batches sent" in limited.stderr) == (1, True)
    assert "1 batch sent" in invoke("retry", job, "--max-cost", "251").stderr


def test_plan_takes_bytes(requests: Path):
    """`plan --max-bytes` counts the batches of that size."""
    size = requests.stat().st_size
    whole = lines(invoke("plan", requests, "--json").stdout)[0]["shards"]
    parts = lines(invoke("plan", requests, "--max-bytes", str(size // 2 + 100), "--json").stdout)[0]["shards"]
    assert (whole, parts > 1) == (1, True)


def test_a_request_that_is_too_large(job: str, requests: Path):
    """A request larger than --max-bytes is an error that names the option."""
    refused = invoke("submit", job, requests, "--max-bytes", "100")
    assert (refused.returncode, "(--max-bytes): shorten it" in refused.stderr) == (1, True)


def test_export_of_the_first_rows(job: str, requests: Path, tmp_path: Path):
    """`export --limit` writes the first rows alone, in each format."""
    assert invoke("run", job, requests, *FAST).returncode == 0
    rows = lines(invoke("export", job, "-", "--limit", "2").stdout)
    assert [row["custom_id"] for row in rows] == ["row-0", "row-1"]
    for name in ("t.csv", "t.parquet"):
        told = invoke("export", job, tmp_path / name, "--limit", "2", "--json")
        assert lines(told.stdout)[0]["rows"] == 2
    assert len((tmp_path / "t.csv").read_text().splitlines()) == 3
    assert len(lines(invoke("export", job, "-", "--limit", "9").stdout)) == 5


def test_an_uncached_system_text(job: str, tmp_path: Path):
    """The warning about a short system text names `--cache none`, which ends it and sends the text alone."""
    table = tmp_path / "t.csv"
    table.write_text("city\nRome\n")
    made = (
        "--prompt",
        "Rate {city}.",
        "--model",
        "claude-haiku-4-5",
        "--max-tokens",
        "9",
        "--system",
        "Be short.",
    )
    warned = run("run", job, table, *made, *FAST)
    assert "--cache none sends it without cache_control" in warned.stderr
    assert "cache=None" not in warned.stderr
    for cache, sent in (
        ("none", "Be short."),
        ("5m", [{"type": "text", "text": "Be short.", "cache_control": {"type": "ephemeral", "ttl": "5m"}}]),
    ):
        other = f"{job}-{cache}"
        done = run("run", other, table, *made, "--cache", cache, *FAST)
        assert ("warning" in done.stderr) == (cache != "none")
        (row,) = lines(invoke("results", other).stdout)
        assert row["request"]["params"]["system"] == sent


def shown(*usages: dict[str, Any]) -> tuple[list[list[str]], str]:
    """Return the cells and the summary of the costs of usages."""
    counter = CostCounter()
    for usage in usages:
        counter.add("claude-haiku-4-5", usage)
    console = Console(width=200, file=io.StringIO())
    console.print(cost_table(counter.report()))
    text: str = console.file.getvalue()  # type: ignore[attr-defined]
    return [line.split() for line in text.splitlines()], cost_summary(counter.report())


def test_an_ordinary_cost_is_short():
    """Without searches, caches and a second tier, costs have no column or line of them."""
    (titles, _), summary = shown({"input_tokens": 10, "output_tokens": 5, "service_tier": "batch"})
    assert titles == ["model", "requests", "input", "output", "cost"]
    assert len(summary.splitlines()) == 1


def test_costs_of_tiers_and_searches():
    """Costs tell tiers of one model apart, count web searches, and tell the share of the cache and of regions."""
    usage = {
        "input_tokens": 60,
        "cache_read_input_tokens": 40,
        "server_tool_use": {"web_search_requests": 3},
        "inference_geo": "us",
    }
    table, summary = shown(*({**usage, "service_tier": tier} for tier in ("batch", "standard")))
    assert table[0][:3] == ["model", "tier", "requests"]
    assert [row[1] for row in table[1:]] == ["batch", "standard"]
    assert " ".join(table[0]).endswith("cache read web searches cost")
    assert [row[-2] for row in table[1:]] == ["3", "3"]
    assert "40.0% of the input was read from the cache" in summary
    assert "2 requests ran in a chosen region" in summary


@pytest.mark.parametrize("command", ["run", "submit"])
def test_options_of_requests_without_requests(job: str, requests: Path, command: str):
    """Options of requests are a usage error where no requests are read."""
    assert run("submit", job, requests).returncode == 0
    result = invoke(command, job, "--model", "claude-haiku-4-5", "--id-column", "id")
    assert result.returncode == 2
    assert "--model, --id-column would have no effect: give REQUESTS as well" in result.stderr


@pytest.mark.parametrize("option", [("--template", "t.txt"), ("--max-requests", "5"), ("--dedupe",)])
def test_options_of_requests_with_the_plan_of_a_job(job: str, requests: Path, option: tuple[str, ...]):
    """Options of requests are a usage error for the plan of a job."""
    assert run("submit", job, requests).returncode == 0
    result = invoke("plan", job, *option)
    assert result.returncode == 2
    assert f"{option[0]}" in result.stderr
    assert "would have no effect" in result.stderr
