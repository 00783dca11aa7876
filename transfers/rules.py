"""Classes for declaring data types: what happens to each type of record when a user's data is transferred.

They hold data and no SQL: a `DataType` declares who owns a record and the rule by which it moves. `transfers.engine`
compiles it to set-based SQL for both the preview and the run. docs/rules.md, section 3, defines each term.

To add a data type, list it in `DATA_TYPES` in the `datatypes.py` of any installed app. List a column that references a
user but is not an owner in `NOT_TRANSFERRED` in the same file, with the reason.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar, Literal

from django.db.models import Model

# --- Owners: the columns through which a record belongs to a user --------------------------------------------------


# The attributes that may be looked up without a tenant: `transfers.engine.stage` finds those of several users.
KNOWN_WITHOUT_TENANT = ("id", "external_id")


@dataclass(frozen=True)
class Column:
    """A column that holds one user.

    field: the name of the model's field. holds: which attribute of the user it stores, either "id" or a unique
    attribute: "external_id", the person's ID in the organisation's own tables, "employee_id" or "username". The column
    may be of any type that can hold it. tenant: the field with the tenant's ID, required for the last two, because an
    employee ID is unique only within a tenant, and a former user name may since have been given to a user of another
    tenant. Without it, an external ID that users of two tenants have is not transferred.
    """

    field: str
    holds: str = "id"
    tenant: str | None = None


@dataclass(frozen=True)
class ArrayColumn:
    """A column that holds an array of user IDs. A transfer keeps their order and removes duplicates.

    holds: "id" or "external_id".
    """

    field: str
    holds: str = "id"


@dataclass(frozen=True)
class JsonPath:
    """A path in a JSON column to a user ID or a list of user IDs: `JsonPath("parameters", "user_ids")`.

    The rest of the document is not changed. as_text: the IDs are strings, not numbers. holds: "id" or "external_id".
    """

    field: str
    path: tuple[str, ...]
    as_text: bool = False
    holds: str = "id"

    def __init__(self, field: str, *path: str, as_text: bool = False, holds: str = "id") -> None:
        object.__setattr__(self, "field", field)
        object.__setattr__(self, "path", path)
        object.__setattr__(self, "as_text", as_text)
        object.__setattr__(self, "holds", holds)


@dataclass(frozen=True)
class Polymorphic:
    """A pair of columns: `kind_field` holds the kind of the owner, `field` its ID.

    The owner is a user if the kind equals `kind`. If `kind_field` references Django's content types, as that of a
    generic foreign key does, `kind` is the name of the model: "accounts.User". as_text: the ID is stored as text.
    holds: "id" or "external_id"; a column with external IDs may be of any type, so it needs no as_text.
    """

    field: str
    kind_field: str
    kind: str
    as_text: bool = False
    holds: str = "id"


Owner = Column | ArrayColumn | JsonPath | Polymorphic


def has_tenant(owner: Owner) -> bool:
    """Return whether the owner can match users of only one tenant."""
    return owner.holds in KNOWN_WITHOUT_TENANT or getattr(owner, "tenant", None) is not None


# --- Folds: how the values of a column are combined ----------------------------------------------------------------


@dataclass(frozen=True)
class Sum:
    """Add the values. The sum is clamped to the range of an integer or numeric column; otherwise the pair fails."""


@dataclass(frozen=True)
class Max:
    """Keep the larger value, or the later of two times."""


@dataclass(frozen=True)
class Min:
    """Keep the smaller value, or the earlier of two times."""


@dataclass(frozen=True)
class Or:
    """True if either value is true."""


@dataclass(frozen=True)
class Concatenate:
    """Concatenate the texts, the target's first, and cut the result to the length of the column."""

    separator: str = "\n"


@dataclass(frozen=True)
class FillBlank:
    """Keep the target's value; if it is NULL or a text without characters, use the source's."""


Fold = Sum | Max | Min | Or | Concatenate | FillBlank

# --- Policies: which row survives a conflict on a unique key -------------------------------------------------------


@dataclass(frozen=True)
class KeepTarget:
    """The target's row is kept unchanged; the source's row is dropped."""

    sentence: ClassVar[str] = "if two records conflict, the Target User's record is kept"


@dataclass(frozen=True)
class KeepSource:
    """The source's row replaces the target's, which is deleted."""

    sentence: ClassVar[str] = (
        "if two records conflict, the Source User's record replaces the Target User's record"
    )


@dataclass(frozen=True)
class Latest:
    """The row with the later value in the field `by` survives. If the values are equal, the target's row survives."""

    by: str
    sentence: ClassVar[str] = "if two records conflict, the later one is kept"


@dataclass(frozen=True)
class Best:
    """The row whose value in the field `by` comes first in `ranking` survives.

    If the values are equal, the target's row survives. Values that are not in the ranking come last.
    """

    by: str
    ranking: tuple[str, ...]
    sentence: ClassVar[str] = "if two records conflict, the record with the better value is kept"


@dataclass(frozen=True)
class Merge:
    """The source's values are merged into the target's row.

    `columns` maps each field to the rule by which its two values are merged. All other columns keep the target's
    values.
    """

    columns: Mapping[str, Fold]
    sentence: ClassVar[str] = (
        "if two records conflict, the Source User's values are merged into the Target User's record"
    )


@dataclass(frozen=True)
class Rename:
    """Both rows survive: the source's is renamed to "Name (2)" in `field`, which must be part of the unique key."""

    field: str
    sentence: ClassVar[str] = "if two records have the same name, the Source User's record is renamed"


Policy = KeepTarget | KeepSource | Latest | Best | Merge | Rename

SelfEdges = Literal["keep", "drop", "clear", "refuse"]

# --- Rules ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Combine:
    """The target ends up with both users' records. `on_clash` decides which row survives a conflict on a unique key.

    Without a policy (`on_clash=None`), no unique key of the database table may contain an owner; a start-up check
    enforces this.
    """

    on_clash: Policy | None = None
    word: ClassVar[str] = "Combined"


@dataclass(frozen=True)
class Overwrite:
    """If the source has records of the type, they replace the target's, which are deleted.

    Only the first owner column counts: if any row has the source in it, all rows that have the target in it are
    deleted.
    """

    word: ClassVar[str] = "Overwritten"


@dataclass(frozen=True)
class Profile:
    """For a type with one row per user: the source's values are merged into the target's row.

    The source's row is unchanged. The owner is the column that identifies the user; on the user model itself, that is
    `Column("id")`. Only FillBlank, Max, Min and Or are allowed, because applying them again changes nothing.
    """

    columns: Mapping[str, Fold]
    word: ClassVar[str] = "Combined"


Rule = Combine | Overwrite | Profile


@dataclass(frozen=True)
class Child:
    """A model whose rows reference rows of the data type by the foreign key `field`.

    Children of a moved row stay with it. Children of a replaced row are discarded with it. Children of a dropped row
    are re-pointed to the row that was kept, or discarded too if `goes_with_parent` or if that row has one with the
    same unique key already. If `detached`, all of these stay, and `field`, which must be nullable, is set to NULL.
    `children` are the models that in turn reference this one.
    """

    model: type[Model]
    field: str
    goes_with_parent: bool = False
    detached: bool = False
    children: "tuple[Child, ...]" = ()


def all_children(children: Iterable[Child]) -> Iterator[Child]:
    """Yield the children of all levels."""
    for child in children:
        yield child
        yield from all_children(child.children)


@dataclass(frozen=True)
class DataType:
    """One type of record that can belong to a user.

    name: the name shown on screen. model: the Django model, managed or not. owners: every column or path through which
    a row belongs to a user. rule: what a transfer does. sentence: description for the Help page. children: models whose
    rows reference this type's rows. self_edges: what happens to rows whose first two owners become the same user:
    "keep", "drop", "clear" (the second owner is set to NULL) or "refuse" (the pair is not transferred). same_user:
    words for such rows that stay, e.g. "self-approved after transfer"; they are then counted, as they are if cleared or
    refused. history: the rows move, but text in them that names the source is left as it is. heading: the group on
    screen, by default the name of the model's app. day: the date field that decides which records are upcoming;
    the preview warns of those that an overwritten type would lose. demo_rows: rows per agent in the demo.
    """

    name: str
    model: type[Model]
    owners: tuple[Owner, ...]
    rule: Rule
    sentence: str
    children: tuple[Child, ...] = ()
    self_edges: SelfEdges = "keep"
    same_user: str = ""
    history: bool = False
    heading: str = ""
    day: str = ""
    demo_rows: int = field(default=0, compare=False)

    @property
    def key(self) -> str:
        """The stable key under which counts are stored, e.g. "workforce.agentschedule"."""
        return self.model._meta.label_lower

    @property
    def group(self) -> str:
        """The heading on screen: `heading`, or the name of the model's app."""
        return self.heading or str(self.model._meta.app_config.verbose_name)

    @property
    def overwrites(self) -> bool:
        return isinstance(self.rule, Overwrite)

    @property
    def held_attributes(self) -> list[str]:
        """The attributes, other than the ID, by which its rows refer to users."""
        return sorted({owner.holds for owner in self.owners} - {"id"})

    @property
    def words_for_attributes(self) -> str:
        """E.g. "external ID"."""
        return " or ".join(words_for_attribute(name) for name in self.held_attributes)

    @property
    def drops_self_edges(self) -> bool:
        return self.self_edges == "drop"

    @property
    def words_for_same_user(self) -> str:
        """The words for rows whose first two owners become the same user, or "" if such rows are not counted."""
        if self.same_user or self.self_edges not in ("clear", "refuse"):
            return self.same_user
        first, second = (owner.field for owner in self.owners[:2])
        would = f"with the Target User as {first} and as {second}"
        return f"{would}: {second} is cleared" if self.self_edges == "clear" else would


def words_for_attribute(name: str) -> str:
    return name.replace("_id", " ID").replace("username", "user name")


def keeping_target(data_type: DataType) -> DataType:
    """Return the data type as it applies to late arrivals: records that were added after the transfer.

    Overwrite becomes Combine: on a conflict the target's row is kept, and the late row is dropped with its children
    (docs/decisions/late-arrivals.md).
    """
    if not data_type.overwrites:
        return data_type
    rule = Combine(on_clash=KeepTarget())
    return replace(data_type, rule=rule, children=tuple(map(discarded_with_parent, data_type.children)))


def discarded_with_parent(child: Child) -> Child:
    children = tuple(map(discarded_with_parent, child.children))
    return replace(child, goes_with_parent=not child.detached, children=children)
