#!/usr/bin/env python3
"""Generate the Python package of an API from its OpenAPI document.

    python codegen.py            write generated/claude_batches_api from spec/openapi.yaml
    python codegen.py --check    write nothing; fail, and say what drifted, where that would change a file

The steps are in generator/, one module each; what they print is in templates/. docs/generation.md is the tour.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from generator.document import DocumentError, load, shown
from generator.output import MARK, OutputError, differences, formatted, write
from generator.pins import WrongPin, check_pins

ROOT = Path(__file__).resolve().parent
SPEC = ROOT / "spec" / "openapi.yaml"
OUTPUT = ROOT / "generated"
PACKAGE = "claude_batches_api"


def main(argv: list[str] | None = None) -> int:
    """Run the command; return its exit status."""
    options = _parser().parse_args(argv)
    try:
        check_pins()
        files = generate(options.spec, header=_header(options))
        target = options.output / options.package
        return _check(files, target) if options.check else _write(files, target)
    except DocumentError as error:
        print(_describe(options.spec, error), file=sys.stderr)
    except (OutputError, WrongPin) as error:
        print(f"codegen.py: {error}", file=sys.stderr)
    return 2


def generate(spec: Path, *, header: str) -> dict[str, str]:
    """The files of the package for a document, by their path inside it.

    Raises:
        DocumentError: The document is broken, or something in it can't be represented.
    """
    # The parser takes most of a second to import; a broken document is told of before that.
    document = load(spec)
    from generator.normalise import normalise
    from generator.package import make_package
    from generator.parse import parse
    from generator.render import render

    try:
        normalise(document)
        return render(make_package(document, parse(document)), header=header)
    except DocumentError as error:
        error.document = document
        raise


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="codegen.py",
        description="Generate the Python package of an API from its OpenAPI document.",
        epilog="Exit status: 0 done, or no drift; 1 drift; 2 the document or the place to write to is no good.",
    )
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 and name each file that drifted")
    parser.add_argument("--spec", type=Path, default=SPEC, metavar="FILE", help="the document (spec/openapi.yaml)")
    parser.add_argument("--output", type=Path, default=OUTPUT, metavar="DIR", help="the folder to write to (generated)")
    parser.add_argument("--package", type=_package, default=PACKAGE, metavar="NAME", help=f"the package ({PACKAGE})")
    return parser


def _package(name: str) -> str:
    if not name.isidentifier():
        raise argparse.ArgumentTypeError(f"{name!r} is no name for a Python package")
    return name


def _header(options: argparse.Namespace) -> str:
    """The first line of each generated file: the command that makes it, without any path of this machine."""
    spec: Path = options.spec.resolve()
    if spec == SPEC:
        return f"{MARK}` from spec/openapi.yaml. Change the spec or the templates, not this file."
    return f"{MARK} --spec {spec.name} --package {options.package}`. Change the spec or the templates, not this file."


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
        print(f"{len(drift)} of {len(files)} files drifted from the spec and the templates: run `python codegen.py`")
        return 1
    print(f"{target.name}: {len(files)} files, no drift")
    return 0


def _describe(spec: Path, error: DocumentError) -> str:
    if error.document is not None:
        return error.document.describe(error)
    return f"{shown(spec)}: {error.problem}" + (f"\n  {error.way_out}" if error.way_out else "")


if __name__ == "__main__":
    sys.exit(main())
