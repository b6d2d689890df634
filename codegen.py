#!/usr/bin/env python3
"""Generate the Python package of an API from its OpenAPI document.

    python codegen.py                    write generated/claude_batches_api from spec/openapi.yaml
    python codegen.py --check            write nothing; exit 1 and report the drift of each file
    python codegen.py diff [OLD [NEW]]   report the changes of the package for its users
    python codegen.py upstream FILE      compare another author's document of the same API with ours

The stages of the pipeline are the folders of generator/, the templates are in templates/, and docs/generation.md is the
guide. The command also writes the synchronous modules of overlays/ from the asynchronous ones.
"""

from __future__ import annotations

import argparse
import gc
import keyword
import subprocess
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from generator.load.document import Document, LocatedError, load, shown
from generator.load.errors import DocumentError
from generator.load.overlays import apply_overlay
from generator.load.parse import parse
from generator.load.validate import validate
from generator.pins import WrongPinError, check_pins
from generator.progress import Progress
from generator.text import one_line
from generator.unasync import sync_shells
from generator.write.output import MARK, OutputError, differences, formatted, heal, strangers, write

if TYPE_CHECKING:
    from generator.plan.package import Package

ROOT = Path(__file__).resolve().parent
SPEC = ROOT / "spec" / "openapi.yaml"
OUTPUT = ROOT / "generated"
PACKAGE = "claude_batches_api"
OVERLAYS = ROOT / "overlays"


class RefusedError(Exception):
    """A document that no package can be generated from: the problem, its place and a hint."""


def main(argv: list[str] | None = None) -> int:
    """Run the command and return its exit status."""
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
            "  Run it again with --debug for the traceback, and report it with the document.", file=sys.stderr
        )
    return 2


def _run(options: argparse.Namespace) -> int:
    check_pins()
    if options.command == "diff":
        return _diff(options)
    if options.command == "upstream":
        return _upstream(options)
    target = options.output / options.package
    heal(target)
    with Progress() as progress:
        document, files = generate(
            options.spec,
            header=_header(options),
            allowed=options.allow,
            overlays=options.overlay,
            assume_credentials=not options.no_credentials,
            progress=progress,
        )
        progress.step(f"formatting {len(files)} files")
        remedy = "run `python codegen.py`" if _is_ours(options) else "run the same command without --check"
        status = _check(files, target, remedy) if options.check else _write(files, target)
    if options.check and _is_ours(options):
        for name in strangers(target):
            print(f"{target.parent.name}/{name} is not part of the package")
            status = 1
    for note in document.notes:
        print(document.describe(note.place, f"note: {note.text}"), file=sys.stderr)
    if _is_ours(options):
        for shell in sync_shells(OVERLAYS):
            files = shell.files(_shell_header(shell.source))
            shells = (_check if options.check else _write)(files, shell.target)
            status = max(status, shells)
    return status


def _is_ours(options: argparse.Namespace) -> bool:
    """Return whether this project's own package is generated, with the synchronous shells of its client."""
    return (options.spec.resolve(), options.output.resolve(), options.package) == (SPEC, OUTPUT, PACKAGE)


def _shell_header(source: Path) -> str:
    """Return the first line of each synchronous module."""
    return f"{MARK}` from {source.relative_to(ROOT).as_posix()}/. Change that module, not this one."


def generate(
    spec: Path,
    *,
    header: str,
    allowed: Sequence[Path] = (),
    overlays: Sequence[Path] = (),
    assume_credentials: bool = True,
    progress: Progress | None = None,
) -> tuple[Document, dict[str, str]]:
    """Run the pipeline up to the printed files.

    Args:
        spec: The file of the document.
        header: The first line of each generated file.
        allowed: Folders beside the document's own that it may refer to.
        overlays: Files of changes to the document, in the format of the OpenAPI Overlay Specification.
        assume_credentials: Send credentials if the document has no `security`.
        progress: The reporter of the stages.

    Returns:
        The normalised document, and the text of each file by its path in the package.

    Raises:
        RefusedError: The document is broken, or a part of it can't be expressed in Python.
    """
    step = progress.step if progress is not None else lambda _: None
    with _no_garbage_collection():
        step(f"reading {shown(spec)}")
        document = _loaded(spec, allowed, overlays)
        _normalise(document, assume=assume_credentials)
        step(f"planning the types and operations of {len(document.schemas)} schemas")
        package = _plan(document)
        step("printing them")
        from generator.render.render import render

        return document, render(package, header=header)


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """Suspend the collector of cycles: it would walk a growing document again and again, and find none."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _loaded(spec: Path, allowed: Sequence[Path] = (), overlays: Sequence[Path] = ()) -> Document:
    try:
        document = load(spec, allowed)
        for overlay in overlays:
            spec = overlay
            apply_overlay(document, overlay)
    except DocumentError as error:
        if isinstance(error, LocatedError):
            raise RefusedError(error.document.describe(error.place, error.problem, error.hint)) from None
        hint = f"\n  {error.hint}" if error.hint else ""
        raise RefusedError(f"{shown(spec)}: {error.problem}{hint}") from None
    return document


def _normalise(document: Document, *, assume: bool = True) -> None:
    with _refusing(document):
        validate(document)
        # Imported late: a broken document is reported without this cost.
        from generator.normalise import normalise

        normalise(document)
        if assume:
            from generator.organise.security import assume_credentials

            assume_credentials(document)


def _plan(document: Document) -> Package:
    from generator.plan.build import build

    with _refusing(document):
        return build(document)


@contextmanager
def _refusing(document: Document) -> Iterator[None]:
    """Add the line of the document to errors about it."""
    try:
        yield
    except DocumentError as error:
        raise RefusedError(document.describe(error.place, error.problem, error.hint)) from None
    except RecursionError:
        raise RefusedError(f"{shown(document.path)}: is nested too deeply") from None


# Comparing ----------------------------------------------------------------------------------------------------


def _diff(options: argparse.Namespace) -> int:
    documents = [
        _edition(name, options.allow, options.overlay)
        for name in (options.old, options.new or str(options.spec))
    ]
    names = [shown(each.path) for each in documents]
    with Progress() as progress, _no_garbage_collection():
        packages: list[Package] = []
        for name, document in zip(names, documents, strict=True):
            progress.step(f"planning the package of {name}")
            _normalise(document)
            packages.append(_plan(document))
        progress.step("comparing them")
        from generator.compare.diff import diff

        changes = diff(*packages)
    report = changes.report(f"From {names[0]} to {names[1]}, for users of the package:")
    print(changes.changelog().markdown() if options.markdown else report.text())
    return 1 if changes.is_breaking else 0


def _upstream(options: argparse.Namespace) -> int:
    with Progress() as progress, _no_garbage_collection():
        documents: list[Document] = []
        for path in (options.spec, options.file):
            progress.step(f"reading {shown(path)}")
            documents.append(_loaded(path, options.allow))
            _normalise(documents[-1], assume=False)
        progress.step("comparing them")
        from generator.compare.upstream import upstream

        report = upstream(*documents)
    print(report.markdown() if options.markdown else report.text())
    return 0 if report.is_empty else 1


def _edition(name: str, allowed: Sequence[Path], overlays: Sequence[Path]) -> Document:
    """Load a file, or the committed spec of a revision of the repository: `HEAD`, `v0.1.0`."""
    if Path(name).exists():
        return _loaded(Path(name), allowed, overlays)
    spec = SPEC.relative_to(ROOT).as_posix()
    done = subprocess.run(  # noqa: S603  # a list of arguments, none of which git takes for an option
        ["git", "-C", ROOT, "show", f"{name}:{spec}", "--"],  # noqa: S607
        capture_output=True,
        text=True,
        check=False,
    )
    if name.startswith("-") or done.returncode != 0:
        raise RefusedError(f"{name}: is neither a file nor a revision of the repository that has {spec}")
    path = Path(f"{name}:{spec}")
    try:
        return Document(parse(done.stdout), done.stdout, path)
    except DocumentError as error:
        raise RefusedError(f"{path}: {error.problem}") from None


# The command line ---------------------------------------------------------------------------------------------


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="codegen.py",
        description="Generate the Python package of an API from its OpenAPI document.",
        epilog="Exit status: 0 success or no drift; 1 drift; 2 the document or the output folder is unusable.",
    )
    add = parser.add_argument
    add("--check", action="store_true", help="write nothing; exit 1 and report each file that drifted")
    add("--spec", type=Path, default=SPEC, metavar="FILE", help="the document (spec/openapi.yaml)")
    add("--output", type=Path, default=OUTPUT, metavar="DIR", help="the folder to write to (generated)")
    add("--package", type=_package, default=PACKAGE, metavar="NAME", help=f"the package ({PACKAGE})")
    add("--allow", type=Path, action="append", default=[], metavar="DIR", help="read referenced files of it")
    add("--overlay", type=Path, action="append", default=[], metavar="FILE", help="apply an OpenAPI Overlay")
    add("--no-credentials", action="store_true", help="send none if the document has no `security`")
    add("--debug", action="store_true", help="show the traceback of a bug of the generator")
    commands = parser.add_subparsers(dest="command", metavar="[diff | upstream]")
    diff = commands.add_parser(
        "diff", help="report the changes of the package for its users; exit 1 if one is breaking"
    )
    diff.add_argument("old", nargs="?", default="HEAD", metavar="OLD", help="a file, or a revision (HEAD)")
    diff.add_argument(
        "new", nargs="?", metavar="NEW", help="a file, or a revision (the file of --spec: spec/openapi.yaml)"
    )
    other = commands.add_parser(
        "upstream", help="compare another document of the same API; exit 1 if it differs"
    )
    other.add_argument("file", type=Path, metavar="FILE", help="the other document")
    for command in (diff, other):
        command.add_argument("--markdown", action="store_true", help="print Markdown, for a changelog")
    return parser


def _package(name: str) -> str:
    if not name.isidentifier() or keyword.iskeyword(name):
        raise argparse.ArgumentTypeError(f"{name!r} is not a name for a Python package")
    return name


def _header(options: argparse.Namespace) -> str:
    """Return the first line of each generated file: its command, without any path of this machine."""
    spec: Path = options.spec.resolve()
    advice = "Change the spec or the templates, not this file."
    if spec == SPEC:
        return f"{MARK}` from spec/openapi.yaml. {advice}"
    option = "".join(f" --overlay {one_line(path.name)}" for path in options.overlay)
    option += " --no-credentials" if options.no_credentials else ""
    return f"{MARK} --spec {one_line(spec.name)} --package {options.package}{option}`. {advice}"


def _write(files: dict[str, str], target: Path) -> int:
    changed = write(files, target)
    print(f"{target.name}: {len(files)} files, {len(changed) or 'none'} changed")
    return 0


def _check(files: dict[str, str], target: Path, remedy: str = "run `python codegen.py`") -> int:
    with formatted(files) as folder:
        drift = list(differences(folder, target))
    for path, problem, diff in drift:
        print(f"{target.name}/{path} {problem}")
        if diff:
            print(diff)
    if drift:
        print(f"{len(drift)} of {len(files)} files drifted: {remedy}")
        return 1
    print(f"{target.name}: {len(files)} files, no drift")
    return 0


if __name__ == "__main__":
    sys.exit(main())
