"""Commands for jobs, against the sandbox."""

from __future__ import annotations

import csv
import io
import re
import signal
import sys
from decimal import Decimal
from pathlib import Path

import pytest
from claude_batches.cli._job_view import amount, cost_summary, results_table
from claude_batches.cli._jobs import next_pause
from claude_batches.jobs import Job, JobError
from claude_batches.jobs._cost import CostCounter
from claude_batches.jobs._records import Worker
from claude_batches.sandbox import Fault, Sandbox
from rich.console import Console

from tests.cli.processes import invoke, jsonl, lines, request, run, running
from tests.support.server import ScriptedServer, reply

pytestmark = pytest.mark.usefixtures("claude_sandbox")
ERRORED = "[[error:invalid_request_error]] Hello"
FAST = ("--poll-interval", "0.05")


@pytest.fixture
def job(tmp_path: Path) -> str:
    return str(tmp_path / "reviews.job")


def test_a_job_from_requests_to_a_table(job: str, requests: Path, tmp_path: Path):
    """`run` makes the batches, `export` writes the table, and a second `run` sends nothing."""
    done = run("run", job, requests, "--max-requests", "2", *FAST, "--json")
    assert done.returncode == 0, done.stderr
    status = lines(done.stdout)[0]
    assert (status["finished"], status["succeeded"], status["batches"]) == (True, 5, 3)
    assert status["cost"]["models"][0]["requests"] == 5
    assert "3 of 3 batches ended" in done.stderr
    assert run("export", job, tmp_path / "table.csv").returncode == 0
    rows = list(csv.DictReader(io.StringIO((tmp_path / "table.csv").read_text())))
    assert [row["custom_id"] for row in rows] == [f"row-{index}" for index in range(5)]
    again = run("run", job, requests, "--json")
    assert lines(again.stdout)[0]["batches"] == 3
    assert "0 requests added" in again.stderr


def test_pauses_of_watch():
    """`watch` polls the API after longer and longer pauses, and reads the ledger alone after equal ones."""
    assert next_pause(next_pause(2.0, 2.0, polled=True), 2.0, polled=True) == 4.5
    assert next_pause(50.0, 2.0, polled=True) == 60.0
    assert next_pause(60.0, 2.0, polled=False) == 2.0


def test_repeated_rows_are_told(job: str, tmp_path: Path):
    """The status tells of rows that repeat the request of another, as table and as JSON."""
    table = tmp_path / "t.csv"
    table.write_text("text,n\na,1\nb,2\na,3\n")
    options = ("--prompt", "{text}", "--model", "claude-haiku-4-5", "--max-tokens", "9", *FAST)
    assert "1 more repeats the request of another" in invoke("run", job, table, *options).stdout
    shown = lines(invoke("status", job, "--json").stdout)[0]
    assert (shown["requests"], shown["twins"]) == (2, 1)


def test_failed_rows_are_status_three(job: str, requests: Path):
    """A finished job with failed rows ends with status 3; `results --failed` writes them."""
    requests.write_text(jsonl(request(0), request(1, ERRORED)))
    assert invoke("run", job, requests, *FAST).returncode == 3
    assert invoke("status", job).returncode == 3
    failed = invoke("results", job, "--failed")
    assert failed.returncode == 3
    (row,) = lines(failed.stdout)
    assert (row["custom_id"], row["cause"]) == ("row-1", "invalid")
    assert row["result"]["error"]["error"]["type"] == "invalid_request_error"
    assert row["request"]["params"]["max_tokens"] == 50
    assert lines(invoke("results", job, "--cause", "succeeded").stdout)[0]["custom_id"] == "row-0"
    assert invoke("results", job, "--cause", "nonsense").returncode == 2
    assert len(lines(invoke("results", job, "--limit", "1").stdout)) == 1


def test_stdin_to_stdout(job: str):
    """`-` is stdin for requests and stdout for tables."""
    assert invoke("run", job, "-", *FAST, stdin=jsonl(request(0), request(1))).returncode == 0
    table = invoke("export", job, "-", "--no-raw")
    assert [row["text"] for row in lines(table.stdout)] == ["You said: Hello 0", "You said: Hello 1"]


def test_the_first_rows_alone(job: str, requests: Path):
    """`--limit` takes the first rows of the source, and the same command without it goes on with the others."""
    planned = invoke("plan", requests, "--limit", "2", "--json")
    assert lines(planned.stdout)[0]["requests"] == 2
    tried = invoke("run", job, requests, "--limit", "2", *FAST, "--json")
    assert lines(tried.stdout)[0]["done"] == 2
    whole = invoke("run", job, requests, *FAST, "--json")
    assert (lines(whole.stdout)[0]["done"], "3 requests added" in whole.stderr) == (5, True)


def test_columns_of_a_table_come_back(job: str, tmp_path: Path):
    """The columns of the input are joined with the results."""
    table = tmp_path / "cities.csv"
    table.write_text("key,city\na,Rome\nb,Oslo\n")
    options = (
        "--prompt",
        "Rate {city}.",
        "--id-column",
        "key",
        "--model",
        "claude-haiku-4-5",
        "--max-tokens",
        "9",
    )
    assert invoke("run", job, table, *options, *FAST).returncode == 0
    rows = lines(invoke("export", job, "-").stdout)
    assert [(row["custom_id"], row["city"]) for row in rows] == [("a", "Rome"), ("b", "Oslo")]


def test_errors_speak_of_options(job: str, requests: Path, tmp_path: Path):
    """Errors of the library name the options of the command, not the arguments of Python."""
    table = tmp_path / "table.csv"
    table.write_text("city\nRome\n")
    prompt = ("--prompt", "Rate {city}.")
    for options, told in (
        ((), "Give --prompt or --template to make a prompt"),
        (prompt, "the request has no model: give it in the row, or --model for all rows"),
        (
            (*prompt, "--model", "claude-haiku-4-5"),
            "the request has no max_tokens: give it in the row, or --max-tokens for all rows",
        ),
    ):
        assert told in invoke("run", job, table, *options).stderr
    invoke("run", job, requests, *FAST)
    for target, told in (("x.xlsx", "give --format"), (tmp_path / "no" / "x.csv", "there is no folder")):
        done = invoke("export", job, target)
        assert (done.returncode, told in done.stderr) == (1, True)
    for columns in ("", "custom_id,text,custom_id"):
        assert invoke("export", job, tmp_path / "x.csv", "--columns", columns).returncode == 2
    nameless = invoke("export", job, "/dev/stdout")
    assert (nameless.returncode, "give `-` for stdout" in nameless.stderr) == (2, True)
    assert invoke("plan", table, *prompt, "--template", table).returncode == 2


def test_a_wrong_address_is_told(job: str, requests: Path, monkeypatch: pytest.MonkeyPatch):
    """An invalid address is told by the variable that has it."""
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "http://[::")
    wrong = invoke("run", job, requests)
    assert (wrong.returncode, "ANTHROPIC_BASE_URL is invalid" in wrong.stderr) == (1, True)
    assert " base_url" not in wrong.stderr


def test_a_pause_names_its_command_once(job: str, requests: Path):
    """The line that resumes a paused job is told once, and has the limit that was given."""
    requests.write_text(jsonl(*(request(index, ERRORED) for index in range(5))))
    limit = ("--prices", _prices(requests.parent), "--max-cost", "1000.5")
    paused = invoke("run", job, requests, "--canary", "5", *limit, *FAST).stderr.splitlines()[-1]
    assert paused.count(f"`claude-batches retry {job} --max-cost 1000.5`") == 1
    assert f"`claude-batches retry {job} --max-cost 1000.5` sends the rest all the same," in paused


def test_a_template_without_a_column(job: str, tmp_path: Path):
    """`run` and `plan` refuse a prompt that would be the same in all rows, and name Jinja where it looks so."""
    table = tmp_path / "table.csv"
    table.write_text("city\nRome\nOslo\n")
    made = ("--prompt", "Rate {{city}}.", "--model", "claude-haiku-4-5", "--max-tokens", "9")
    for command in (("plan", table), ("run", job, table)):
        refused = invoke(*command, *made)
        assert refused.returncode == 1
        assert "all rows would have one prompt" in refused.stderr
        assert "--template FILE.j2" in refused.stderr


def test_a_paused_job_and_a_canceled_one(job: str, requests: Path):
    """Each command says why a job is paused and how it goes on, and that a canceled one sends nothing."""
    requests.write_text(jsonl(*(request(index, ERRORED) for index in range(100))))
    assert invoke("run", job, requests, *FAST).returncode == 1
    for command in (("status",), ("submit",), ("run",), ("watch", *FAST), ("results",), ("export",)):
        extra = ("-",) if command == ("export",) else ()
        paused = invoke(command[0], job, *extra, *command[1:])
        assert paused.returncode == 1, command
        assert f"`claude-batches retry {job} --keep` keeps these errors" in paused.stderr, command
        assert "resume(" not in paused.stdout + paused.stderr, command
    kept = invoke("retry", job, "--keep")
    assert f"100 requests did not succeed. See why with: claude-batches results {job} --failed" in kept.stderr
    assert invoke("cancel", job).returncode == 3
    more = invoke("submit", job, "-", stdin=jsonl(request(200)))
    assert (more.returncode, "the job was canceled, which is final" in more.stderr) == (1, True)
    assert lines(invoke("status", job, "--json").stdout)[0]["requests"] == 100
    assert invoke("run", job).returncode == 3


def test_the_errors_of_a_canary(job: str, requests: Path):
    """A failed canary tells its errors, which are in no result yet, and `retry --keep` keeps them as results."""
    overloaded = ERRORED.replace("invalid_request_error", "overloaded_error")
    requests.write_text(jsonl(*(request(index, overloaded if index < 2 else "Hi") for index in range(6))))
    paused = invoke("run", job, requests, "--canary", "4", *FAST)
    assert paused.returncode == 1
    assert "2 overloaded" in paused.stderr
    assert 'errors: 2 of "' in paused.stderr
    assert f"`claude-batches retry {job} --keep` keeps their errors" in paused.stderr
    invoke("retry", job, "--keep")
    assert invoke("run", job, *FAST).returncode == 3
    kept = lines(invoke("results", job, "--failed").stdout)
    assert [(row["cause"], row["attempt"]) for row in kept] == [("overloaded", 1)] * 2


def test_export_overwrites_by_force_alone(job: str, requests: Path, tmp_path: Path):
    """`export` refuses a file that exists, such as the input, unless --force is given."""
    invoke("run", job, requests, *FAST)
    before = requests.read_text()
    refused = invoke("export", job, requests)
    assert (refused.returncode, "--force" in refused.stderr, requests.read_text()) == (1, True, before)
    assert invoke("export", job, requests, "--force").returncode == 0
    assert len(lines(requests.read_text())) == 5


def test_a_narrow_terminal_cuts_texts_alone():
    """A table of results keeps custom_ids and outcomes whole, and shortens texts."""
    rows = [("a-custom-id-of-many-letters", "invalid", "word " * 40)]
    for width in (40, 80):
        table, wide = results_table(rows, width)
        console = Console(width=wide, file=io.StringIO())
        console.print(table, no_wrap=True, overflow="ignore", crop=False)
        shown = console.file.getvalue().splitlines()[1]  # type: ignore[attr-defined]
        assert "a-custom-id-of-many-letters invalid" in " ".join(shown.split())
        assert len(shown.rstrip()) <= max(width, wide)
        assert "…" in shown


def test_columns_are_chosen(job: str, requests: Path, tmp_path: Path):
    """`export --columns` has the named columns in their order; a wrong name is one line with the right ones."""
    requests.write_text(jsonl({**request(0), "city, country": "Rome"}, {**request(1), "late": 1}))
    assert invoke("run", job, requests, *FAST).returncode == 0
    out = tmp_path / "table.csv"
    assert invoke("export", job, out, "--columns", 'late, "city, country",custom_id').returncode == 0
    assert out.read_text() == 'late,"city, country",custom_id\n,Rome,row-0\n1,,row-1\n'
    whole = invoke("export", job, "-", "--no-raw", "--format", "csv")
    assert whole.stdout.splitlines()[0].endswith(',cost,"city, country",late')
    wrong = invoke("export", job, tmp_path / "wrong.csv", "--columns", "custom_id,lat")
    assert (wrong.returncode, len(wrong.stderr.splitlines())) == (1, 1)
    assert "there is not a column 'lat'" in wrong.stderr
    assert "custom_id, result_type, text" in wrong.stderr
    assert not (tmp_path / "wrong.csv").exists()


@pytest.mark.claude_sandbox(speed=60, queue_limit=4)
def test_submitting_and_watching_are_apart(job: str, requests: Path):
    """`submit` sends up to the queue's limit, `watch` only collects, and another `submit` sends the rest."""
    first = invoke("submit", job, requests, "--max-requests", "3", "--json")
    assert (first.returncode, lines(first.stdout)[0]["in_flight"]) == (5, 3)
    assert f"claude-batches submit {job}" in first.stderr
    watched = invoke("watch", job, *FAST, "--json")
    assert (watched.returncode, lines(watched.stdout)[0]["done"]) == (5, 3)
    assert invoke("submit", job).returncode == 0
    assert invoke("watch", job, *FAST).returncode == 0
    assert invoke("status", job).returncode == 0


@pytest.mark.claude_sandbox(speed=60, queue_limit=4)
def test_others_send_the_rest(job: str, requests: Path, monkeypatch: pytest.MonkeyPatch):
    """While other processes work on the job, `submit` names them, and not a command that nobody has to give."""
    monkeypatch.setattr(Job, "workers", lambda _: [Worker(7, "far")])
    sent = invoke("submit", job, requests, "--max-requests", "3")
    assert (sent.returncode, "process 7 on far" in sent.stderr) == (5, True)
    assert "Continue with" not in sent.stderr


def test_retry_sends_failed_rows_again(job: str, requests: Path, claude_sandbox: Sandbox):
    """`retry` sends the rows again whose cause may pass, and those alone."""
    claude_sandbox.set_faults([Fault(kind="expired", share=1)])
    invoke("submit", job, requests)
    assert invoke("watch", job, *FAST).returncode == 5
    claude_sandbox.set_faults(None)
    again = invoke("retry", job)
    assert again.returncode == 0
    assert "5 requests will be sent again" in again.stderr
    assert invoke("watch", job, *FAST).returncode == 0


@pytest.mark.claude_sandbox(faults=[Fault(kind="expired", share=1)])
def test_retry_beyond_the_limit(job: str, requests: Path):
    """`retry` says that requests reached --max-attempts, and sends them again with a larger number."""
    assert invoke("run", job, requests, "--max-attempts", "1", *FAST).returncode == 3
    limited = invoke("retry", job)
    assert "5 requests failed 1 time, and the limit is 1:" in limited.stderr
    assert "--max-attempts 2 sends them again" in limited.stderr
    assert "5 requests will be sent again" in invoke("retry", job, "--max-attempts", "2").stderr


@pytest.mark.claude_sandbox(faults=[Fault(kind="expired", share=1)])
def test_retry_tells_the_attempts_made(job: str, requests: Path):
    """`retry` tells how often requests failed, which may be more than the limit of now, and names a limit above it."""
    assert invoke("run", job, requests, "--max-attempts", "2", *FAST).returncode == 3
    limited = invoke("retry", job, "--max-attempts", "1").stderr
    assert "5 requests failed 2 times, and the limit is 1:" in limited
    assert "--max-attempts 4 sends them again" in limited
    assert "5 requests will be sent again" in invoke("retry", job, "--max-attempts", "4").stderr


@pytest.mark.claude_sandbox(speed=1)
def test_cancel_takes_a_job_too(job: str, requests: Path):
    """`cancel JOB` cancels its batches and collects the rest; canceled rows are failed rows."""
    invoke("submit", job, requests)
    assert invoke("status", job).returncode == 5
    canceled = invoke("cancel", job, "--json")
    assert canceled.returncode == 3
    assert lines(canceled.stdout)[0]["state"] == "canceled"


def test_cost_takes_prices(job: str, requests: Path, tmp_path: Path):
    """`cost` counts tokens by model, and takes a user's prices."""
    invoke("run", job, requests, *FAST)
    prices = tmp_path / "prices.json"
    prices.write_text('{"claude-haiku-*": {"input_tokens": 1000000, "output_tokens": 0}}')
    shown = lines(invoke("cost", job, "--prices", prices, "--json").stdout)[0]
    assert float(shown["cost"]) == shown["models"][0]["input_tokens"] > 0
    prices.write_text("{")
    broken = invoke("cost", job, "--prices", prices)
    assert (broken.returncode, len(broken.stderr.splitlines())) == (1, 1)


def test_a_model_without_a_price(monkeypatch: pytest.MonkeyPatch):
    """A model that is not on the price list is told from a price list that is not installed."""
    counter = CostCounter()
    counter.add("claude-nobody-1", {"input_tokens": 1})
    report = counter.report()
    assert "the price list has no batch price of claude-nobody-1" in cost_summary(report)
    monkeypatch.setitem(sys.modules, "genai_prices", None)
    assert "install claude-batches[cost]" in cost_summary(report)


def test_a_template_error_is_one_line(job: str, tmp_path: Path):
    """After an error in a template nothing else is written: the file is closed in order."""
    table = tmp_path / "table.csv"
    table.write_text("city\n" + "Rome\n" * 10)
    made = ("--prompt", "Rate {town}.", "--model", "claude-haiku-4-5", "--max-tokens", "9")
    done = run("run", job, table, *made)
    assert (done.returncode, "Exception ignored" in done.stderr) == (1, False)
    assert len(done.stderr.splitlines()) == 1


def test_an_unreachable_server_is_told_at_once(job: str, requests: Path):
    """`run` says without --verbose that the server can't be reached, why, and how long it goes on."""
    with running("run", job, requests, *FAST, ANTHROPIC_BASE_URL="http://127.0.0.1:1") as process:
        told = process.wait_for("the server can't be reached")
    assert "refused" in told.lower()
    assert "goes on trying, for up to 300 seconds" in told
    assert "check the network and ANTHROPIC_BASE_URL" in told


def test_no_job_among_other_files(requests: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A job is not made in a folder with other files, nor of a file, and a failed first `run` leaves no folder."""
    monkeypatch.chdir(tmp_path)
    among = invoke("run", ".", requests)
    assert (among.returncode, "has other files (requests.jsonl)" in among.stderr) == (1, True)
    with pytest.raises(JobError, match="other files"):
        Job.open(tmp_path)
    swapped = invoke("run", requests, "--max-requests", "2")
    assert (swapped.returncode, "the job comes first" in swapped.stderr) == (2, True)
    for wrong in (("status", requests), ("run", requests, "more.jsonl")):
        told = invoke(*wrong)
        assert (told.returncode, "is a file, and a job is a folder" in told.stderr) == (2, True)
        assert "claude-batches run" not in told.stderr
    assert "is not a job" in invoke("plan", ".").stderr
    assert "there is neither a job nor a file 'nope.job'" in invoke("plan", "nope.job").stderr
    assert "'.' is a folder: give a file" in invoke("run", "new.job", ".").stderr
    assert invoke("run", "new.job", "nowhere.jsonl").returncode == 1
    requests.write_text(jsonl(request(0), request(1)) + "{")
    assert invoke("run", "new.job", requests).returncode == 1
    assert [path.name for path in tmp_path.iterdir()] == ["requests.jsonl"]


#: Makes requests of rows with a text.
SAY = ("--prompt", "Say {text}", "--model", "claude-haiku-4-5", "--max-tokens", "9")


def test_an_id_that_comes_twice(job: str, tmp_path: Path):
    """`plan` tells custom_ids that come again, once for all, and the error of `run` has the file and line."""
    table = tmp_path / "table.csv"
    table.write_text("city,text\nRome,a\nOslo,b\nRome,c\nOslo,d\n")
    options = (*SAY, "--id-column", "city")
    planned = invoke("plan", table, *options)
    assert planned.returncode == 1
    assert "request 2: custom_id: it comes again, with other params; the first is request 0" in planned.stdout
    assert "(and 1 other request)" in planned.stdout
    refused = invoke("run", job, table, *options)
    assert "table.csv:4: request 2: this call has custom_id 'Rome' twice" in refused.stderr
    assert "with different params; the first is 2 rows before." in refused.stderr


def test_rows_with_ids_that_share_a_request(job: str, tmp_path: Path):
    """`--dedupe` pays once for equal requests of rows with ids, as `plan` says; each row has the result by its id."""
    table = tmp_path / "t.csv"
    table.write_text("id,text\na,x\nb,x\nc,y\n")
    options = (*SAY, "--id-column", "id")
    assert lines(invoke("plan", table, *options, "--json").stdout)[0]["requests"] == 3
    planned = lines(invoke("plan", table, *options, "--dedupe", "--json").stdout)[0]
    assert (planned["requests"], planned["repeated"]) == (2, 1)
    for command in (("plan", table), ("run", job, table)):
        refused = invoke(*command, *options, "--dedupe", "--ids", "own")
        assert (refused.returncode, "leave out dedupe" in refused.stderr) == (1, True)
    done = invoke("run", job, table, *options, "--dedupe", *FAST)
    assert "2 requests added" in done.stderr
    rows = lines(invoke("results", job).stdout)
    assert [(row["custom_id"], row["request"]["text"]) for row in rows] == [
        ("a", "x"),
        ("b", "x"),
        ("c", "y"),
    ]
    assert all(row["request"]["custom_id"] == row["custom_id"] for row in rows)


def test_a_plan_spends_nothing(requests: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """`plan` needs no key, writes nothing, and reports requests that would be refused."""
    monkeypatch.delenv("ANTHROPIC_API_KEY")
    monkeypatch.chdir(tmp_path)
    planned = invoke("plan", requests, "--max-requests", "2", "--json")
    assert planned.returncode == 0
    assert (lines(planned.stdout)[0]["requests"], lines(planned.stdout)[0]["shards"]) == (5, 3)
    requests.write_text(jsonl(request(0, messages="Hello")))
    refused = invoke("plan", requests)
    assert refused.returncode == 1
    assert "messages" in refused.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["requests.jsonl"]


@pytest.mark.claude_sandbox(faults=[Fault(kind="cut", on="create", at=0, times=1)])
def test_a_create_in_doubt_is_shown_and_resolved(job: str, requests: Path):
    """`submit` ends with status 4 if a create is in doubt; `resolve` lists it, and takes the batch."""
    sent = invoke("submit", job, requests)
    assert sent.returncode == 4
    shown = invoke("status", job)
    finds = f"running the job finds it out: claude-batches run {job}"
    assert (shown.returncode, finds in shown.stderr) == (4, True)
    assert f"Decide with: claude-batches resolve {job} 1 BATCH" in invoke("resolve", job).stderr
    doubts = invoke("resolve", job, "--json")
    assert doubts.returncode == 4
    (doubt,) = lines(doubts.stdout)[0]
    assert doubt["requests"] == 5
    assert invoke("resolve", job, "1").returncode == 2
    batch = lines(invoke("list", "--json").stdout)[0]["id"]
    assert invoke("resolve", job, str(doubt["shard"]), batch).returncode == 0
    assert invoke("watch", job, *FAST).returncode == 0
    assert len(lines(invoke("list", "--json").stdout)) == 1


@pytest.mark.parametrize(("word", "status"), [("lost", 3), ("not-made", 5)])
def test_results_that_are_gone(job: str, requests: Path, word: str, status: int):
    """`resolve` decides about a shard whose batch was deleted: its rows are missing, or sent again."""
    invoke("submit", job, requests)
    batch = lines(invoke("list", "--json").stdout)[0]["id"]
    there = invoke("resolve", job, "1", word)
    assert (there.returncode, "is there" in there.stderr) == (1, True)
    assert invoke("wait", batch).returncode == 0
    assert invoke("delete", batch).returncode == 0
    resolved = invoke("resolve", job, "1", word)
    assert resolved.returncode == 0
    assert ("Continue with: claude-batches run" in resolved.stderr) == (word == "not-made")
    assert invoke("status", job).returncode == status
    if word == "lost":
        # No limit sends them again.
        assert "--max-attempts" not in invoke("retry", job).stderr
        assert "No request was billed" not in invoke("cost", job).stderr


def test_a_mistyped_job_is_not_made(tmp_path: Path, requests: Path, monkeypatch: pytest.MonkeyPatch):
    """A job that does not exist is an error in one line, and no folder appears; the same for its requests."""
    monkeypatch.chdir(tmp_path)
    for command in ("run", "submit", "status", "watch", "results", "retry", "cancel", "cost", "resolve"):
        done = invoke(command, "revews.job")
        assert (done.returncode, len(done.stderr.splitlines())) == (1, 1), command
        assert "there is no job at 'revews.job'" in done.stderr
    assert invoke("export", "revews.job", "x.csv").returncode == 1
    assert not (tmp_path / "revews.job").exists()


def test_a_held_job_is_told(job: str, requests: Path):
    """A job that another process works on is an error in one line."""
    with Job.open(job):
        held = invoke("run", job, requests)
    assert (held.returncode, len(held.stderr.splitlines())) == (1, 1)
    assert "is held by process" in held.stderr


def test_an_empty_job_says_so(job: str, tmp_path: Path):
    """A job without requests is not called finished by any command, in text and in JSON, and the exit status is 0."""
    empty = tmp_path / "empty.jsonl"
    empty.touch()
    commands = [("run", job, empty), ("submit", job), ("status", job), ("watch", job), ("plan", job)]
    for command in commands:
        shown = invoke(*command)
        assert shown.returncode == 0, command
        assert f"{job} has no requests yet. Add some with: claude-batches run" in shown.stderr, command
        assert "finished" not in shown.stdout, command
        assert lines(invoke(*command, "--json").stdout)[0]["empty"] is True, command
    assert f"{job}: no requests yet" in invoke("status", job).stdout
    assert "empty.jsonl has no requests." in invoke("plan", empty).stderr
    invoke("submit", job, "-", stdin=jsonl(request(0)))
    assert lines(invoke("status", job, "--json").stdout)[0]["empty"] is False
    planned = invoke("plan", job)
    assert "nothing is left to plan" in planned.stderr


@pytest.mark.claude_sandbox(speed=60, queue_limit=4)
def test_one_number_of_batches(job: str, requests: Path):
    """`status`, `submit` and `watch` show the same number of batches: those to be made count, those given up don't."""
    sent = invoke("submit", job, requests, "--max-requests", "3")
    assert "0 of 2 ended" in sent.stdout
    assert "0 of 2 ended" in invoke("status", job).stdout
    watched = invoke("watch", job, *FAST)
    assert "1 of 2 batches ended" in watched.stderr
    assert "1 of 2 ended" in watched.stdout
    shown = lines(invoke("status", job, "--json").stdout)[0]
    assert [shown[f"batches{part}"] for part in ("", "_ended", "_left", "_total")] == [1, 1, 1, 2]


@pytest.mark.claude_sandbox(faults=[Fault(kind="overloaded", on="create")])
def test_watch_after_the_runner_died(job: str, requests: Path):
    """`watch` waits while a process has requests to send, and ends with status 5 and a hint when that is gone."""
    with running("run", job, requests, *FAST, "--verbose") as runner:
        runner.wait_for("shard 1 is sent later")
        with running("watch", job, *FAST) as watcher:
            watcher.wait_for(f"Process {runner.process.pid} on ")
            runner.process.kill()
            status, _, err = watcher.end()
    assert status == 5
    told = "5 requests are left to send, and nobody works on the job. Continue with: claude-batches run"
    assert told in err


@pytest.mark.claude_sandbox(speed=1)
def test_reading_while_a_job_runs(job: str, requests: Path, tmp_path: Path, claude_sandbox: Sandbox):
    """Commands that read a job work while another process runs it, and `watch` waits for the end of that."""
    prices = tmp_path / "prices.json"
    prices.write_text('{"claude-haiku-*": {"input_tokens": 1, "output_tokens": 5}}')
    with running("run", job, requests, *FAST) as runner:
        runner.wait_for("0 of 1 batches ended")
        assert lines(run("status", job, "--json").stdout)[0]["in_flight"] == 5
        assert invoke("results", job).returncode == 5
        assert invoke("cost", job, "--prices", prices).returncode == 0
        assert invoke("plan", job).returncode == 0
        assert invoke("export", job, tmp_path / "part.csv").returncode == 5
        assert invoke("resolve", job).returncode == 0
        assert "is held by process" in invoke("retry", job).stderr
        with running("watch", job, *FAST) as watcher:
            watcher.wait_for(f"Process {runner.process.pid} on ")
            claude_sandbox.advance(3600 * 24)
            assert watcher.end()[0] == 0
        assert runner.end()[0] == 0


def test_a_conflict_is_one_line(job: str, requests: Path):
    """The same id with other params is an error that shows both, in one line."""
    invoke("submit", job, requests)
    requests.write_text(jsonl(request(0, "Changed")))
    conflict = invoke("submit", job, requests)
    assert (conflict.returncode, len(conflict.stderr.splitlines())) == (1, 1)
    assert "Changed" in conflict.stderr


@pytest.mark.claude_sandbox(speed=1)
def test_ctrl_c_stops_a_run_after_its_step(job: str, requests: Path):
    """Ctrl-C once ends with status 5 and the way to continue; the job then continues."""
    limit = ("--prices", _prices(requests.parent), "--max-cost", "250")
    with running("run", job, requests, *limit) as process:
        process.wait_for("0 of 1 batches ended")
        process.process.send_signal(signal.SIGINT)
        status, out, err = process.end()
    assert status == 5
    assert "in process" in out
    assert "No billed results yet; 5 requests are in process and can cost up to $250.0000." in err
    assert f"Continue with: claude-batches run {job} --max-cost 250" in err
    with running("watch", job) as process:
        process.wait_for("0 of 1 batches ended")
        process.process.send_signal(signal.SIGINT)
        status, _, err = process.end()
    assert status == 5
    assert f"claude-batches watch {job}" in err


def test_ctrl_c_twice_stops_at_once(job: str, requests: Path):
    """A second Ctrl-C interrupts the step itself, and prints the command to continue."""
    invoke("submit", job, requests)
    asked = reply(
        529, {"type": "error", "error": {"type": "overloaded_error", "message": "x"}}, {"retry-after": "50"}
    )
    with (
        ScriptedServer([asked]) as server,
        running("run", job, "--max-cost", "5", ANTHROPIC_BASE_URL=server.url) as process,
    ):
        _requested(server)
        process.process.send_signal(signal.SIGINT)
        process.wait_for("Ctrl-C again stops at once")
        process.process.send_signal(signal.SIGINT)
        status, _, err = process.end()
    assert status == 130
    assert f"Continue with: claude-batches run {job} --max-cost 5" in err
    assert "Traceback" not in err


def _requested(server: ScriptedServer) -> None:
    """Wait for the first request."""
    while not server.requests:
        server.closing.wait(0.01)


def _prices(folder: Path) -> Path:
    """Write prices by which each of the requests costs at most 50 dollars."""
    prices = folder / "prices.json"
    prices.write_text('{"claude-haiku-*": {"input_tokens": 0, "output_tokens": 1000000}}')
    return prices


@pytest.mark.claude_sandbox(speed=1)
@pytest.mark.parametrize("command", ["submit", "retry"])
def test_submitting_up_to_max_cost(job: str, requests: Path, command: str):
    """`submit` and `retry` tell that --max-cost holds back the rest, and the line to go on has the limit."""
    prices = ("--prices", _prices(requests.parent))
    # Makes the job, and sends nothing: no batch fits.
    none = invoke("submit", job, requests, "--max-requests", "2", *prices, "--max-cost", "1")
    assert (none.returncode, "it could cost more than $1.00 in all" in none.stderr) == (1, True)
    assert "--max-cost of $250.00 for all of it" in none.stderr
    sent = invoke(command, job, "--max-cost", "100")
    assert (sent.returncode, "1 batch sent" in sent.stderr) == (5, True)
    assert "it could cost more than $100.00 in all" in sent.stderr
    assert "--max-cost of $250.00 for all of it" in sent.stderr
    assert f"more may go with: claude-batches submit {job} --max-cost 100" in sent.stderr
    shown = invoke("cost", job).stderr
    assert "No billed results yet; 2 requests are in process and can cost up to $100.0000." in shown


@pytest.mark.claude_sandbox(speed=1, queue_limit=4)
def test_a_full_queue_keeps_the_limit(job: str, requests: Path):
    """Where the queue holds back the rest, the line to go on has the --max-cost that was given."""
    limit = ("--prices", _prices(requests.parent), "--max-cost", "1000")
    sent = invoke("submit", job, requests, "--max-requests", "3", *limit)
    assert (sent.returncode, "could cost more" in sent.stderr) == (5, False)
    assert f"Continue with: claude-batches submit {job} --max-cost 1000" in sent.stderr


def test_max_cost_stops_before_it_is_exceeded(job: str, requests: Path, tmp_path: Path):
    """A job over --max-cost sends nothing more, and prints a hint; `plan JOB` shows the rest."""
    prices = _prices(tmp_path)
    # 50 tokens of output for each of two requests.
    limit = ("--max-cost", "100", "--prices", prices)
    stopped = invoke("run", job, requests, "--max-requests", "2", *limit, *FAST)
    assert stopped.returncode == 1
    assert re.search(r"--max-cost of \$1\d\d\.00 for all of it", stopped.stderr.splitlines()[-1])
    assert "more than $100.00 in all" in stopped.stderr.splitlines()[-1]
    shown = [amount(number) for number in (0, 1e-06, 0.0012, 1234.5)]
    assert shown == ["$0.00", "$0.000001", "$0.0012", "$1,234.50"]
    assert amount(Decimal("0.00123456"), up=True) == "$0.0013"
    left = lines(invoke("plan", job, "--json").stdout)[0]["requests"]
    assert 0 < left < 5
    assert invoke("run", job, *FAST).returncode == 0
