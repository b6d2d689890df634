"""Stage 1: read an OpenAPI document, validate it and resolve its references."""
