"""From an OpenAPI document to a Python package, in steps that can be read one after the other.

    document.py    read the document; point into it
    check.py       refuse a broken one
    normalise.py   say the same in fewer words of OpenAPI
    parse.py       let openapi-python-client name the operations
    build.py       make what the package will hold, in the words of package.py
    render.py      the package as files, through templates/
    output.py      files on disk: written as a whole, or compared

`codegen.py` beside this folder is the command; docs/generation.md is the tour.
"""
