#!/usr/bin/env python3
"""Generate the Python package of an API from its OpenAPI document.

    python codegen.py                    write generated/claude_batches_api from spec/openapi.yaml
    python codegen.py --check            write nothing; fail, and say what drifted, where that would change a file
    python codegen.py diff [OLD [NEW]]   what a change of the document changes for users of the package
    python codegen.py upstream FILE      how somebody else's document of the same API differs from ours

The steps are in generator/, one module each; what they print is in templates/. docs/generation.md is the tour.
"""

from __future__ import annotations

import argparse
import keyword
import subprocess
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from generator.load.document import Document, load, shown
from generator.load.errors import DocumentError
from generator.load.parse import parse as read_text
from generator.load.validate import validate
from generator.pins import WrongPinError, check_pins
from generator.progress import Progress
from generator.text import one_line
from generator.unasync import sync_shells
from generator.write.output import MARK, OutputError, differences, formatted, write

if TYPE_CHECKING:
    from generator.plan.package import Package

ROOT = Path(__file__).resolve().parent
SPEC = ROOT / "spec" / "openapi.yaml"
OUTPUT = ROOT / "generated"
PACKAGE = "claude_batches_api"
OVERLAYS = ROOT / "overlays"


class RefusedError(Exception):
    """A document that no package can be generated from. Says what is wrong, and where, and what to do."""


def main(argv: list[str] | None = None) -> int:
    """Run the command; return its exit status."""
    options = _parser().parse_args(argv)
    try:
        return _run(options)
    except RefusedError as error:
        print(error, file=sys.stderr)
    except (OutputError, WrongPinError) as error:
        print(f"codegen.py: {error}", file=sys.stderr)
    except Exception as error:
        if options.debug:
            raise
        frame = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{Path(frame.filename).name}:{frame.lineno}"
        print(f"codegen.py: a bug: {type(error).__name__} at {where}: {error}", file=sys.stderr)
        print(
            "  Run it again with --debug to see all of it, and report it with the document.", file=sys.stderr
        )
    return 2


def _run(options: argparse.Namespace) -> int:
    check_pins()
    if options.command == "diff":
        return _diff(options)
    if options.command == "upstream":
        return _upstream(options)
    target = options.output / options.package
    with Progress() as progress:
        document, files = generate(options.spec, header=_header(options), progress=progress)
        progress.step(f"formatting {len(files)} files")
        status = _check(files, target) if options.check else _write(files, target)
    for note in document.notes:
        print(document.describe(note.place, f"note: {note.text}"), file=sys.stderr)
    if _is_ours(options):
        for shell in sync_shells(OVERLAYS):
            files = shell.files(_shell_header(shell.source))
            status = max(status, (_check if options.check else _write)(files, shell.target))
    return status


def _is_ours(options: argparse.Namespace) -> bool:
    """Return whether this project's own package is generated, with the synchronous shells of its client."""
    return (options.spec.resolve(), options.output.resolve(), options.package) == (SPEC, OUTPUT, PACKAGE)


def _shell_header(source: Path) -> str:
    """Return the first line of each synchronous module."""
    return f"{MARK}` from {source.relative_to(ROOT).as_posix()}. Change the module of that name there, not this file."


def generate(spec: Path, *, header: str, progress: Progress | None = None) -> tuple[Document, dict[str, str]]:
    """The document of a file, and the files of its package by their path inside it.

    Raises:
        RefusedError: The document is broken, or something in it can't be represented.
    """
    step = progress.step if progress is not None else lambda _: None
    step(f"reading {shown(spec)}")
    document = _loaded(spec)
    _normalise(document)
    step(f"making the types and operations of {len(document.schemas)} schemas")
    package = _package_of(document)
    step("printing them")
    from generator.render.render import render

    return document, render(package, header=header)


def _loaded(spec: Path) -> Document:
    try:
        return load(spec)
    except DocumentError as error:
        hint = f"\n  {error.hint}" if error.hint else ""
        raise RefusedError(f"{shown(spec)}: {error.problem}{hint}") from None


def _normalise(document: Document) -> None:
    with _refusing(document):
        validate(document)
        # The parser takes most of a second to import; a broken document is told of before that.
        from generator.normalise import normalise

        normalise(document)


def _package_of(document: Document) -> Package:
    from generator.plan.build import build

    with _refusing(document):
        return build(document)


@contextmanager
def _refusing(document: Document) -> Iterator[None]:
    """Say of an error where in the document it is."""
    try:
        yield
    except DocumentError as error:
        raise RefusedError(document.describe(error.place, error.problem, error.hint)) from None
    except RecursionError:
        raise RefusedError(f"{shown(document.path)}: is nested too deeply") from None


# Comparing ----------------------------------------------------------------------------------------------------


def _diff(options: argparse.Namespace) -> int:
    documents = _edition(options.old), _edition(options.new or str(options.spec))
    names = [shown(each.path) for each in documents]
    with Progress() as progress:
        packages: list[Package] = []
        for name, document in zip(names, documents, strict=True):
            progress.step(f"making the package of {name}")
            _normalise(document)
            packages.append(_package_of(document))
        progress.step("comparing them")
        from generator.compare.diff import diff

        changes = diff(*packages)
    report = changes.report(f"From {names[0]} to {names[1]}, for users of the package:")
    print(changes.changelog().markdown() if options.markdown else report.text())
    return 1 if changes.is_breaking else 0


def _upstream(options: argparse.Namespace) -> int:
    with Progress() as progress:
        documents: list[Document] = []
        for path in (options.spec, options.file):
            progress.step(f"reading {shown(path)}")
            documents.append(_loaded(path))
            _normalise(documents[-1])
        progress.step("comparing them")
        from generator.compare.upstream import upstream

        report = upstream(*documents)
    print(report.markdown() if options.markdown else report.text())
    return 0 if report.is_empty else 1


def _edition(name: str) -> Document:
    """A file, or the committed spec of a revision of the repository: `HEAD`, `v0.1.0`."""
    if Path(name).exists():
        return _loaded(Path(name))
    spec = SPEC.relative_to(ROOT).as_posix()
    done = subprocess.run(  # noqa: S603  # a list of arguments, of which git takes none for an option
        ["git", "-C", ROOT, "show", f"{name}:{spec}", "--"],  # noqa: S607
        capture_output=True,
        text=True,
        check=False,
    )
    if name.startswith("-") or done.returncode != 0:
        raise RefusedError(f"{name}: is neither a file nor a revision of the repository that has {spec}")
    path = Path(f"{name}:{spec}")
    try:
        return Document(read_text(done.stdout), done.stdout, path)
    except DocumentError as error:
        raise RefusedError(f"{path}: {error.problem}") from None


# The command line ---------------------------------------------------------------------------------------------


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="codegen.py",
        description="Generate the Python package of an API from its OpenAPI document.",
        epilog="Exit status: 0 done, or no drift; 1 drift; 2 a document, or the place to write to, is no good.",
    )
    add = parser.add_argument
    add("--check", action="store_true", help="write nothing; exit 1 and name each file that drifted")
    add("--spec", type=Path, default=SPEC, metavar="FILE", help="the document (spec/openapi.yaml)")
    add("--output", type=Path, default=OUTPUT, metavar="DIR", help="the folder to write to (generated)")
    add("--package", type=_package, default=PACKAGE, metavar="NAME", help=f"the package ({PACKAGE})")
    add("--debug", action="store_true", help="show where a bug of the generator happened")
    commands = parser.add_subparsers(dest="command", metavar="[diff | upstream]")
    diff = commands.add_parser(
        "diff", help="what a change of the document changes for users; exit 1 if it breaks them"
    )
    diff.add_argument("old", nargs="?", default="HEAD", metavar="OLD", help="a file, or a revision (HEAD)")
    diff.add_argument(
        "new", nargs="?", metavar="NEW", help="a file, or a revision (the file of --spec: spec/openapi.yaml)"
    )
    other = commands.add_parser(
        "upstream", help="how another document of the same API differs; exit 1 if it does"
    )
    other.add_argument("file", type=Path, metavar="FILE", help="the other document")
    for command in (diff, other):
        command.add_argument("--markdown", action="store_true", help="write it for a changelog")
    return parser


def _package(name: str) -> str:
    if not name.isidentifier() or keyword.iskeyword(name):
        raise argparse.ArgumentTypeError(f"{name!r} is no name for a Python package")
    return name


def _header(options: argparse.Namespace) -> str:
    """The first line of each generated file: the command that makes it, without any path of this machine."""
    spec: Path = options.spec.resolve()
    advice = "Change the spec or the templates, not this file."
    if spec == SPEC:
        return f"{MARK}` from spec/openapi.yaml. {advice}"
    return f"{MARK} --spec {one_line(spec.name)} --package {options.package}`. {advice}"


def _write(files: dict[str, str], target: Path) -> int:
    changed = write(files, target)
    print(f"{target.name}: {len(files)} files, {len(changed) or 'none'} changed")
    return 0


def _check(files: dict[str, str], target: Path) -> int:
    with formatted(files) as folder:
        drift = list(differences(folder, target))
    for path, what, diff in drift:
        print(f"{target.name}/{path} {what}")
        if diff:
            print(diff)
    if drift:
        files_drifted = f"{len(drift)} of {len(files)} files drifted"
        print(f"{files_drifted} from the spec and the templates: run `python codegen.py`")
        return 1
    print(f"{target.name}: {len(files)} files, no drift")
    return 0


if __name__ == "__main__":
    sys.exit(main())
