"""Use your own API with this client.

cd examples/own_api
python ../../codegen.py --spec library.yaml --overlay library.overlay.yaml --output build --package library_api
LIBRARY_URL=... LIBRARY_CARD=... PYTHONPATH=build python use_library.py
"""

from __future__ import annotations

import os

from claude_batches import ApiClient
from library_api.resources import SyncResources


def main() -> None:
    """Print every book with its summary, and add one."""
    with ApiClient(
        SyncResources, base_url=os.environ["LIBRARY_URL"], credentials={"key": os.environ["LIBRARY_CARD"]}
    ) as library:
        for book in library.books.list(author="Borges"):
            print(f"{book.id}: {book.title}")
            for words in library.books.summary(book.id):
                print(words.text, end="")
            print()
        added = library.books.add(title="The Aleph", published="1949-06-26")
        print(f"added {added.id}")


if __name__ == "__main__":
    main()
