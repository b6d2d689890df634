"""One HTTP call: settings, prepared requests, retries and responses.

Everything here decides and does no I/O. A flow yields effects (`effects.py`); a driver in `_async` or `_sync` performs
them.
"""
