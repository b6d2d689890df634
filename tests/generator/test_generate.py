from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from generator.output import MARK
from generator.pins import PINS
from tests.generator.conftest import Run
from tests.generator.running import REPO, codegen, files_of


def test_the_committed_package_is_what_the_committed_spec_gives(tmp_path: Path, run: Run) -> None:
    outcome = run("--output", tmp_path)
    assert outcome.status == 0, outcome.err
    assert files_of(tmp_path / "claude_batches_api") == files_of(REPO / "generated" / "claude_batches_api")


def test_a_deleted_package_comes_back_with_the_same_bytes(tmp_path: Path, spec: Path, run: Run) -> None:
    run("--spec", spec, "--output", tmp_path, "--package", "pets")
    before = files_of(tmp_path / "pets")
    shutil.rmtree(tmp_path / "pets")
    run("--spec", spec, "--output", tmp_path, "--package", "pets")
    assert files_of(tmp_path / "pets") == before
    assert before


def test_hash_seed_working_directory_and_place_make_no_difference(tmp_path: Path, spec: Path) -> None:
    digests = set()
    for number, seed in enumerate(("0", "1", "4242")):
        output = tmp_path / f"somewhere {number}"
        output.mkdir()
        process = codegen(
            "--spec",
            spec,
            "--output",
            output,
            "--package",
            "pets",
            cwd=output,
            environment={"PYTHONHASHSEED": seed},
        )
        process.communicate()
        assert process.returncode == 0
        digests.add(hashlib.sha256(repr(files_of(output / "pets")).encode()).hexdigest())
    assert len(digests) == 1


def test_no_file_names_a_place_of_this_machine(tmp_path: Path, spec: Path, run: Run) -> None:
    run("--spec", spec, "--output", tmp_path, "--package", "pets")
    for path, content in files_of(tmp_path / "pets").items():
        assert str(tmp_path).encode() not in content, path
        assert str(REPO).encode() not in content, path


def test_every_file_says_first_how_it_was_made(tmp_path: Path, spec: Path, run: Run) -> None:
    run("--spec", spec, "--output", tmp_path, "--package", "pets")
    files = files_of(tmp_path / "pets")
    assert files.pop("py.typed") == b""
    assert all(content.startswith(MARK.encode()) for content in files.values())


class TestCheck:
    def test_it_passes_where_nothing_drifted(self, tmp_path: Path, spec: Path, run: Run) -> None:
        run("--spec", spec, "--output", tmp_path, "--package", "pets")
        outcome = run("--check", "--spec", spec, "--output", tmp_path, "--package", "pets")
        assert outcome.status == 0
        assert "no drift" in outcome.out

    def test_it_names_each_file_that_differs_is_missing_or_is_extra(
        self, tmp_path: Path, spec: Path, run: Run
    ) -> None:
        run("--spec", spec, "--output", tmp_path, "--package", "pets")
        pet = tmp_path / "pets" / "models" / "_pet.py"
        pet.write_text(pet.read_text().replace("An animal.", "A plant."))
        (tmp_path / "pets" / "request.py").unlink()
        (tmp_path / "pets" / "mine.py").write_text("x = 1\n")
        before = files_of(tmp_path / "pets")
        outcome = run("--check", "--spec", spec, "--output", tmp_path, "--package", "pets")
        assert outcome.status == 1
        assert "pets/models/_pet.py differs" in outcome.out
        assert '-    """A plant."""' in outcome.out
        assert '+    """An animal."""' in outcome.out
        assert "pets/request.py is missing" in outcome.out
        assert "pets/mine.py is extra" in outcome.out
        assert "3 of" in outcome.out
        assert files_of(tmp_path / "pets") == before

    def test_a_long_difference_is_cut(self, tmp_path: Path, spec: Path, run: Run) -> None:
        run("--spec", spec, "--output", tmp_path, "--package", "pets")
        (tmp_path / "pets" / "model.py").write_text("")
        outcome = run("--check", "--spec", spec, "--output", tmp_path, "--package", "pets")
        assert " more lines" in outcome.out
        assert len(outcome.out.splitlines()) < 25

    def test_it_fails_where_there_is_no_package_at_all(self, tmp_path: Path, spec: Path, run: Run) -> None:
        outcome = run("--check", "--spec", spec, "--output", tmp_path / "none", "--package", "pets")
        assert outcome.status == 1
        assert "__init__.py is missing" in outcome.out
        assert not (tmp_path / "none").exists()


class TestWriting:
    def test_a_folder_with_a_file_that_was_not_generated_is_left_alone(
        self, tmp_path: Path, spec: Path, run: Run
    ) -> None:
        folder = tmp_path / "pets"
        folder.mkdir()
        (folder / "letters.txt").write_text("precious")
        outcome = run("--spec", spec, "--output", tmp_path, "--package", "pets")
        assert outcome.status == 2
        assert "letters.txt was not generated" in outcome.err
        assert files_of(folder) == {"letters.txt": b"precious"}

    def test_handwritten_code_inside_a_generated_package_is_not_lost(
        self, tmp_path: Path, spec: Path, run: Run
    ) -> None:
        run("--spec", spec, "--output", tmp_path, "--package", "pets")
        mine = tmp_path / "pets" / "models" / "mine.py"
        mine.write_text("x = 1\n")
        outcome = run("--spec", spec, "--output", tmp_path, "--package", "pets")
        assert outcome.status == 2
        assert "mine.py was not generated" in outcome.err
        assert mine.read_text() == "x = 1\n"

    @pytest.mark.parametrize("kind", ["file", "link", "dangling link"])
    def test_what_is_no_folder_is_not_replaced(self, tmp_path: Path, spec: Path, run: Run, kind: str) -> None:
        target = tmp_path / "pets"
        if kind == "file":
            target.write_text("precious")
        else:
            elsewhere = tmp_path / "elsewhere"
            if kind == "link":
                elsewhere.mkdir()
            target.symlink_to(elsewhere)
        outcome = run("--spec", spec, "--output", tmp_path, "--package", "pets")
        assert outcome.status == 2
        assert "was not generated" in outcome.err
        assert target.is_symlink() == (kind != "file")

    def test_a_place_that_cannot_be_written_to_is_one_clear_error(
        self, tmp_path: Path, spec: Path, run: Run
    ) -> None:
        (tmp_path / "file").write_text("")
        outcome = run("--spec", spec, "--output", tmp_path / "file" / "below", "--package", "pets")
        assert outcome.status == 2
        assert "can't be made" in outcome.err

    def test_a_file_that_is_gone_from_the_document_is_gone_from_the_package(
        self, tmp_path: Path, spec: Path, run: Run
    ) -> None:
        run("--spec", spec, "--output", tmp_path, "--package", "pets")
        spec.write_text(spec.read_text().replace("Pet:", "Animal:").replace("schemas/Pet", "schemas/Animal"))
        assert run("--spec", spec, "--output", tmp_path, "--package", "pets").status == 0
        files = files_of(tmp_path / "pets")
        assert "models/_animal.py" in files
        assert "models/_pet.py" not in files

    @pytest.mark.parametrize("name", ["class", "1pets", "pets-api", "a.b", ""])
    def test_a_name_that_no_package_can_have_is_refused(
        self, tmp_path: Path, spec: Path, run: Run, name: str
    ) -> None:
        outcome = run("--spec", spec, "--output", tmp_path, "--package", name)
        assert outcome.status == 2
        assert "is no name for a Python package" in outcome.err


def test_a_killed_run_leaves_the_old_package_or_the_new_one_whole(
    tmp_path: Path, spec: Path, run: Run
) -> None:
    """Killed at moments spread over the whole run, the package on disk is never a mixture."""
    arguments = ("--spec", spec, "--output", tmp_path / "out", "--package", "pets")
    run(*arguments)
    old = files_of(tmp_path / "out" / "pets")
    spec.write_text(spec.read_text().replace("An animal.", "A beast."))
    started = time.perf_counter()
    process = codegen(*arguments)
    process.communicate()
    length = time.perf_counter() - started
    new = files_of(tmp_path / "out" / "pets")
    assert new != old
    for share in (0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 1.0):
        shutil.rmtree(tmp_path / "out")
        spec.write_text(spec.read_text().replace("A beast.", "An animal."))
        run(*arguments)
        spec.write_text(spec.read_text().replace("An animal.", "A beast."))
        process = codegen(*arguments)
        try:
            process.wait(timeout=length * share)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
        process.communicate()
        assert files_of(tmp_path / "out" / "pets") in (old, new)


def test_what_a_killed_run_left_is_swept_up_later(tmp_path: Path, spec: Path, run: Run) -> None:
    old, young = tmp_path / ".codegen-old", tmp_path / ".codegen-young"
    for folder in (old, young):
        (folder / "package").mkdir(parents=True)
    os.utime(old, (0, 0))
    assert run("--spec", spec, "--output", tmp_path, "--package", "pets").status == 0
    assert not old.exists()
    assert young.exists()


def test_where_folders_cannot_be_swapped_in_one_step_they_are_in_two(
    tmp_path: Path, spec: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ("--spec", spec, "--output", tmp_path, "--package", "pets")
    run(*arguments)
    spec.write_text(spec.read_text().replace("An animal.", "A beast."))
    monkeypatch.setattr("generator.output.sys.platform", "another")
    assert run(*arguments).out == "pets: 19 files, 1 changed\n"
    assert "A beast." in (tmp_path / "pets" / "models" / "_pet.py").read_text()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["pets", "pets.yaml"]


def test_a_failed_run_leaves_what_was_there(tmp_path: Path, spec: Path, run: Run) -> None:
    run("--spec", spec, "--output", tmp_path, "--package", "pets")
    before = files_of(tmp_path)
    spec.write_text(spec.read_text().replace("schemas/Pet", "schemas/Nobody"))
    changed = files_of(tmp_path)
    assert run("--spec", spec, "--output", tmp_path, "--package", "pets").status == 2
    assert files_of(tmp_path) == changed
    assert {**changed, "pets.yaml": before["pets.yaml"]} == before


class TestPins:
    @pytest.mark.parametrize("package", PINS)
    def test_another_release_stops_the_run_and_says_which_is_wanted(
        self, monkeypatch: pytest.MonkeyPatch, run: Run, package: str
    ) -> None:
        monkeypatch.setitem(PINS, package, "0.0.1")
        outcome = run("--check")
        assert outcome.status == 2
        assert package in outcome.err
        assert "0.0.1" in outcome.err
        assert "docs/generation.md" in outcome.err

    def test_a_missing_package_is_said_to_be_missing(self, monkeypatch: pytest.MonkeyPatch, run: Run) -> None:
        monkeypatch.setitem(PINS, "no-such-package", "1.0")
        outcome = run("--check")
        assert outcome.status == 2
        assert "no-such-package is not installed" in outcome.err

    def test_the_pins_are_those_of_the_project(self) -> None:
        project = (REPO / "pyproject.toml").read_text()
        for package, wanted in PINS.items():
            assert f'"{package}=={wanted}"' in project


def test_a_long_run_says_what_it_is_doing(capsys: pytest.CaptureFixture[str]) -> None:
    from generator.progress import Progress

    with Progress(patience=0) as progress:
        progress._timer.join()
        progress.step("counting sheep")
    assert capsys.readouterr().err == "counting sheep ...\n"


def test_a_short_run_says_nothing_of_its_steps(tmp_path: Path, spec: Path, run: Run) -> None:
    assert run("--spec", spec, "--output", tmp_path, "--package", "pets").err == ""


def test_the_help_names_each_option(run: Run) -> None:
    outcome = run("--help")
    assert outcome.status == 0
    for option in ("--check", "--spec", "--output", "--package"):
        assert option in outcome.out


def test_importing_the_package_costs_nothing_that_grows_with_the_document() -> None:
    """No model, param or operation is imported before it is asked for."""
    code = "import sys, claude_batches_api.models, claude_batches_api.params; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(REPO / "generated")},
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = {name for name in done.stdout.split() if name.startswith("claude_batches_api.")}
    assert not [name for name in loaded if name.count(".") > 1]
