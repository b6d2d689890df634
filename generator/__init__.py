"""The generator: an OpenAPI document becomes a Python package.

The folders are the stages of the pipeline, and their alphabetical order is the order in which they run:

    load/        read a document, validate it, resolve its references
    normalise/   rewrite it in fewer words of OpenAPI
    organise/    sort schemas and operations: kinds, directions, names
    plan/        describe every type, operation and resource of the package
    render/      print the plan through templates/
    write/       format the files, then replace the package on disk or compare it

Beside the pipeline: `compare/` compares two documents or two packages, `unasync.py` makes the synchronous modules of
`overlays/`, `names.py` and `text.py` turn names and prose of a document into Python, `pins.py` checks the tools, and
`progress.py` reports a long run. `codegen.py` is the command, docs/generation.md the guide.
"""
