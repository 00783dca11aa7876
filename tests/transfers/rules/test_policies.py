"""The effect of each conflict policy and fold (way to merge two values), row by row. `truth` explains the notation."""

import pytest
from django.db import models

from accounts.models import User
from tests.apps.smallapp import models as small
from tests.transfers.rules.featured import change, model_of, put, run, to
from tests.transfers.rules.people import People
from tests.transfers.rules.restoring import execute
from tests.transfers.rules.running import only
from tests.transfers.rules.truth import Truth
from transfers.engine.prediction import predict
from transfers.engine.stage import StagedPair
from transfers.rules import Best, Column, Combine, DataType

BIG = {16: 2**15 - 1, 32: 2**31 - 1, 64: 2**63 - 1}

KEEP_TARGET = [
    Truth(
        "only conflicting rows are dropped",
        small.Keyed,
        "owner k v",
        ("S 1 1", "T 1 1"),
        ("S 2 1", "dropped"),
        ("T 2 2", "same"),
        ("T 3 2", "same"),
        ("X 2 3", "same"),
        s={"source": 2, "target": 2, "moved": 1, "dropped": 1},
    ),
    Truth(
        "the key decides, not the age of the row",
        small.Keyed,
        "owner k v",
        ("T 1 2", "same"),
        ("S 1 1", "dropped"),
        s={"source": 1, "target": 1, "dropped": 1},
    ),
    Truth(
        "each pair has its own conflict",
        small.Keyed,
        "owner k",
        ("S 1", "dropped"),
        ("T 1", "same"),
        ("U 1", "dropped U"),
        ("V 1", "same"),
        s={"source": 1, "target": 1, "dropped": 1},
        u={"source": 1, "target": 1, "dropped": 1},
    ),
]

KEEP_SOURCE = [
    Truth(
        "the source's row replaces the target's",
        small.Chosen,
        "owner k v",
        ("S 1 1", "T 1 1"),
        ("T 1 2", "replaced"),
        ("T 2 2", "same"),
        ("X 1 3", "same"),
        s={"source": 1, "target": 2, "moved": 1, "replaced": 1},
    ),
    Truth(
        "without source rows the target's rows stay",
        small.Chosen,
        "owner k",
        ("T 1", "same"),
        ("U 1", "V 1"),
        s={"target": 1},
        u={"source": 1, "moved": 1},
    ),
]

LATEST = [
    Truth(
        "the later row is kept, whichever user's it is",
        small.Newest,
        "owner k at",
        ("S 1 d2", "T 1 d2"),
        ("T 1 d1", "replaced"),
        ("S 2 d1", "dropped"),
        ("T 2 d2", "same"),
        s={"source": 2, "target": 2, "moved": 1, "dropped": 1, "replaced": 1},
    ),
    Truth(
        "the target's is kept if the times are equal or NULL",
        small.Newest,
        "owner k at",
        ("S 1 d1", "dropped"),
        ("T 1 d1", "same"),
        ("S 2 -", "dropped"),
        ("T 2 -", "same"),
        s={"source": 2, "target": 2, "dropped": 2},
    ),
    Truth(
        "NULL comes last",
        small.Newest,
        "owner k at",
        ("S 1 -", "dropped"),
        ("T 1 d1", "same"),
        ("S 2 d1", "T 2 d1"),
        ("T 2 -", "replaced"),
        s={"source": 2, "target": 2, "moved": 1, "dropped": 1, "replaced": 1},
    ),
    Truth(
        "with two keys the first lost one decides",
        small.Latecomer,
        "owner colour size n",
        ("S 1 1 5", "T 1 1 5"),
        ("T 1 2 1", "replaced"),
        ("T 2 1 2", "replaced"),
        s={"source": 1, "target": 2, "moved": 1, "replaced": 2},
    ),
    Truth(
        "a row lost on one key is left out of the next",
        small.Latecomer,
        "owner colour size n",
        ("S 1 1 1", "dropped"),
        ("T 1 2 2", "same"),
        ("T 2 1 0", "same"),
        s={"source": 1, "target": 2, "dropped": 1},
    ),
]

BEST = [
    Truth(
        "the better row is kept, and values outside the ranking come last",
        small.Ranked,
        "owner k level",
        ("S 1 gold", "T 1 gold"),
        ("T 1 silver", "replaced"),
        ("S 2 bronze", "dropped"),
        ("T 2 silver", "same"),
        ("S 3 tin", "dropped"),
        ("T 3 bronze", "same"),
        s={"source": 3, "target": 3, "moved": 1, "dropped": 2, "replaced": 1},
    ),
    Truth(
        "the target's is kept if both are equal or outside the ranking",
        small.Ranked,
        "owner k level",
        ("S 1 gold", "dropped"),
        ("T 1 gold", "same"),
        ("S 2 -", "dropped"),
        ("T 2 tin", "same"),
        s={"source": 2, "target": 2, "dropped": 2},
    ),
]

SUM = [
    Truth(
        "values are added",
        small.Counter,
        "owner day n",
        ("S 1 3", "merged"),
        ("T 1 4", "T 1 7"),
        ("S 2 5", "T 2 5"),
        s={"source": 2, "target": 1, "moved": 1, "merged": 1},
    ),
    *(
        Truth(
            f"{bits} bits stop at their end",
            small.Totals,
            f"owner k {column}",
            (f"S 1 {BIG[bits]}", "merged"),
            ("T 1 1", f"T 1 {BIG[bits]}"),
            (f"S 2 {-BIG[bits]}", "merged"),
            ("T 2 -2", f"T 2 {-BIG[bits] - 1}"),
            s={"source": 2, "target": 2, "merged": 2},
        )
        for bits, column in ((16, "small"), (32, "medium"), (64, "large"))
    ),
    Truth(
        "NULL means no value",
        small.Totals,
        "owner k small medium",
        ("S 1 - 5", "merged"),
        ("T 1 - -", "T 1 - 5"),
        s={"source": 1, "target": 1, "merged": 1},
    ),
]

FOLDS = [
    Truth(
        "min, max and or; undeclared columns keep the target's values",
        small.Folded,
        "owner k first_at last_at flag untouched",
        ("S 1 d1 d3 true 1", "merged"),
        ("T 1 d2 d2 false 2", "T 1 d1 d3 true 2"),
        s={"source": 1, "target": 1, "merged": 1},
    ),
    Truth(
        "NULL means no value",
        small.Folded,
        "owner k first_at last_at flag",
        ("S 1 - d1 -", "merged"),
        ("T 1 d2 - false", "T 1 d2 d1 false"),
        ("S 2 d1 - false", "merged"),
        ("T 2 - - -", "T 2 d1 - false"),
        s={"source": 2, "target": 2, "merged": 2},
    ),
    Truth(
        "texts are concatenated, the target's first, cut at 12 characters; empty ones are skipped",
        small.Folded,
        "owner k words",
        ("S 1 ours", "merged"),
        ("T 1 theirs", "T 1 theirs;_ours"),
        ("S 2 eightabc", "merged"),
        ("T 2 eightxyz", "T 2 eightxyz;_ei"),
        ("S 3 ''", "merged"),
        ("T 3 theirs", "same"),
        ("S 4 ours", "merged"),
        ("T 4 -", "T 4 ours"),
        ("S 5 -", "merged"),
        ("T 5 ''", "same"),
        s={"source": 5, "target": 5, "merged": 5},
    ),
    Truth(
        "only blanks are filled, and zero is not blank",
        small.Folded,
        "owner k remark number",
        ("S 1 ours 1", "merged"),
        ("T 1 '' -", "T 1 ours 1"),
        ("S 2 ours 1", "merged"),
        ("T 2 theirs 0", "same"),
        s={"source": 2, "target": 2, "merged": 2},
    ),
]

RENAME = [
    Truth(
        "the source's row gets the first free number",
        small.Folder,
        "owner name",
        ("S Box", "T Box_(2)"),
        ("T Box", "same"),
        ("S Bag", "T Bag_(3)"),
        ("T Bag", "same"),
        ("T Bag_(2)", "same"),
        s={"source": 2, "target": 3, "moved": 2},
    ),
    Truth(
        "a name among the source's own rows is not free",
        small.Folder,
        "owner name",
        ("S Box", "T Box_(3)"),
        ("S Box_(2)", "T Box_(2)"),
        ("T Box", "same"),
        s={"source": 2, "target": 1, "moved": 2},
    ),
    Truth(
        "a long name is cut so that the number fits into 8 characters",
        small.Folder,
        "owner name",
        ("S LongName", "T Long_(2)"),
        ("T LongName", "same"),
        s={"source": 1, "target": 1, "moved": 1},
    ),
    Truth(
        "two long names that become equal when cut get different numbers",
        small.Folder,
        "owner name",
        ("S LongName", "T Long_(2)"),
        ("T LongName", "same"),
        ("S LongNote", "T Long_(3)"),
        ("T LongNote", "same"),
        s={"source": 2, "target": 2, "moved": 2},
    ),
    Truth(
        "they are numbered in the order of their names, not of their position",
        small.Folder,
        "owner name",
        ("T LongNote", "same"),
        ("S LongNote", "T Long_(3)"),
        ("T LongName", "same"),
        ("S LongName", "T Long_(2)"),
        s={"source": 2, "target": 2, "moved": 2},
    ),
    Truth(
        "names that are equal only when more is cut for two digits",
        small.Folder,
        "owner name",
        ("S abcd", "T abc_(10)"),
        ("S abce", "T abc_(11)"),
        ("T abcd", "same"),
        ("T abce", "same"),
        *((f"T abcd_({n})", "same") for n in range(2, 10)),
        *((f"T abce_({n})", "same") for n in range(2, 10)),
        s={"source": 2, "target": 18, "moved": 2},
    ),
]

PROFILE = [
    Truth(
        "the source's row is unchanged, and the target's blanks are filled",
        small.Preference,
        "user phone seen welcome colour",
        ("S p1 3 true red", "same"),
        ("T '' 2 false blue", "T p1 3 true blue"),
        s={"source": 1, "merged": 1},
    ),
    Truth(
        "a profile without changes is not counted",
        small.Preference,
        "user phone seen welcome",
        ("S '' - false", "same"),
        ("T p1 2 true", "same"),
        ("U p9 9 true", "same"),
    ),
]


@pytest.mark.parametrize(
    "truth",
    [*KEEP_TARGET, *KEEP_SOURCE, *LATEST, *BEST, *SUM, *FOLDS, *RENAME, *PROFILE],
    ids=repr,
)
def test_policy(people: People, truth: Truth) -> None:
    truth.check(people)


def test_a_key_that_uses_a_part_of_the_number_only(people: People) -> None:
    """Of ten names, the last two characters differ. The preview counts the rows for which none is left."""
    change(
        "DROP INDEX folder_once; CREATE UNIQUE INDEX folder_once ON smallapp_folder (owner_id, right(name, 2))"
    )
    letters = "abcdefghijklmn"
    rows = [(owner, f"{owner}-{letter}") for owner in "ST" for letter in letters]
    entry = put(people, "smallapp_folder", *rows, columns="owner name")
    with only(entry):
        counts = predict([StagedPair(0, people["S"].pk, people["T"].pk)])
    assert counts[0][entry.key] == {"source": 14, "target": 14, "moved": 14, "nameless": len(letters) - 10}


@pytest.mark.parametrize(
    ("sql_type", "ranking", "good", "bad"),
    [
        ("numeric(4,1)", ("1", "2"), "1.0", "2.0"),
        ("boolean", ("t", "f"), "true", "false"),
        ("integer", ("01", "2"), "1", "2"),
        ("character varying(9)", ("open", "closed"), "open", "closed"),
        ("character(9)", ("open", "closed"), "open", "closed"),
        ("bit(3)", ("101", "100"), "101", "100"),
        ("bit varying(3)", ("101", "1"), "101", "1"),
        (
            "timestamp(3) with time zone",
            ("2026-01-01 00:00Z", "2025-01-01 00:00Z"),
            "2026-01-01 00:00Z",
            "2025-01-01 00:00Z",
        ),
    ],
)
def test_a_ranking_is_of_the_values_of_its_column(
    people: People, sql_type: str, ranking: tuple[str, ...], good: str, bad: str
) -> None:
    change(f"CREATE TABLE deal (id bigint PRIMARY KEY, owner_id bigint UNIQUE, state {sql_type})")
    deal = model_of("deal", owner=to(User), state=models.TextField())
    entry = DataType("Deals", deal, (Column("owner"),), Combine(Best("state", ranking)), "Deals.")
    execute("INSERT INTO deal VALUES (1, %s, %s), (2, %s, %s)", people["S"].pk, good, people["T"].pk, bad)
    assert [row["id"] for row in run(people, entry).world["deal"]] == [1]
