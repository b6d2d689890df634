"""Rewrites for documents of other authors. The document of this SDK needs none of them.

Each step is a function that changes the document in place, for one reason. `STEPS` has them in order.

    operations.py     missing ids, odd parameters, parts that a client can't have
    media_types.py    misspelt media types
    references.py     references to any place, and keywords beside a reference
    types.py          null, tuples, patterns, types of other languages
    inheritance.py    a base with a discriminator represents its heirs
    compositions.py   `allOf` as one object
    unions.py         unions beside fields, limits or constants
    files.py          files in forms
    inner.py          objects described in place become components
    streams.py        bodies that choose a result or a stream
"""

from __future__ import annotations

from collections.abc import Callable

from ...load.document import Document
from .compositions import drop_repeated_types, merge_all_of
from .files import mark_files
from .inheritance import unfold_inheritance
from .inner import name_inner_compositions, name_inner_objects
from .media_types import repair_media_types
from .operations import name_operations, note_unsupported_parts, settle_parameters
from .references import compose_keywords_beside_references, name_referenced_places
from .streams import split_streaming_bodies
from .types import (
    allow_null_at_references,
    drop_empty_enums,
    merge_pattern_properties,
    replace_foreign_types,
    write_null_as_a_type,
    write_true_as_a_schema,
    write_tuples_as_lists,
)
from .unions import (
    distribute_fields,
    drop_limiting_unions,
    drop_self_references,
    gather_constants,
    split_objects_from_other_types,
)

__all__ = ["STEPS"]

STEPS: tuple[Callable[[Document], None], ...] = (
    note_unsupported_parts,
    name_operations,
    settle_parameters,
    repair_media_types,
    write_true_as_a_schema,
    drop_empty_enums,
    replace_foreign_types,
    name_referenced_places,
    write_tuples_as_lists,
    compose_keywords_beside_references,
    drop_self_references,
    write_null_as_a_type,
    unfold_inheritance,
    drop_limiting_unions,
    drop_repeated_types,
    name_inner_compositions,
    merge_all_of,
    allow_null_at_references,
    split_objects_from_other_types,
    distribute_fields,
    merge_pattern_properties,
    gather_constants,
    mark_files,
    name_inner_objects,
    split_streaming_bodies,
)
