"""Rewrites for documents of other authors. The document of this SDK needs none of them."""
