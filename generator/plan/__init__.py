"""Stage 4: describe every type, operation and resource of the package."""
