"""Asynchronous shells: drivers, responses, pages, streams, resources and clients.

The modules of `_sync` are generated from these by `python codegen.py`.
"""
