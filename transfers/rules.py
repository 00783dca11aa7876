"""The vocabulary of data types: what happens to each kind of record when a user's data moves.

Pure data, no SQL: a `DataType` says who owns a record and by which rule it moves; `transfers.engine` compiles that
to set-based SQL, for the preview and for the run alike. design.md section 5 defines each word exactly.

Add a data type by listing it in `DATA_TYPES` of the `datatypes.py` of any installed app. A column that points to a
user and is no owner is listed in `NOT_TRANSFERRED` of the same file, with the reason why.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar

from django.db.models import Model

# --- Owners: where a record says whose it is -----------------------------------------------------------------------


@dataclass(frozen=True)
class Column:
    """A column that holds one user.

    field: the name of the model's field. holds: what of the user stands there: their "id", or another unique
    attribute, "employee_id" or "username". tenant: the field with the tenant's id, needed for all but the id: an
    employee ID is unique within a tenant only, and a user name that somebody had may be another tenant's today.
    """

    field: str
    holds: str = "id"
    tenant: str | None = None

    @property
    def names_tenant(self) -> bool:
        """Does it hold users of one tenant alone?"""
        return self.holds == "id" or self.tenant is not None


@dataclass(frozen=True)
class ArrayColumn:
    """A column that holds an array of users' ids. The order is kept, and each user stands in it once."""

    field: str


@dataclass(frozen=True)
class JsonPath:
    """A place in a JSON column that holds a user's id, or a list of them: `JsonPath("parameters", "user_ids")`.

    Only what stands at the place is touched. as_text: the ids are strings there, not numbers.
    """

    field: str
    path: tuple[str, ...]
    as_text: bool = False

    def __init__(self, field: str, *path: str, as_text: bool = False) -> None:
        object.__setattr__(self, "field", field)
        object.__setattr__(self, "path", path)
        object.__setattr__(self, "as_text", as_text)


@dataclass(frozen=True)
class Polymorphic:
    """A pair of columns, one with the kind of the owner and one with their id; a user where the kind is `kind`.

    as_text: the id is stored as text.
    """

    field: str
    kind_field: str
    kind: str
    as_text: bool = False


Owner = Column | ArrayColumn | JsonPath | Polymorphic

# --- Folds: how two values of a column become one ------------------------------------------------------------------


@dataclass(frozen=True)
class Sum:
    """Adds the values up, and stops at the largest (or smallest) value the column can hold."""


@dataclass(frozen=True)
class Max:
    """Keeps the larger of the two values; of two times, the later."""


@dataclass(frozen=True)
class Min:
    """Keeps the smaller of the two values; of two times, the earlier."""


@dataclass(frozen=True)
class Or:
    """True where either is true."""


@dataclass(frozen=True)
class Concatenate:
    """Puts the texts one behind the other, the target's first, cut at the column's length."""

    separator: str = "\n"


@dataclass(frozen=True)
class FillBlank:
    """Keeps the target's value; where it is empty, takes the source's."""


Fold = Sum | Max | Min | Or | Concatenate | FillBlank

# --- Policies: which row survives where a unique key allows only one -----------------------------------------------


@dataclass(frozen=True)
class KeepTarget:
    """The target's row stays as it is and the source's row is dropped."""

    sentence: ClassVar[str] = "where both have one, the target's is kept"


@dataclass(frozen=True)
class KeepSource:
    """The source's row takes the place of the target's, which is deleted."""

    sentence: ClassVar[str] = "where both have one, the source's takes its place"


@dataclass(frozen=True)
class Latest:
    """The row with the later value in the column `by` survives; the target's where they are equal."""

    by: str
    sentence: ClassVar[str] = "where both have one, the later one is kept"


@dataclass(frozen=True)
class Best:
    """The row whose value in the column `by` stands first in `ranking` survives; the target's where they are equal.

    A value that is not in the ranking comes last.
    """

    by: str
    ranking: tuple[str, ...]
    sentence: ClassVar[str] = "where both have one, the better one is kept"


@dataclass(frozen=True)
class Merge:
    """The source's values are folded into the target's row, column by column.

    `columns` maps a field's name to how its values are put together; other columns stay the target's.
    """

    columns: Mapping[str, Fold]
    sentence: ClassVar[str] = "where both have one, the values are merged into the target's"


@dataclass(frozen=True)
class Rename:
    """Both rows survive: the source's gets another name, "Name (2)", in the column `field`, which is in the key."""

    field: str
    sentence: ClassVar[str] = "where both have one of that name, the source's is renamed"


Policy = KeepTarget | KeepSource | Latest | Best | Merge | Rename

# --- Rules ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Combine:
    """Afterwards the target has both users' records. `on_clash` says which row survives per unique key.

    A key that is found in the database needs a policy: a type without one (`on_clash=None`) must have no unique key
    with an owner in it, and a start-up check says so.
    """

    on_clash: Policy | None = None
    word: ClassVar[str] = "Combined"


@dataclass(frozen=True)
class Overwrite:
    """Where the source has records of the type, the target's own are deleted and the source's take their place.

    The first owner of the type is the owning one: the target's rows are those that hold the target there.
    """

    word: ClassVar[str] = "Overwritten"


@dataclass(frozen=True)
class Profile:
    """For the one row a user has: the source's values are folded into the target's, and the source keeps theirs.

    The owner is the column that says whose row it is, `Column("id")` on the user's own model. Only folds that change
    nothing when they are done twice can be used: FillBlank, Max, Min and Or.
    """

    columns: Mapping[str, Fold]
    word: ClassVar[str] = "Combined"


Rule = Combine | Overwrite | Profile


@dataclass(frozen=True)
class Child:
    """A model whose rows hang on rows of the data type by the foreign key `field`.

    Children of a moved row stay with it. Children of a replaced row are discarded with it. Children of a dropped row go
    to the row that was kept, or are discarded too where `goes_with_parent` is set. `children` hang on the child.
    """

    model: type[Model]
    field: str
    goes_with_parent: bool = False
    children: "tuple[Child, ...]" = ()


@dataclass(frozen=True)
class DataType:
    """One kind of record that can belong to a user.

    name: as shown on screen. model: the Django model, managed or not. owners: every place that makes a row "theirs".
    rule: what a transfer does. sentence: what it is, for the Help page. children: models that hang on it.
    drop_self_edges: a row whose two owners would be the same user after the transfer is dropped. history: the rows
    move, and what their text says of the source stays as it was. heading: under which it is shown, where that is not
    the name of the model's app. demo_rows: rows an agent has in the demo.
    """

    name: str
    model: type[Model]
    owners: tuple[Owner, ...]
    rule: Rule
    sentence: str
    children: tuple[Child, ...] = ()
    drop_self_edges: bool = False
    history: bool = False
    heading: str = ""
    day: str = ""
    demo_rows: int = field(default=0, compare=False)

    @property
    def key(self) -> str:
        """The stable name under which counts are stored, e.g. "workforce.agentschedule"."""
        return self.model._meta.label_lower

    @property
    def group(self) -> str:
        """The heading under which it is shown: the name of the model's app, unless the type names another."""
        return self.heading or str(self.model._meta.app_config.verbose_name)

    @property
    def overwrites(self) -> bool:
        return isinstance(self.rule, Overwrite)


def keeping_target(data_type: DataType) -> DataType:
    """The type as its late arrivals move: nothing of the target is overwritten (docs/decisions/late-arrivals.md).

    What would be overwritten is combined; where a unique key allows only one row, the target's is kept and the late
    one is dropped, with what hangs on it.
    """
    if not data_type.overwrites:
        return data_type
    rule = Combine(on_clash=KeepTarget())
    return replace(data_type, rule=rule, children=tuple(map(going_along, data_type.children)))


def going_along(child: Child) -> Child:
    return replace(child, goes_with_parent=True, children=tuple(map(going_along, child.children)))
