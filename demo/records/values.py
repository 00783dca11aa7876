"""Generate a plausible value for any column, depending on the type and name of its field.

Apps can set better values in a `demo` module (see `demo.records.hooks`).
"""

from collections.abc import Callable, Sequence
from datetime import time, timedelta
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Field

from accounts.models import User
from demo.records.draw import Draw
from demo.records.words import COMPOSED, words_for
from tenancy.models import Tenant

Value = Callable[[Draw], Any]
# Columns whose names begin with one of these words hold the end of a period.
ENDS = (
    *("end", "until", "finish", "to_", "closed", "resolved", "expires", "logged_out", "stop", "latest"),
    *("answered", "acknowledged", "approved", "updated", "valid_until", "valid_to"),
)
# Columns whose names contain the key hold whole numbers in this range, both bounds included.
NUMBERS = {
    "second": (0, 900),
    "minute": (5, 480),
    "weekday": (0, 6),
    "hour": (1, 12),
    "year": None,  # the last three years
    "score": (40, 100),
    "percent": (0, 100),
    "size": (20_000, 20_000_000),
    "bytes": (20_000, 20_000_000),
    "contact_id": (10_000_000_000, 99_999_999_999),
    "priority": (1, 5),
    "level": (1, 5),
    "count": (0, 60),
}


class NoValue(Exception):
    """No value can be generated for a column."""

    def __init__(self, field: Field) -> None:
        where = f"{field.model._meta.label}.{field.name}"
        super().__init__(
            f"No demo value can be generated for {where} ({type(field).__name__}). Add a function to VALUES in a"
            f" demo.py beside the app's datatypes.py, and a default or null=True to the field."
        )


def value_for(field: Field, draw: Draw) -> Value:
    """Return a function that draws values for this column. Raise `NoValue` if that is impossible."""
    value = required_value(field, draw)
    return optional(value) if field.null and not isinstance(field, models.BooleanField) else value


def optional(value: Value) -> Value:
    return lambda draw: value(draw) if draw.random.random() < 0.8 else None


def required_value(field: Field, draw: Draw) -> Value:
    if field.choices:
        return partial(one_of, [value for value, _ in field.flatchoices])
    if isinstance(field, models.ForeignKey):
        return reference(field, draw)
    return by_type(field)


def by_type(field: Field) -> Value:
    maker = next((maker for kind, maker in MAKERS if isinstance(field, kind)), default)
    return maker(field)


def one_of(items: Sequence[Any], draw: Draw) -> Any:
    return items[int(draw.random.random() * len(items))]


def reference(field: Field, draw: Draw) -> Value:
    """Return a function that draws the ID of an existing row for a foreign key.

    The row is the tenant, a colleague, or a row of the referenced model that the tenant may reference.
    """
    model = field.related_model
    if model is Tenant:
        return lambda draw: draw.tenant_id
    if model is User:
        return lambda draw: draw.colleague().id
    pool = draw.pool(model)
    if pool:
        return partial(one_of, pool)
    if field.null:
        return lambda draw: None
    raise NoValue(field)


def default(field: Field) -> Value:
    if field.has_default():
        return lambda draw: field.get_default()
    if field.null:
        return lambda draw: None
    raise NoValue(field)


# --- Texts ---------------------------------------------------------------------------------------------------------


def text(field: Field) -> Value:
    longest = field.max_length or 1000
    made = composed(field) or partial(one_of, vocabulary(field))
    return lambda draw: made(draw)[:longest]


def composed(field: Field) -> Value | None:
    return next((made for part, made in COMPOSED.items() if part in field.name), None)


def vocabulary(field: Field) -> Sequence[str]:
    """Return the words for the column or, if the column is called "name", for its model."""
    model = field.model._meta.model_name or ""
    names = (model, field.name) if field.name == "name" else (field.name, model)
    return words_for(*names) or words_for("name") or ()


def email(field: Field) -> Value:
    return lambda draw: f"customer{draw.below(90_000)}@example.com"


def address(field: Field) -> Value:
    return lambda draw: f"10.{draw.below(4)}.{draw.below(256)}.{1 + draw.below(254)}"


def link(field: Field) -> Value:
    return lambda draw: f"https://intranet.example/item/{draw.below(100_000)}"


# --- Times ---------------------------------------------------------------------------------------------------------


def moment(field: Field) -> Value:
    return lambda draw: draw.moment()


def day(field: Field) -> Value:
    return lambda draw: draw.day()


def time_of_day(field: Field) -> Value:
    return lambda draw: time(6 + draw.below(12), 15 * draw.below(4))


def duration(field: Field) -> Value:
    return lambda draw: timedelta(seconds=30 + draw.below(1800))


def begin_and_end(fields: Sequence[Field]) -> list[tuple[str, str]]:
    """Return pairs of columns of the same type in which the second must not be before the first."""
    pairs = []
    for kind in (models.DateTimeField, models.TimeField, models.DateField):
        times = [field for field in fields if type(field) is kind]
        ends = [field for field in times if field.name.startswith(ENDS)]
        begins = [field for field in times if field not in ends]
        pairs += [(begins[0].attname, end.attname) for end in ends if begins]
    return pairs


# --- Numbers -------------------------------------------------------------------------------------------------------


def whole(field: Field) -> Value:
    limits = whole_limits(field)
    if limits is None:
        return lambda draw: draw.until.year - draw.below(3)
    low, high = limits
    return lambda draw: low + int(draw.random.random() * (high - low + 1))


def whole_limits(field: Field) -> tuple[int, int] | None:
    """Return the lower and upper bound of the column's values, both included, or None if it holds a year."""
    found = next(((part, limits) for part, limits in NUMBERS.items() if part in field.name), ("", (0, 200)))
    if found[1] is None:
        return None
    return clipped(field, *found[1])


def clipped(field: Field, low: int, high: int) -> tuple[int, int]:
    """Return the range clipped to the limits of the field's validators, which include the bounds of the column type."""
    least = [v.limit_value for v in field.validators if isinstance(v, MinValueValidator)]
    most = [v.limit_value for v in field.validators if isinstance(v, MaxValueValidator)]
    low, high = max([low, *map(int, least)]), min([high, *map(int, most)])
    return low, max(low, high)


def decimal(field: Any) -> Value:
    step = Decimal(1).scaleb(-field.decimal_places)
    low, high = whole_limits(field) or (0, 1)
    high = min(high, 10 ** (field.max_digits - field.decimal_places) - 1)
    steps = int((high - low) / step)
    return lambda draw: low + step * draw.below(steps + 1)


def fraction(field: Field) -> Value:
    low, high = whole_limits(field) or (0, 1)
    return lambda draw: round(low + draw.random.random() * (high - low), 2)


def yes_or_no(field: Field) -> Value:
    return lambda draw: draw.random.random() < 0.7


def binary(field: Field) -> Value:
    return lambda draw: draw.random.randbytes(16)


def unique_id(field: Field) -> Value:
    return lambda draw: UUID(int=draw.random.getrandbits(128), version=4)


def listed(field: Any) -> Value:
    made = by_type(field.base_field)
    return lambda draw: [made(draw) for _ in range(draw.below(4))]


def document(field: Field) -> Value:
    return lambda draw: {"source": "demo"} if field.get_default() in (None, {}) else field.get_default()


# The first match applies, so subclasses come before their base classes.
MAKERS: list[tuple[type[Any], Callable[[Any], Value]]] = [
    (models.EmailField, email),
    (models.URLField, link),
    (models.GenericIPAddressField, address),
    (models.UUIDField, unique_id),
    (models.BooleanField, yes_or_no),
    (models.DateTimeField, moment),
    (models.DateField, day),
    (models.TimeField, time_of_day),
    (models.DurationField, duration),
    (models.DecimalField, decimal),
    (models.FloatField, fraction),
    (models.IntegerField, whole),
    (models.BinaryField, binary),
    (models.JSONField, document),
    (ArrayField, listed),
    (models.CharField, text),
    (models.TextField, text),
]
