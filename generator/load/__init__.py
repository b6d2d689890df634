"""Stage 1: read an OpenAPI document, validate it and resolve its references.

parse.py        text to data, YAML or JSON
document.py     the document: references, operations, lines, notes
validate.py     validation by the models of openapi-python-client, and tolerances.py for published documents
references.py   every reference resolves
schemas.py      the schemas of a document, and kinds of schemas
"""
