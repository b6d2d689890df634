"""Stage 3: sort the schemas and the operations of a document, and name them."""
