"""Stage 2: rewrite a document in fewer words of OpenAPI, so that later stages meet fewer cases."""
