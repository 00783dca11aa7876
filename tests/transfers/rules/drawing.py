"""Hypothesis strategies for rows of the small tables, with so few users and values that keys often conflict."""

from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

from tests.harness.oracle.keys import key_of, keys_of
from tests.harness.oracle.small_tables import SMALL_TABLES
from tests.harness.oracle.world import Row, World
from tests.transfers.rules.people import FOREIGNER, LETTERS, Who

Strategy = st.SearchStrategy[Any]
Columns = Mapping[str, Strategy]

MOST_ROWS = 10
OFTEN = "STUV"  # the users of the pairs, drawn twice as often as other users


def who(spelled: str = "id", letters: str = OFTEN + LETTERS + FOREIGNER) -> Strategy:
    return st.sampled_from([Who(letter, spelled) for letter in letters])


def or_null(strategy: Strategy) -> Strategy:
    return st.none() | strategy


def of(*values: Any) -> Strategy:
    return st.sampled_from(values)


def lists(spelled: str = "id") -> Strategy:
    return st.lists(who(spelled), max_size=5)


FEW = of(1, 2)
OWNER = {"owner_id": who()}
TIMES = of(None, *(f"2026-01-0{day}T00:00:00+00:00" for day in (1, 2, 3)))
WORDS = of(None, "", "a", "bcd", "efghijkl")


def documents(inner: Strategy) -> Strategy:
    """Return a strategy that draws NULL, other JSON, or an object with a user in "n".

    Some of the objects also have a value drawn from `inner` in "user_ids".
    """
    return or_null(
        st.fixed_dictionaries({"n": who(), "x": of("y", True, 1)}, optional={"user_ids": inner})
        | of([], {}, "text", 7)
    )


TWO_USERS = {"seller_id": who(), "buyer_id": or_null(who()), "k": FEW, "n": of(None, 1, 2)}


TABLES: dict[str, Columns] = {
    "smallapp_plain": OWNER | {"v": FEW},
    "smallapp_keyed": OWNER | {"k": of(None, 1, 2), "v": FEW, "updated_at": TIMES},
    "smallapp_single": OWNER | {"v": FEW},
    "smallapp_two": {"approver_id": or_null(who()), "evaluator_id": who()},
    "smallapp_link": {"a_user_id": who(), "b_user_id": who()},
    "smallapp_sched": OWNER | {"slot": of(1, 2, 3), "v": FEW},
    "smallapp_shift": {"worker_id": who(), "planner_id": or_null(who()), "slot": of(1, 2)},
    "smallapp_chosen": OWNER | {"k": FEW, "v": FEW},
    "smallapp_newest": OWNER | {"k": FEW, "at": TIMES},
    "smallapp_latecomer": OWNER | {"colour": of(None, 1, 2), "size": of(None, 1, 2), "n": of(None, 1, 2)},
    "smallapp_ranked": OWNER | {"k": FEW, "level": of(None, "gold", "silver", "bronze", "tin")},
    "smallapp_counter": OWNER | {"day": FEW, "n": of(0, 1, -1, 2**31 - 1, -(2**31))},
    "smallapp_totals": OWNER
    | {
        "k": FEW,
        "small": of(None, 1, 2**15 - 1, -(2**15)),
        "medium": of(None, 1, 2**31 - 1, -(2**31)),
        "large": of(None, 1, 2**63 - 1, -(2**63)),
    },
    "smallapp_folded": OWNER
    | {
        "k": FEW,
        "first_at": TIMES,
        "last_at": TIMES,
        "flag": of(None, True, False),
        "words": WORDS,
        "remark": of("", "a", "b"),
        "number": of(None, 0, 1, 2),
        "untouched": FEW,
    },
    "smallapp_folder": OWNER
    | {"name": of("A", "A (2)", "A (3)", "LongName", "LongNote", "Long (2)", "Long (3)", "É"), "v": FEW},
    "smallapp_preference": {
        "id": who(),
        "phone": of("", "1", "2"),
        "seen": of(None, 1, 2),
        "welcome": of(True, False),
        "colour": of("", "red"),
    },
    "smallapp_watchlist": {"name": of("", "a"), "users": or_null(lists())},
    "smallapp_petition": {"asked_by_id": who(), "document": documents(lists() | who() | lists("text"))},
    "smallapp_subscription": {
        "document": documents(lists("text"))
        | st.fixed_dictionaries({"to": documents(lists("text"))})
        | st.fixed_dictionaries(
            {"to": st.fixed_dictionaries({"users": lists("text") | who("text") | lists()})}
        )
    },
    "smallapp_attachment": {"kind": of("user", "team"), "object_id": or_null(who()), "name": of("a", "b")},
    "smallapp_kiosk": {
        "kind": of("user", "team"),
        "object_id": who("text") | of("", "x1"),
        "name": of("a", "b"),
    },
    "smallapp_badge": {
        "tenant_id": who("tenant_id", "SO"),
        "employee_id": who("employee_id", LETTERS) | of("", "E-0"),
        "door": FEW,
    },
    "smallapp_login": {
        "tenant_id": who("tenant_id", "SO"),
        "username": who("username") | of("nobody", "LOGIN-S"),
        "at": FEW,
    },
    "other_system records": {"AGENT_NO": who() | of(0), "code": of("a", "b")},
    "smallapp_keyed2": OWNER | {"k1": FEW, "k2": of(None, 1, 2)},
    "smallapp_nullsequal": {"owner_id": or_null(who()), "k": of(None, 1)},
    "smallapp_soft": OWNER | {"k": FEW, "deleted_at": TIMES},
    "smallapp_caseless": OWNER | {"name": of("a", "A", "b", "B")},
    "smallapp_twokeys": OWNER | {"a": of(None, 1, 2, 3), "b": of(None, 1, 2, 3)},
    "smallapp_duo": {"caller_id": who(), "callee_id": who(), "k": FEW},
    "smallapp_membership": {"user_id": who(), "club": FEW},
    "smallapp_hidden": OWNER | {"k": FEW},
    "smallapp_case": OWNER | {"k": FEW},
    "smallapp_sealed": OWNER | {"k": FEW},
    "smallapp_plan": OWNER | {"slot": FEW},
    "smallapp_ticket": OWNER | {"v": FEW},
    "smallapp_room": OWNER | {"k": FEW},
    "smallapp_album": OWNER | {"a": of(None, 1, 2), "b": of(None, 1, 2), "n": of(None, 1, 2, 3)},
    "smallapp_deal": TWO_USERS,
    "smallapp_bid": TWO_USERS,
    "smallapp_contest": TWO_USERS | {"level": of("gold", "silver", "tin")},
    "smallapp_barter": TWO_USERS,
    "smallapp_pot": OWNER
    | {
        "a": of(None, 1, 2),
        "b": of(None, 1, 2),
        "n": of(1, 2**31 - 1),
        "words": of("", "a", "bcd"),
        "number": of(None, 0, 1),
    },
    "smallapp_friendship": {"a_user_id": who(), "b_user_id": who()},
    "smallapp_staff": {"user_id": who(), "manager_id": or_null(who())},
    "smallapp_panel": {"users": or_null(lists() | who() | of([], {}, "text", 7))},
    "smallapp_brief": {
        "document": or_null(
            st.fixed_dictionaries(
                {},
                optional={
                    "by": who() | lists(),
                    "to": documents(lists()) | st.fixed_dictionaries({"users": lists()}),
                },
            )
        )
    },
}

# People by their IDs in tables of the organisation. 7 is the ID of no one.
NUMBER = who("number") | of(7)
TABLES |= {
    "smallapp_outsidetext": {"person": who("external_id") | of("", "0101"), "k": FEW},
    "smallapp_outsidesmall": {"person_no": NUMBER, "k": FEW, "n": of(0, 1, 2**31 - 1)},
    "smallapp_outsideint": {"agent_no": NUMBER, "coach_no": or_null(NUMBER), "k": FEW},
    "smallapp_outsidepair": {"agent_no": NUMBER, "coach": who("external_id")},
    "smallapp_outsidebig": {"person_no": NUMBER, "slot": FEW},
    "smallapp_outsidechar": {"person": who("padded") | of(" " * 40), "k": FEW},
    "smallapp_outsidenumeric": {"person_no": NUMBER, "name": of("A", "A (2)", "LongName")},
    "smallapp_outsideuuid": {"person": who("external_id"), "k": FEW, "n": of(None, 1, 2)},
    "smallapp_outsidemove": {"person": who("external_id")},
    "smallapp_outsidetenant": {"tenant_id": who("tenant_id", "SO"), "person_no": NUMBER, "k": FEW},
    "smallapp_outsidekind": {"kind": of("person", "team"), "object_no": NUMBER, "name": of("a", "b")},
    "smallapp_outsidelist": {"people": or_null(lists("number"))},
    "smallapp_outsideuuids": {"people": or_null(lists("external_id"))},
    "smallapp_outsidedocument": {
        "document": or_null(
            st.fixed_dictionaries(
                {"n": who("number")},
                optional={
                    "numbers": lists("number") | who("number") | lists("external_id") | of([1.5, True]),
                    "texts": lists("external_id") | who("external_id") | lists("number"),
                },
            )
        )
    },
    "smallapp_outsideprofile": {"person_no": NUMBER, "seen": of(None, 1, 2)},
}

# Foreign keys between rows that are drawn, and the table that they reference.
REFERENCES = {
    "smallapp_ticket": {"merged_to_id": "smallapp_ticket", "blocked_by_id": "smallapp_ticket"},
    "smallapp_ticketentry": {"mentions_id": "smallapp_ticket"},
    "smallapp_room": {"parent_id": "smallapp_room"},
}

# The children of each table: (child table, foreign key column, strategies for the other columns).
CHILDREN: dict[str, tuple[tuple[str, str, Columns], ...]] = {
    "smallapp_case": (
        ("smallapp_casefile", "case_id", {"number": of(None, 1, 2)}),
        ("smallapp_casenote", "case_id", {"text": of("", "a")}),
    ),
    "smallapp_casefile": (("smallapp_casepage", "file_id", {}),),
    "smallapp_casenote": (("smallapp_casenotemark", "note_id", {}),),
    "smallapp_sealed": (("smallapp_sealedline", "sealed_id", {"v": FEW}),),
    "smallapp_plan": (("smallapp_planstep", "plan_id", {"v": FEW}),),
    "smallapp_ticket": (("smallapp_ticketentry", "ticket_id", {}), ("smallapp_errand", "ticket_id", OWNER)),
    "smallapp_ticketentry": (("smallapp_ticketnote", "entry_id", {}),),
    "smallapp_room": (("smallapp_roomkey", "room_id", {}),),
    "smallapp_album": (("smallapp_photo", "album_id", {"number": of(None, 1, 2), "label": of(None, 1, 2)}),),
    "smallapp_photo": (("smallapp_phototag", "photo_id", {}),),
    "smallapp_deal": (("smallapp_dealline", "deal_id", {}),),
    "smallapp_planstep": (("smallapp_planstepmark", "step_id", {}),),
    "smallapp_pot": (("smallapp_potcoin", "pot_id", {"number": of(None, 1, 2)}),),
    "smallapp_shift": (("smallapp_shiftbreak", "shift_id", {}),),
}


@st.composite
def worlds(draw: st.DrawFn, table: str) -> World:
    """Draw valid rows of the table and of its descendant tables, parents first."""
    rows = draw(st.lists(st.fixed_dictionaries(TABLES[table]), max_size=MOST_ROWS))
    world = {table: valid(table, rows)}
    add_children(draw, world, table)
    for name, columns in REFERENCES.items():
        for row in world.get(name, ()):
            row |= {
                column: draw(or_null(of(*ids_of(world[of_table])))) for column, of_table in columns.items()
            }
    return world


def ids_of(rows: list[Row]) -> list[Any]:
    return [row["id"] for row in rows]


def add_children(draw: st.DrawFn, world: World, table: str) -> None:
    for child, column, columns in CHILDREN.get(table, ()):
        parents = [row["id"] for row in world[table]]
        link = {column: of(*parents)} if parents else {}
        rows = draw(st.lists(st.fixed_dictionaries(link | columns), max_size=MOST_ROWS)) if parents else []
        world[child] = valid(child, rows)
        add_children(draw, world, child)


def valid(table: str, rows: list[Row]) -> list[Row]:
    """Add missing IDs, and return the rows without those that would violate a unique key."""
    described = SMALL_TABLES[table]
    kept: list[Row] = []
    for number, row in enumerate(rows, start=1):
        if described.pk in (("id",), ("rec_no",)) and described.pk[0] not in row:
            row = {described.pk[0]: number, **row}
        if not any(conflict(key, row, other) for key in keys_of(described) for other in kept):
            kept.append(row)
    return kept


def conflict(key: Any, row: Row, other: Row) -> bool:
    value = key_of(key, row)
    return value is not None and value == key_of(key, other)
