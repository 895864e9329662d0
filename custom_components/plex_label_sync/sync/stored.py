"""Reads stored data: every value is checked, and a malformed one affects only itself."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import MISSING, fields
from typing import TYPE_CHECKING, Any, Final

from .person_id import PersonId, is_person_id

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

# What readers raise for malformed data
MALFORMED: Final = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError)

NUMBER_MAX: Final = 32_503_680_000  # as a time in seconds the year 3000, which dates can represent
WHOLE_MAX: Final = 2**53  # beyond that, JSON does not preserve integers

type Faults = list[str]  # the names of the parts that were left out


def text(value: object) -> str:
    """Return a string. Raises TypeError for anything else: `None` must not become "None"."""
    if not isinstance(value, str):
        raise TypeError(f"{type(value).__name__} instead of text")
    return value


def listed(value: object) -> Sequence[Any]:
    """Return a list. Raises TypeError for anything else: a string is a sequence, too."""
    if not isinstance(value, list | tuple):
        raise TypeError(f"{type(value).__name__} instead of a list")
    return value


def texts(value: object) -> tuple[str, ...]:
    """Return a tuple of strings. Raises TypeError for anything else."""
    return tuple(text(one) for one in listed(value))


def person_id(value: object) -> PersonId:
    """Return a person's id. Raises TypeError or ValueError for anything else."""
    if not is_person_id(text(value)):
        raise ValueError("no id of a person")
    return PersonId(text(value))


def flag(value: object) -> bool:
    """Return a boolean. Raises TypeError for anything else."""
    if not isinstance(value, bool):
        raise TypeError(f"{type(value).__name__} instead of true or false")
    return value


def number(value: object) -> float:
    """Return a quantity or a time in seconds. Raises TypeError or ValueError for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{type(value).__name__} instead of a number")
    if not 0 <= value <= NUMBER_MAX:
        raise ValueError("a number out of bounds")
    return float(value)


def whole(value: object) -> int:
    """Return a count or a position. Raises TypeError or ValueError for anything else."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{type(value).__name__} instead of a whole number")
    if not 0 <= value <= WHOLE_MAX:
        raise ValueError("a whole number out of bounds")
    return value


def _or_none[T](read: Callable[[object], T]) -> Callable[[object], T | None]:
    """Return a reader that accepts None as well."""
    return lambda value: None if value is None else read(value)


_READERS: Final[Mapping[object, Callable[[object], object]]] = {
    str: text,
    bool: flag,
    float: number,
    int: whole,
    float | None: _or_none(number),
    int | None: _or_none(whole),
    tuple[str, ...]: texts,
}


def record[T: "DataclassInstance"](kind: type[T], data: Mapping[str, Any]) -> T:
    """Return a dataclass from plain values as `asdict` wrote them.

    Unknown keys come from a newer version and are ignored. Missing keys come from an older one and
    have their default.

    Raises one of MALFORMED for anything else.
    """
    values: dict[str, Any] = {}
    for field in fields(kind):
        if field.name in data:
            values[field.name] = _READERS[field.type](data[field.name])
        elif field.default is MISSING and field.default_factory is MISSING:
            raise KeyError(field.name)
    return kind(**values)


def part[V, T](name: str, read: Callable[[V], T], value: V, faults: Faults | None) -> T | None:
    """Return a part as `read` converts it, None with a fault if it is malformed.

    Raises one of MALFORMED if `faults` is None.
    """
    try:
        return read(value)
    except MALFORMED:
        if faults is None:
            raise
        faults.append(name)
        return None


def rows[V, T](
    name: str, read: Callable[[V], T], values: Iterable[V], faults: Faults | None
) -> list[T]:
    """Return the rows that `read` can convert; each of the others is one fault."""
    found = (part(name, read, value, faults) for value in values)
    return [one for one in found if one is not None]
