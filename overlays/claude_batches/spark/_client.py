"""Clients on the workers: made from a config that can be pickled and has no credential in it."""

from __future__ import annotations

from pathlib import Path

import attrs

from .. import Client, ConfigurationError

__all__ = ["ClientConfig"]


@attrs.frozen
class ClientConfig:
    """Settings of a client that a worker makes. They hold the place of a key, and never the key.

    Without `key_file` the client takes `ANTHROPIC_API_KEY` or `ANTHROPIC_AUTH_TOKEN` of the worker's environment, where
    the secrets of an engine are put.
    """

    key_file: str | None = None
    """A file on each worker that holds the API key, such as a mounted secret."""
    base_url: str | None = None
    """The server; by default `ANTHROPIC_BASE_URL`, else Claude's API."""
    workspace_id: str | None = None
    """The workspace to act in, where the credential can act in several."""

    def client(self) -> Client:
        """Make a client.

        Raises:
            ConfigurationError: There is no key here.
        """
        return Client(api_key=self._key(), base_url=self.base_url)

    def _key(self) -> str | None:
        if self.key_file is None:
            return None
        try:
            return Path(self.key_file).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ConfigurationError(
                f"the key file {self.key_file} can't be read on this worker: {error.strerror}"
            ) from None
