"""The methods of pydantic models and of the official SDK's, so that migrated code runs.

New code needs `from_dict`, `to_dict` and attributes. Completion at run time (`dir`) leaves these names out.
"""

# Names with an underscore are private to the package, so that a model shows its fields first.
# pyright: reportPrivateUsage=false

from __future__ import annotations

import copy
from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from .plain import JSONObject, copied, instant_text, json_text

__all__ = ["MIGRATED", "MigratedMethods"]

#: How values of Python's own types are written: `json` writes an instant as text, `python` keeps it.
Mode = Literal["json", "python"]

#: The methods that completion leaves out.
MIGRATED = frozenset(
    {
        "model_construct",
        "model_copy",
        "model_dump",
        "model_dump_json",
        "model_extra",
        "model_fields_set",
        "model_validate",
    }
)


class MigratedMethods(JSONObject):
    """Methods under the names that pydantic gives them."""

    __slots__ = ()

    if TYPE_CHECKING:
        # The members that `Model` provides.
        _fields: ClassVar[Any]

        @classmethod
        def from_dict(cls, wire: Mapping[str, Any], /) -> Self:
            """Make a model from parsed JSON."""
            ...

        @property
        def extra_fields(self) -> dict[str, Any]:
            """The received fields that the spec does not list."""
            ...

        def _absent_keys(self) -> Collection[str]: ...

    def __iter__(self) -> Iterator[tuple[str, Any]]:
        """Iterate over the names and values of the fields, as `dict(model)` does."""
        for name in self._fields.names:
            yield name, getattr(self, name)
        yield from self.extra_fields.items()

    @property
    def model_extra(self) -> dict[str, Any]:
        """The fields that are not in the spec, the same as `extra_fields`."""
        return self.extra_fields

    @property
    def model_fields_set(self) -> set[str]:
        """The names of the fields in the spec that were received or set."""
        absent = self._absent_keys()
        pairs = zip(self._fields.names, self._fields.stored, strict=True)
        return {name for name, (key, read) in pairs if key not in absent or read(self) is not None}

    @classmethod
    def model_validate(cls, obj: Any, /) -> Self:
        """Make a model from parsed JSON, or return a model of this class as it is. Values are not checked.

        Raises:
            TypeError: `obj` is neither.
        """
        return obj if isinstance(obj, cls) else cls.from_dict(obj)

    @classmethod
    def model_construct(cls, _fields_set: Collection[str] | None = None, /, **values: Any) -> Self:
        """Make a model from the values of its fields by name. Those that are missing read `None`."""
        keys = dict(zip(cls._fields.names, cls._fields.keys, strict=True))
        return cls.from_dict({keys.get(name, name): value for name, value in values.items()})

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Copy the model.

        Args:
            update: Values of fields to change in the copy, by name.
            deep: Copy the models inside it as well.
        """
        other: Any = copy.deepcopy(self) if deep else copy.copy(self)
        extra: dict[str, Any] = dict(other.extra_fields)
        for name, value in (update or {}).items():
            if name in self._fields.names:
                setattr(other, name, value)
            else:
                extra[name] = value
        if extra:
            other._extra = extra
        result: Self = other
        return result

    def model_dump(
        self,
        *,
        mode: Mode = "python",
        include: Collection[str] | None = None,
        exclude: Collection[str] | None = None,
        by_alias: bool | None = None,
        exclude_unset: bool = False,
        exclude_defaults: bool = False,
        exclude_none: bool = False,
    ) -> dict[str, Any]:
        """Return the fields as a dict, all the way down.

        Args:
            mode: `"python"` keeps instants as they are, `"json"` writes them as text.
            include: The names of the only fields to return.
            exclude: The names of fields to leave out.
            by_alias: Use the names on the wire in place of those of Python.
            exclude_unset: Leave out fields that were neither received nor set.
            exclude_defaults: Leave out optional fields that are `None`.
            exclude_none: Leave out every field that is `None`.
        """

        def shallow(each: Any) -> dict[str, Any]:
            if not isinstance(each, MigratedMethods):
                return dict(each._shallow())
            shown: list[tuple[str, Any]] = []
            absent, optional = each._absent_keys(), each._fields.optional
            for name, (key, read) in zip(each._fields.names, each._fields.stored, strict=True):
                value = read(each)
                # A text that reads as an instant is exact: JSON keeps it.
                if mode == "python" or type(value) is not str:
                    value = getattr(each, name)
                is_left_out = value is None and (
                    exclude_none
                    or (exclude_unset and key in absent)
                    or (exclude_defaults and key in optional)
                )
                if not is_left_out and (each is not self or chosen(name)):
                    shown.append((key if by_alias else name, value))
            extra = [pair for pair in each.extra_fields.items() if not (exclude_none and pair[1] is None)]
            return dict([*shown, *(pair for pair in extra if each is not self or chosen(pair[0]))])

        def chosen(name: str) -> bool:
            return (include is None or name in include) and (exclude is None or name not in exclude)

        dumped: dict[str, Any] = copied(
            self, shallow, instant_text if mode == "json" else lambda value: value
        )
        return dumped

    def model_dump_json(
        self,
        *,
        indent: int | None = None,
        include: Collection[str] | None = None,
        exclude: Collection[str] | None = None,
        by_alias: bool | None = None,
        exclude_unset: bool = False,
        exclude_defaults: bool = False,
        exclude_none: bool = False,
    ) -> str:
        """Return the fields as JSON text. The arguments are those of `model_dump`.

        Args:
            indent: Spaces for each level; `None` writes everything on one line.
            include: See `model_dump`.
            exclude: See `model_dump`.
            by_alias: See `model_dump`.
            exclude_unset: See `model_dump`.
            exclude_defaults: See `model_dump`.
            exclude_none: See `model_dump`.
        """
        dumped = self.model_dump(
            mode="json",
            include=include,
            exclude=exclude,
            by_alias=by_alias,
            exclude_unset=exclude_unset,
            exclude_defaults=exclude_defaults,
            exclude_none=exclude_none,
        )
        return json_text(dumped, indent=indent)
