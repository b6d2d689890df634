"""Stage 1: read an OpenAPI document, validate it and resolve its references.

The modules, in the order in which a document meets them:

    parse.py        text to data, YAML or JSON
    files.py        the other files of a document
    document.py     the document: references, operations, lines, notes
    validate.py     validation by the models of openapi-python-client; tolerances.py excuses published slips
    references.py   every reference resolves
    schemas.py      the schemas of a document, and kinds of schemas
"""
