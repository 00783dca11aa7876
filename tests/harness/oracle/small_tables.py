"""Unique keys and column sizes of the tables of `tests/apps/smallapp`, written by hand from the schema."""

from tests.harness.oracle.world import Key, Row, Table


def lower_name(row: Row) -> str:
    return str(row["name"]).lower()


def is_live(row: Row) -> bool:
    return row["deleted_at"] is None


def keyed_by(*columns: str, name: str = "once") -> Table:
    return Table(keys=(Key(name, columns),))


def lower_user(row: Row) -> int:
    return min(row["a_user_id"], row["b_user_id"])


def higher_user(row: Row) -> int:
    return max(row["a_user_id"], row["b_user_id"])


def of_two_users(name: str) -> Table:
    return Table(
        keys=(Key(f"{name}_buyer", ("buyer_id", "k")), Key(f"{name}_seller", ("seller_id", "k"))),
        bits={"n": 32},
    )


SMALL_TABLES = {
    "smallapp_plain": Table(),
    "smallapp_keyed": keyed_by("owner_id", "k"),
    "smallapp_single": keyed_by("owner_id"),
    "smallapp_two": Table(),
    "smallapp_twoapart": Table(),
    "smallapp_link": keyed_by("a_user_id", "b_user_id"),
    "smallapp_sched": keyed_by("owner_id", "slot"),
    "smallapp_shift": keyed_by("worker_id", "slot"),
    "smallapp_shiftbreak": Table(),
    "smallapp_chosen": keyed_by("owner_id", "k"),
    "smallapp_newest": keyed_by("owner_id", "k"),
    "smallapp_latecomer": Table(
        keys=(Key("latecomer_colour", ("owner_id", "colour")), Key("latecomer_size", ("owner_id", "size")))
    ),
    "smallapp_ranked": keyed_by("owner_id", "k"),
    "smallapp_counter": Table(keys=(Key("counter_once", ("owner_id", "day")),), bits={"n": 32}),
    "smallapp_totals": Table(
        keys=(Key("totals_once", ("owner_id", "k")),), bits={"small": 16, "medium": 32, "large": 64}
    ),
    "smallapp_folded": Table(keys=(Key("folded_once", ("owner_id", "k")),), length={"words": 12}),
    "smallapp_folder": Table(keys=(Key("folder_once", ("owner_id", "name")),), length={"name": 8}),
    "smallapp_preference": Table(pk=("id",), length={"phone": 20}),
    "smallapp_watchlist": Table(),
    "smallapp_petition": Table(),
    "smallapp_subscription": Table(),
    "smallapp_attachment": keyed_by("object_id", "kind", "name"),
    "smallapp_kiosk": Table(),
    "smallapp_pin": keyed_by("object_id", "content_type_id", "name"),
    "smallapp_badge": keyed_by("employee_id", "tenant_id", "door"),
    "smallapp_login": Table(),
    "other_system records": Table(pk=("rec_no",), keys=(Key("once", ("AGENT_NO", "code")),)),
    "smallapp_keyed2": keyed_by("owner_id", "k1", "k2"),
    "smallapp_nullsequal": Table(keys=(Key("nulls_equal_once", ("owner_id", "k"), nulls_equal=True),)),
    "smallapp_soft": Table(keys=(Key("soft_once", ("owner_id", "k"), covers=is_live),)),
    "smallapp_caseless": Table(keys=(Key("caseless_once", ("owner_id", lower_name)),)),
    "smallapp_twokeys": Table(
        keys=(Key("two_keys_a", ("owner_id", "a")), Key("two_keys_b", ("owner_id", "b")))
    ),
    "smallapp_duo": Table(
        keys=(Key("duo_caller", ("caller_id", "k")), Key("duo_callee", ("callee_id", "k")))
    ),
    "smallapp_membership": Table(pk=("user_id", "club")),
    "smallapp_hidden": keyed_by("owner_id", "k"),
    "smallapp_case": keyed_by("owner_id", "k"),
    "smallapp_casefile": keyed_by("case_id", "number"),
    "smallapp_casepage": Table(),
    "smallapp_casenote": Table(),
    "smallapp_casenotemark": Table(),
    "smallapp_sealed": keyed_by("owner_id", "k"),
    "smallapp_sealedline": Table(),
    "smallapp_plan": keyed_by("owner_id", "slot"),
    "smallapp_planstep": Table(),
    "smallapp_planstepmark": Table(),
    "smallapp_ticket": Table(),
    "smallapp_ticketentry": Table(),
    "smallapp_ticketnote": Table(),
    "smallapp_errand": Table(),
    "smallapp_room": keyed_by("owner_id", "k"),
    "smallapp_roomkey": Table(),
    "smallapp_album": Table(keys=(Key("album_a", ("owner_id", "a")), Key("album_b", ("owner_id", "b")))),
    "smallapp_photo": Table(
        keys=(Key("photo_label", ("album_id", "label")), Key("photo_number", ("album_id", "number")))
    ),
    "smallapp_phototag": Table(),
    "smallapp_deal": of_two_users("deal"),
    "smallapp_dealline": Table(),
    "smallapp_bid": of_two_users("bid"),
    "smallapp_contest": of_two_users("contest"),
    "smallapp_barter": of_two_users("barter"),
    "smallapp_pot": Table(
        keys=(Key("pot_a", ("owner_id", "a")), Key("pot_b", ("owner_id", "b"))),
        bits={"n": 32},
        length={"words": 12},
    ),
    "smallapp_potcoin": keyed_by("pot_id", "number"),
    "smallapp_friendship": Table(keys=(Key("once", (lower_user, higher_user)),)),
    "smallapp_staff": keyed_by("user_id"),
    "smallapp_handover": Table(),
    "smallapp_panel": Table(),
    "smallapp_brief": Table(),
    "smallapp_outsidetext": keyed_by("person", "k"),
    "smallapp_outsidesmall": Table(keys=(Key("once", ("person_no", "k")),), bits={"n": 32}),
    "smallapp_outsideint": Table(keys=(Key("agent", ("agent_no", "k")), Key("coach", ("coach_no", "k")))),
    "smallapp_outsidepair": Table(),
    "smallapp_outsidebig": Table(),
    "smallapp_outsidechar": keyed_by("person", "k"),
    "smallapp_outsidenumeric": Table(keys=(Key("once", ("person_no", "name")),), length={"name": 8}),
    "smallapp_outsideuuid": keyed_by("person", "k"),
    "smallapp_outsidemove": Table(),
    "smallapp_outsidetenant": keyed_by("person_no", "tenant_id", "k"),
    "smallapp_outsidekind": keyed_by("object_no", "kind", "name"),
    "smallapp_outsidelist": Table(),
    "smallapp_outsideuuids": Table(),
    "smallapp_outsidedocument": Table(),
    "smallapp_outsideprofile": keyed_by("person_no"),
}
