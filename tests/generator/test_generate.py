from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import codegen as codegen_module
from generator.pins import PINS
from generator.write.output import MARK
from tests.generator.conftest import Run
from tests.generator.running import REPO, codegen, files_of


def test_committed_package_is_current(tmp_path: Path, run: Run) -> None:
    """The committed package equals the output for the committed spec."""
    outcome = run("--output", tmp_path)
    assert outcome.status == 0, outcome.err
    assert files_of(tmp_path / "claude_batches_api") == files_of(REPO / "generated" / "claude_batches_api")


def test_deleted_package_comes_back(tmp_path: Path, spec: Path, run: Run) -> None:
    """A deleted package is generated with the same bytes."""
    run("--spec", spec, "--output", tmp_path, "--package", "pets")
    before = files_of(tmp_path / "pets")
    shutil.rmtree(tmp_path / "pets")
    run("--spec", spec, "--output", tmp_path, "--package", "pets")
    assert files_of(tmp_path / "pets") == before
    assert before


def test_output_is_deterministic(tmp_path: Path, spec: Path) -> None:
    """Hash seed, working directory and place do not change the output."""
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


def test_no_local_paths_in_files(tmp_path: Path, spec: Path, run: Run) -> None:
    """No file contains a path of this machine."""
    run("--spec", spec, "--output", tmp_path, "--package", "pets")
    for path, content in files_of(tmp_path / "pets").items():
        assert str(tmp_path).encode() not in content, path
        assert str(REPO).encode() not in content, path


def test_files_begin_with_their_command(tmp_path: Path, spec: Path, run: Run) -> None:
    """Every file begins with the command that made it."""
    run("--spec", spec, "--output", tmp_path, "--package", "pets")
    files = files_of(tmp_path / "pets")
    assert files.pop("py.typed") == b""
    assert all(content.startswith(MARK.encode()) for content in files.values())


def relink(path: Path) -> None:
    """Replace a file or a folder by a link to it."""
    path.rename(path.with_name("elsewhere"))
    path.symlink_to("elsewhere")


def replace(path: Path, old: bytes, new: bytes) -> None:
    """Replace bytes of a file."""
    path.write_bytes(path.read_bytes().replace(old, new))


class TestCheck:
    def test_passes_without_drift(self, tmp_path: Path, spec: Path, run: Run) -> None:
        """The check passes without drift."""
        run("--spec", spec, "--output", tmp_path, "--package", "pets")
        outcome = run("--check", "--spec", spec, "--output", tmp_path, "--package", "pets")
        assert outcome.status == 0
        assert "no drift" in outcome.out

    def test_names_each_drifted_file(self, tmp_path: Path, spec: Path, run: Run) -> None:
        """The check names changed, missing and extra files."""
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

    @pytest.mark.parametrize(
        ("spoil", "said"),
        [
            (lambda pets: (pets / "model.py").chmod(0o755), "pets/model.py is executable"),
            (lambda pets: relink(pets / "model.py"), "pets/model.py is a link"),
            (lambda pets: relink(pets / "models"), "pets/models is a link"),
            (lambda pets: (pets / "models" / "empty").mkdir(), "pets/models/empty is an extra folder"),
            (lambda pets: (pets / "gone").symlink_to("nowhere"), "pets/gone is a link"),
            (
                lambda pets: replace(pets / "model.py", b"\n", b"\r\n"),
                "pets/model.py differs\n    line endings: CRLF on disk, LF generated",
            ),
            (
                lambda pets: (pets / "model.py").write_bytes((pets / "model.py").read_bytes().rstrip()),
                "pets/model.py differs\n    line endings: LF, no newline at the end on disk, LF generated",
            ),
        ],
    )
    def test_sees_more_than_lines(
        self, tmp_path: Path, spec: Path, run: Run, spoil: Callable[[Path], object], said: str
    ) -> None:
        """The check sees modes, links, empty folders and line endings."""
        arguments = ("--spec", spec, "--output", tmp_path, "--package", "pets")
        run(*arguments)
        spoil(tmp_path / "pets")
        outcome = run("--check", *arguments)
        assert outcome.status == 1
        assert said in outcome.out

    def test_sees_strangers_beside_our_package(
        self, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A file beside our own package fails the check; folders of other packages may hold anything."""
        shutil.copytree(codegen_module.OUTPUT, tmp_path / "generated")
        (tmp_path / "generated" / "stranger.py").write_text("")
        monkeypatch.setattr(codegen_module, "OUTPUT", tmp_path / "generated")
        outcome = run("--check", "--output", tmp_path / "generated")
        assert outcome.status == 1
        assert "generated/stranger.py is not part of the package" in outcome.out

    def test_long_difference_is_cut(self, tmp_path: Path, spec: Path, run: Run) -> None:
        """A long diff is cut."""
        run("--spec", spec, "--output", tmp_path, "--package", "pets")
        (tmp_path / "pets" / "model.py").write_text("")
        outcome = run("--check", "--spec", spec, "--output", tmp_path, "--package", "pets")
        assert " more lines" in outcome.out
        assert len(outcome.out.splitlines()) < 25

    def test_fails_without_a_package(self, tmp_path: Path, spec: Path, run: Run) -> None:
        """The check fails without a package."""
        outcome = run("--check", "--spec", spec, "--output", tmp_path / "none", "--package", "pets")
        assert outcome.status == 1
        assert "__init__.py is missing" in outcome.out
        assert not (tmp_path / "none").exists()


class TestWriting:
    def test_foreign_folder_is_left_alone(self, tmp_path: Path, spec: Path, run: Run) -> None:
        """A folder with a file that was not generated is not replaced."""
        folder = tmp_path / "pets"
        folder.mkdir()
        (folder / "letters.txt").write_text("precious")
        outcome = run("--spec", spec, "--output", tmp_path, "--package", "pets")
        assert outcome.status == 2
        assert "letters.txt was not generated" in outcome.err
        assert files_of(folder) == {"letters.txt": b"precious"}

    def test_handwritten_file_is_not_lost(self, tmp_path: Path, spec: Path, run: Run) -> None:
        """Handwritten code inside a generated package stops the run."""
        run("--spec", spec, "--output", tmp_path, "--package", "pets")
        mine = tmp_path / "pets" / "models" / "mine.py"
        mine.write_text("x = 1\n")
        outcome = run("--spec", spec, "--output", tmp_path, "--package", "pets")
        assert outcome.status == 2
        assert "mine.py was not generated" in outcome.err
        assert mine.read_text() == "x = 1\n"

    @pytest.mark.parametrize("kind", ["file", "link", "dangling link"])
    def test_other_targets_are_not_replaced(self, tmp_path: Path, spec: Path, run: Run, kind: str) -> None:
        """A file or a link in place of the package is not replaced."""
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

    def test_unwritable_place_is_one_error(self, tmp_path: Path, spec: Path, run: Run) -> None:
        """A place that can't be written to gives one error."""
        (tmp_path / "file").write_text("")
        outcome = run("--spec", spec, "--output", tmp_path / "file" / "below", "--package", "pets")
        assert outcome.status == 2
        assert "can't be made" in outcome.err

    def test_removed_schema_removes_its_file(self, tmp_path: Path, spec: Path, run: Run) -> None:
        """The file of a removed schema is removed."""
        run("--spec", spec, "--output", tmp_path, "--package", "pets")
        spec.write_text(spec.read_text().replace("Pet:", "Animal:").replace("schemas/Pet", "schemas/Animal"))
        assert run("--spec", spec, "--output", tmp_path, "--package", "pets").status == 0
        files = files_of(tmp_path / "pets")
        assert "models/_animal.py" in files
        assert "models/_pet.py" not in files

    @pytest.mark.parametrize("name", ["class", "1pets", "pets-api", "a.b", ""])
    def test_invalid_package_names_are_refused(self, tmp_path: Path, spec: Path, run: Run, name: str) -> None:
        """An invalid package name is refused."""
        outcome = run("--spec", spec, "--output", tmp_path, "--package", name)
        assert outcome.status == 2
        assert "is not a name for a Python package" in outcome.err


def test_killed_run_leaves_a_whole_package(tmp_path: Path, spec: Path, run: Run) -> None:
    """Killed at any moment, a run never leaves a mixture of two packages."""
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


DIES_BETWEEN_RENAMES = """
import os, sys
from pathlib import Path

rename = Path.rename

def rename_once(self, target):
    rename(self, target)
    os._exit(9)

Path.rename = rename_once
sys.argv[0] = "codegen.py"
import codegen
codegen.main()
"""


@pytest.mark.parametrize("options", [[], ["--check"]])
def test_package_after_kill_between_renames(tmp_path: Path, spec: Path, run: Run, options: list[str]) -> None:
    """The next run brings a package back whose replacement was killed between its two renames."""
    run("--spec", spec, "--output", tmp_path, "--package", "pets")
    before = files_of(tmp_path / "pets")
    spec.write_text(spec.read_text().replace("An animal.", "A plant."))
    arguments = ["--spec", spec, "--output", tmp_path, "--package", "pets"]
    died = subprocess.run([sys.executable, "-c", DIES_BETWEEN_RENAMES, *arguments], cwd=REPO, check=False)
    assert died.returncode == 9
    assert not (tmp_path / "pets").exists()
    outcome = run(*arguments, *options)
    assert outcome.status == len(options)
    after = files_of(tmp_path / "pets")
    assert (after == before) is bool(options)
    assert len(after) == len(before)
    assert "1 of" in outcome.out or "1 changed" in outcome.out


def test_remains_of_killed_runs_are_removed(tmp_path: Path, spec: Path, run: Run) -> None:
    """A later run removes the remains of killed ones."""
    old, young = tmp_path / ".codegen-old", tmp_path / ".codegen-young"
    for folder in (old, young):
        (folder / "package").mkdir(parents=True)
    os.utime(old, (0, 0))
    assert run("--spec", spec, "--output", tmp_path, "--package", "pets").status == 0
    assert not old.exists()
    assert young.exists()


def test_failed_run_changes_nothing(tmp_path: Path, spec: Path, run: Run) -> None:
    """A failed run changes no file."""
    run("--spec", spec, "--output", tmp_path, "--package", "pets")
    before = files_of(tmp_path)
    spec.write_text(spec.read_text().replace("schemas/Pet", "schemas/Nobody"))
    changed = files_of(tmp_path)
    assert run("--spec", spec, "--output", tmp_path, "--package", "pets").status == 2
    assert files_of(tmp_path) == changed
    assert {**changed, "pets.yaml": before["pets.yaml"]} == before


class TestPins:
    @pytest.mark.parametrize("package", PINS)
    def test_other_release_stops_the_run(
        self, monkeypatch: pytest.MonkeyPatch, run: Run, package: str
    ) -> None:
        """Another release of a pinned package stops the run, with the wanted one."""
        monkeypatch.setitem(PINS, package, "0.0.1")
        outcome = run("--check")
        assert outcome.status == 2
        assert package in outcome.err
        assert "0.0.1" in outcome.err
        assert "docs/generation.md" in outcome.err

    def test_missing_package_stops_the_run(self, monkeypatch: pytest.MonkeyPatch, run: Run) -> None:
        """A missing package stops the run."""
        monkeypatch.setitem(PINS, "no-such-package", "1.0")
        outcome = run("--check")
        assert outcome.status == 2
        assert "no-such-package is not installed" in outcome.err

    def test_pins_match_the_project(self) -> None:
        """The pins match pyproject.toml."""
        project = (REPO / "pyproject.toml").read_text()
        for package, wanted in PINS.items():
            assert f'"{package}=={wanted}"' in project


def test_long_run_reports_stages(capsys: pytest.CaptureFixture[str]) -> None:
    """A long run prints its stages."""
    from generator.progress import Progress

    with Progress(patience=0) as progress:
        progress._timer.join()
        progress.step("counting sheep")
    assert capsys.readouterr().err == "counting sheep ...\n"


def test_short_run_is_silent(tmp_path: Path, spec: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that ends before the patience does prints no stages."""
    monkeypatch.setattr("generator.progress.PATIENCE", 600)
    assert run("--spec", spec, "--output", tmp_path, "--package", "pets").err == ""


def test_help_names_each_option(run: Run) -> None:
    """The help names each option."""
    outcome = run("--help")
    assert outcome.status == 0
    for option in ("--check", "--spec", "--output", "--package"):
        assert option in outcome.out


def test_imports_are_lazy() -> None:
    """No model, dict or operation is imported before its first use."""
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
