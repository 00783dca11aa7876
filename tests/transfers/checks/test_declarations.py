"""Start-up checks of data types: undeclared references and invalid declarations. Each test defines its own models."""

from typing import Any

import pytest
from django.apps.registry import Apps
from django.contrib.contenttypes.fields import GenericForeignKey
from django.contrib.contenttypes.models import ContentType
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.core.checks import run_checks
from django.db import models
from django.db.models import Model
from django.db.models.functions import Lower

from accounts.models import User
from tests.transfers.checks.declaring import entry, ids, model, only, to_user
from transfers.checks import children, declarations
from transfers.checks.introspection import leading_columns, unique_keys
from transfers.registry import by_key, data_types, not_transferred
from transfers.rules import (
    ArrayColumn,
    Child,
    Column,
    Combine,
    DataType,
    FillBlank,
    KeepTarget,
    Latest,
    Merge,
    Overwrite,
    Polymorphic,
    Profile,
    Rename,
    Sum,
)

# --- The product itself --------------------------------------------------------------------------------------------


def test_the_product_passes_its_own_checks() -> None:
    assert declarations.data_types_can_be_run(None) == []


def test_the_check_runs_at_start_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(declarations, "not_transferred", dict)
    named = [message.msg.split()[0] for message in run_checks() if message.id == "transfers.E003"]
    assert "transfers.TransferPair.source" in named
    assert "accounts.RoleAssignment.user" in named


def test_data_types_are_found_in_every_app_and_by_their_key() -> None:
    assert {type_.model._meta.app_label for type_ in data_types()} >= {"quality", "workforce"}
    assert all(by_key(type_.key) is type_ for type_ in data_types())
    assert "accounts.roleassignment.user" in not_transferred()
    with pytest.raises(KeyError):
        by_key("gone.type")


# --- Every reference to a user is declared -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "rule"),
    [
        (to_user(), "Combine()"),
        (models.OneToOneField(User, models.PROTECT, related_name="+"), "Combine(on_clash=KeepTarget())"),
    ],
    ids=["foreign key", "one-to-one"],
)
def test_an_undeclared_reference_is_reported_with_the_lines_to_paste(field: models.Field, rule: str) -> None:
    note = model(writer=field)
    error = only(declarations.undeclared([note], [], {}))
    assert error.id == "transfers.E003"
    assert error.msg.startswith("quality.Note.writer references a user")
    assert f'"Note"), (Column("writer"),), {rule}, "What it is."),' in error.hint
    assert '"quality.Note.writer": "the reason",' in error.hint


def test_the_lines_to_paste_work() -> None:
    note = model(user=to_user())
    pasted = [DataType("Notes", note, (Column("user"),), Combine(), "What it is.")]
    assert list(declarations.undeclared([note], pasted, {})) == []
    assert list(declarations.undeclared([note], [], {"quality.note.user": "because"})) == []


def test_each_reference_of_a_model_has_to_be_declared() -> None:
    note = model(user=to_user(), approver=to_user())
    error = only(declarations.undeclared([note], [entry(note)], {}))
    assert "quality.Note.approver" in error.msg


def test_a_many_to_many_is_reported_as_its_through_table(
    isolated_apps: Apps, monkeypatch: pytest.MonkeyPatch
) -> None:
    model(readers=models.ManyToManyField(User, related_name="+"))
    monkeypatch.setattr(declarations, "apps", isolated_apps)
    error = only(found for found in declarations.data_types_can_be_run(None) if found.id == "transfers.E003")
    assert error.msg.startswith("quality.Note_readers.user references a user")


def test_other_foreign_keys_and_plain_numbers_are_ignored() -> None:
    other = model("Other")
    note = model(other=models.ForeignKey(other, models.CASCADE), user_id_as_number=models.BigIntegerField())
    assert list(declarations.undeclared([other, note], [], {})) == []


def test_a_generic_foreign_key_may_reference_a_user() -> None:
    kind = models.ForeignKey(ContentType, models.CASCADE, related_name="+")
    tag = model(content_type=kind, object_id=models.BigIntegerField(), thing=GenericForeignKey())
    error = only(declarations.undeclared([tag], [], {}))
    assert error.msg.startswith("quality.Note.object_id may reference (by a generic foreign key) a user")
    assert list(declarations.undeclared([tag], [], {"quality.note.object_id": "tags of things"})) == []
    owner = Polymorphic("object_id", "content_type", "accounts.User")
    assert list(declarations.undeclared([tag], [entry(tag, owner)], {})) == []


def test_a_content_type_is_declared_by_name() -> None:
    kind = models.ForeignKey(ContentType, models.CASCADE, related_name="+")
    tag = model(content_type=kind, object_id=models.BigIntegerField(), thing=GenericForeignKey())
    error = only(declarations.ambiguous([entry(tag, Polymorphic("object_id", "content_type", "7"))]))
    assert error.id == "transfers.E009"
    owner = eval(str(error.hint).splitlines()[1], {"Polymorphic": Polymorphic})
    assert list(declarations.ambiguous([entry(tag, owner)])) == []


def test_an_owner_cannot_also_be_listed_as_not_transferred() -> None:
    note = model(user=to_user())
    assert ids(declarations.contradictory([entry(note)], {"quality.note.user": "because"})) == [
        "transfers.E004"
    ]
    assert ids(declarations.contradictory([entry(note)], {"quality.note.writer": "because"})) == []


@pytest.mark.parametrize("name", ["quality.ccr.gone", "agent"])
def test_a_not_transferred_line_that_matches_no_column_is_a_warning(name: str) -> None:
    warning = only(declarations.outdated({name: "because", "quality.ccr.agent": "because"}))
    assert (warning.id, name in warning.msg) == ("transfers.W001", True)


def test_a_table_without_a_model_is_left_to_the_check_of_the_database() -> None:
    names = ["archive.ccr.agent_id", "archive.ccr.v2.agent_id"]
    assert list(declarations.outdated(dict.fromkeys(names, "because"))) == []


# --- Declared names exist ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "name"),
    [
        ({"owners": (Column("agent"),)}, "agent"),
        ({"owners": (ArrayColumn("readers"),)}, "readers"),
        ({"owners": (Polymorphic("user", "kind", "user"),)}, "kind"),
        ({"owners": (Column("user", holds="employee_id", tenant="customer"),)}, "customer"),
        ({"rule": Combine(Merge({"n": Sum(), "m": Sum()}))}, "m"),
        ({"rule": Combine(Latest("seen_at"))}, "seen_at"),
        ({"rule": Combine(Rename("title"))}, "title"),
    ],
)
def test_a_name_without_a_column(wrong: dict, name: str) -> None:
    note = model(user=to_user(), n=models.IntegerField())
    good = {"owners": (Column("user"),), "rule": Combine()}
    error = only(declarations.misnamed([DataType("Notes", note, sentence="Notes.", **{**good, **wrong})]))
    assert error.id == "transfers.E001"
    assert f"quality.Note has no field '{name}' with a column" in error.msg
    assert "Fields: id, user, n." in error.hint


def test_wrong_field_names_of_children_at_any_level() -> None:
    note = model(user=to_user())
    page = model("Page", note=models.ForeignKey(note, models.CASCADE))
    children = (Child(page, "book", children=(Child(page, "chapter"),)),)
    found = list(declarations.misnamed([entry(note, children=children)]))
    assert [message.msg.split("field ")[1].split()[0] for message in found] == ["'book'", "'chapter'"]


def test_a_many_to_many_has_no_column() -> None:
    note = model(readers=models.ManyToManyField(User, related_name="+"))
    assert ids(declarations.misnamed([entry(note, Column("readers"))])) == ["transfers.E001"]


def test_names_that_exist_are_fine() -> None:
    note = model(user=to_user(), n=models.IntegerField())
    assert list(declarations.misnamed([entry(note, rule=Combine(Merge({"n": Sum()})))])) == []


def test_two_data_types_of_one_model() -> None:
    note = model(user=to_user())
    assert ids(declarations.declared_twice([entry(note), entry(note)])) == ["transfers.E002"]


# --- Every conflict has a policy -----------------------------------------------------------------------------------

UNIQUE = {"constraints": [models.UniqueConstraint("user", "day", name="once_a_day")]}


def test_a_profile_must_not_use_a_fold_that_is_not_idempotent() -> None:
    names = {"badge": Sum(), "seat": FillBlank()}
    error = only(
        declarations.profiles([DataType("Settings", User, (Column("id"),), Profile(names), "Their own row.")])
    )
    assert (error.id, "Sum to badge" in error.msg) == ("transfers.E008", True)


def test_a_profile_without_an_owner() -> None:
    error = only(
        declarations.profiles(
            [DataType("Settings", User, (), Profile({"seat": FillBlank()}), "Their own row.")]
        )
    )
    assert error.id == "transfers.E007"


def test_a_unique_key_with_an_owner_needs_a_policy() -> None:
    note = model(user=to_user(), day=models.DateField(), meta=UNIQUE)
    error = only(declarations.undecided([entry(note)]))
    assert (error.id, "user + day" in error.msg) == ("transfers.E005", True)
    assert list(declarations.undecided([entry(note, rule=Combine(KeepTarget()))])) == []
    assert list(declarations.undecided([entry(note, rule=Overwrite())])) == []


def test_a_unique_key_that_contains_the_primary_key_needs_no_policy() -> None:
    keys = [models.UniqueConstraint("user", "id", name="also_once")]
    assert list(declarations.undecided([entry(model(user=to_user(), meta={"constraints": keys}))])) == []


def test_a_unique_key_without_an_owner_needs_no_policy() -> None:
    note = model(user=to_user(), number=models.IntegerField(unique=True))
    assert list(declarations.undecided([entry(note)])) == []


# --- Children are declared -----------------------------------------------------------------------------------------


def parent_and_page(**options: Any) -> tuple[type[Model], type[Model]]:
    note = model(user=to_user(), day=models.DateField(), **options)
    return note, model("Page", note=models.ForeignKey(note, models.CASCADE))


@pytest.mark.parametrize("rule", [Overwrite(), Combine(KeepTarget())])
def test_a_reference_to_rows_that_may_be_deleted_has_to_be_declared(rule: Any) -> None:
    note, page = parent_and_page(meta=UNIQUE)
    error = only(children.undeclared_children([note, page], [entry(note, rule=rule)]))
    assert error.id == "transfers.E006"
    assert error.msg.startswith("quality.Page.note references rows")
    assert 'children=(Child(Page, "note"),)' in error.hint
    declared = entry(note, rule=rule, children=(Child(page, "note"),))
    assert list(children.undeclared_children([note, page], [declared])) == []


def test_rows_that_are_never_deleted_may_be_referenced() -> None:
    note, page = parent_and_page()
    assert list(children.undeclared_children([note, page], [entry(note)])) == []
    renamed = entry(note, rule=Combine(Rename("day")))
    assert list(children.undeclared_children([note, page], [renamed])) == []


def test_self_edges_may_be_deleted() -> None:
    note, page = parent_and_page()
    assert ids(children.undeclared_children([note, page], [entry(note, self_edges="drop")])) == [
        "transfers.E006"
    ]


def test_children_of_a_child_that_may_be_deleted_have_to_be_declared_too() -> None:
    note, page = parent_and_page(meta=UNIQUE)
    line = model("Line", page=models.ForeignKey(page, models.CASCADE))
    every = [note, page, line]

    def found(rule: Any, child: Child) -> list[str]:
        return ids(children.undeclared_children(every, [entry(note, rule=rule, children=(child,))]))

    assert found(Overwrite(), Child(page, "note")) == ["transfers.E006"]
    assert found(Combine(KeepTarget()), Child(page, "note", goes_with_parent=True)) == ["transfers.E006"]
    assert found(Combine(KeepTarget()), Child(page, "note")) == []
    assert found(Overwrite(), Child(page, "note", children=(Child(line, "page"),))) == []


def test_a_model_that_references_itself_is_declared_once() -> None:
    note = model(user=to_user(), parent=models.ForeignKey("self", models.CASCADE))
    overwritten = entry(note, rule=Overwrite())
    error = only(children.undeclared_children([note], [overwritten]))
    assert error.hint == children.KEEP_TREES
    declared = entry(note, rule=Overwrite(), children=(Child(note, "parent"),))
    assert list(children.undeclared_children([note], [declared])) == []


def test_children_of_overwritten_rows_that_only_mention_them() -> None:
    note = model(user=to_user(), day=models.DateField(), meta=UNIQUE)
    page = model("Page", note=models.ForeignKey(note, models.SET_NULL, null=True))
    line = 'children=(Child(Page, "note", detached=True),)'
    for rule in (Overwrite(), Combine(KeepTarget())):
        error = only(children.undeclared_children([note, page], [entry(note, rule=rule)]))
        assert line in error.hint
        pasted = entry(note, rule=rule, children=(Child(page, "note", detached=True),))
        assert list(children.undeclared_children([note, page], [pasted])) == []
    book = model("Book", note=models.ForeignKey(note, models.CASCADE))
    error = only(children.undeclared_children([note, book], [entry(note, rule=Overwrite())]))
    assert "detached" not in error.hint


def test_rows_below_detached_rows_stay() -> None:
    note = model(user=to_user())
    page = model("Page", note=models.ForeignKey(note, models.SET_NULL, null=True))
    line = model("Line", page=models.ForeignKey(page, models.CASCADE))
    detached = entry(note, rule=Overwrite(), children=(Child(page, "note", detached=True),))
    assert list(children.undeclared_children([note, page, line], [detached])) == []


# --- Keys and indexes ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "meta", "keys"),
    [
        ({}, {}, []),
        ({"unique": True}, {}, [["user"]]),
        ({}, {"unique_together": [("day", "user")]}, [["day", "user"]]),
        ({}, {"constraints": [models.UniqueConstraint(fields=["user", "day"], name="u")]}, [["user", "day"]]),
        ({}, {"constraints": [models.UniqueConstraint(Lower("kind"), "user", name="u")]}, [["kind", "user"]]),
        (
            {},
            {
                "constraints": [
                    models.UniqueConstraint("day", name="u", condition=models.Q(user__isnull=False))
                ]
            },
            [["day", "user"]],
        ),
    ],
)
def test_unique_keys_are_found_in_every_notation(field: dict, meta: dict, keys: list[list[str]]) -> None:
    note = model(user=to_user(**field), day=models.DateField(), kind=models.TextField(), meta=meta)
    assert [key for key in unique_keys(note) if key != ["id"]] == keys


def test_a_composite_primary_key_is_a_key() -> None:
    note = model(
        pk=models.CompositePrimaryKey("user", "day"), user=to_user(db_index=False), day=models.DateField()
    )
    assert ["user", "day"] in list(unique_keys(note))
    assert leading_columns(note) == {"user"}


@pytest.mark.parametrize(
    ("meta", "leads"),
    [
        ({}, False),
        ({"indexes": [models.Index(fields=["user", "day"], name="i")]}, True),
        ({"indexes": [models.Index(fields=["-user"], name="i")]}, True),
        ({"indexes": [models.Index("user", "day", name="i")]}, True),
        ({"indexes": [models.Index(fields=["day", "user"], name="i")]}, False),
        ({"indexes": [models.Index(fields=["user"], name="i", condition=models.Q(day=None))]}, False),
        (
            {"indexes": [models.Index(fields=["user"], name="i", condition=models.Q(user__isnull=False))]},
            True,
        ),
        ({"unique_together": [("user", "day")]}, True),
        (UNIQUE, True),
    ],
)
def test_an_owner_that_leads_no_index_is_a_warning(meta: dict, leads: bool) -> None:
    note = model(user=to_user(db_index=False), day=models.DateField(null=True), meta=meta)
    found = list(declarations.without_index([entry(note)]))
    assert ids(found) == ([] if leads else ["transfers.W002"])
    if not leads:
        assert 'Index(fields=["user"], name="note_by_user")' in found[0].hint
        assert 'CREATE INDEX CONCURRENTLY ON "quality_note" ("user_id");' in found[0].hint


def test_the_index_for_a_list_is_gin() -> None:
    note = model(readers=ArrayField(models.BigIntegerField()))
    warning = only(declarations.without_index([entry(note, ArrayColumn("readers"))]))
    assert 'GinIndex(fields=["readers"]' in warning.hint
    assert 'ON "quality_note" USING gin ("readers");' in warning.hint
    indexed = model(
        "Indexed",
        readers=ArrayField(models.BigIntegerField()),
        meta={"indexes": [GinIndex("readers", name="g")]},
    )
    assert list(declarations.without_index([entry(indexed, ArrayColumn("readers"))])) == []


def test_the_foreign_key_of_a_child_needs_an_index_too() -> None:
    note = model(user=to_user())
    page = model("Page", note=models.ForeignKey(note, models.CASCADE, db_index=False))
    warning = only(declarations.without_index([entry(note, children=(Child(page, "note"),))]))
    assert "no index of quality.Page starts with note" in warning.msg
