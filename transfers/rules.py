"""The vocabulary of data types: what happens to each kind of record when a user's data moves.

Pure data, no SQL: a `DataType` says who owns a record and by which rule it moves; `transfers.engine` compiles that
to set-based SQL, for the preview and for the run alike. design.md section 5 defines each word exactly.

Add a data type by listing it in `DATA_TYPES` of the `datatypes.py` of any installed app. A column that points to a
user and is no owner is listed in `NOT_TRANSFERRED` of the same file, with the reason why.
"""

from dataclasses import dataclass, field

from django.db.models import Model


@dataclass(frozen=True)
class Column:
    """An owner: a column that holds the user's id. `field` is the name of the model's field."""

    field: str


@dataclass(frozen=True)
class Child:
    """A model whose rows hang on rows of the data type by the foreign key `field`.

    Children of a moved row stay with it. Children of a dropped row go to the row that was kept; children of a
    replaced row are discarded with it.
    """

    model: type[Model]
    field: str


@dataclass(frozen=True)
class KeepTarget:
    """On a clash the target's row stays as it is and the source's row is dropped."""

    sentence = "where both have one, the target's is kept"


@dataclass(frozen=True)
class Sum:
    """Adds the values up, and stops at the largest (or smallest) value the column can hold."""


@dataclass(frozen=True)
class Max:
    """Keeps the larger of the two values; of two times, the later."""


Fold = Sum | Max


@dataclass(frozen=True)
class Merge:
    """On a clash the source's values are folded into the target's row, column by column.

    `columns` maps a field's name to how its values are put together; other columns stay the target's.
    """

    columns: dict[str, Fold]
    sentence = "where both have one, the values are merged into the target's"


Policy = KeepTarget | Merge


@dataclass(frozen=True)
class Combine:
    """Afterwards the target has both users' records. `on_clash` says which row survives per unique key."""

    on_clash: Policy = field(default_factory=KeepTarget)
    word = "Combined"


@dataclass(frozen=True)
class Overwrite:
    """Where the source has records of the type, the target's own are deleted and the source's take their place.

    The first owner of the type is the owning column: the target's rows are those that hold the target there.
    """

    word = "Overwritten"


Rule = Combine | Overwrite


@dataclass(frozen=True)
class DataType:
    """One kind of record that can belong to a user.

    name: as shown on screen. model: the Django model, managed or not. owners: every column that makes a row
    "theirs". rule: what a transfer does. sentence: what it is, for the Help page. children: models that hang on
    it. demo_rows: rows an agent has in the demo and the benchmark.
    """

    name: str
    model: type[Model]
    owners: tuple[Column, ...]
    rule: Rule
    sentence: str
    children: tuple[Child, ...] = ()
    demo_rows: int = 0

    @property
    def key(self) -> str:
        """The stable name under which counts are stored, e.g. "workforce.agentschedule"."""
        return self.model._meta.label_lower

    @property
    def group(self) -> str:
        """The heading under which it is shown: the name of the app that brings it."""
        return str(self.model._meta.app_config.verbose_name)

    @property
    def overwrites(self) -> bool:
        return isinstance(self.rule, Overwrite)
