"""Data types of the small tables, which together use every kind of declaration in `transfers.rules`."""

from tests.apps.smallapp import models as small
from transfers.rules import (
    ArrayColumn,
    Best,
    Child,
    Column,
    Combine,
    Concatenate,
    DataType,
    FillBlank,
    JsonPath,
    KeepSource,
    KeepTarget,
    Latest,
    Max,
    Merge,
    Min,
    Or,
    Overwrite,
    Owner,
    Polymorphic,
    Profile,
    Rename,
    Rule,
    Sum,
)

OWNER = (Column("owner"),)
SELLER_AND_BUYER = (Column("seller"), Column("buyer"))
KEEP_TARGET = Combine(on_clash=KeepTarget())


def plainly_owned(model: type, rule: Rule, sentence: str) -> DataType:
    return DataType(f"Small {model.__name__}", model, OWNER, rule, sentence, demo_rows=1)


def outside(model: type, *owners: Owner, rule: Rule | None = None) -> DataType:
    return DataType(f"Small {model.__name__}", model, owners, rule or Combine(), "Records of another system.")


DATA_TYPES = [
    plainly_owned(small.Plain, Combine(), "Rows without a key."),
    plainly_owned(small.Keyed, KEEP_TARGET, "Rows with a key."),
    plainly_owned(small.Single, KEEP_TARGET, "One row per user."),
    DataType(
        "Small Two",
        small.Two,
        (Column("approver"), Column("evaluator")),
        Combine(),
        "Two users in one row.",
        demo_rows=1,
    ),
    DataType(
        "Small TwoApart",
        small.TwoApart,
        (Column("approver"), Column("evaluator")),
        Combine(),
        "Two different users in one row.",
        demo_rows=1,
    ),
    DataType(
        "Small Link",
        small.Link,
        (Column("a_user"), Column("b_user")),
        KEEP_TARGET,
        "Links between two different users.",
        self_edges="drop",
        demo_rows=1,
    ),
    plainly_owned(small.Sched, Overwrite(), "Slots of a plan."),
    DataType(
        "Small Shift",
        small.Shift,
        (Column("worker"), Column("planner")),
        Overwrite(),
        "Slots of a worker, with their planner.",
        children=(Child(small.ShiftBreak, "shift"),),
        demo_rows=1,
    ),
    # --- Policies and folds
    plainly_owned(small.Chosen, Combine(on_clash=KeepSource()), "The source's row is kept."),
    plainly_owned(small.Newest, Combine(on_clash=Latest("at")), "The latest row is kept."),
    plainly_owned(small.Latecomer, Combine(on_clash=Latest("n")), "The latest row for each of two keys."),
    plainly_owned(
        small.Ranked, Combine(on_clash=Best("level", ("gold", "silver", "bronze"))), "The best row is kept."
    ),
    plainly_owned(small.Counter, Combine(on_clash=Merge({"n": Sum()})), "Counted by day."),
    plainly_owned(
        small.Totals,
        Combine(on_clash=Merge({"small": Sum(), "medium": Sum(), "large": Sum()})),
        "Numbers that are summed.",
    ),
    plainly_owned(
        small.Folded,
        Combine(
            on_clash=Merge(
                {
                    "first_at": Min(),
                    "last_at": Max(),
                    "flag": Or(),
                    "words": Concatenate("; "),
                    "remark": FillBlank(),
                    "number": FillBlank(),
                }
            )
        ),
        "Values merged by every kind of fold.",
    ),
    plainly_owned(small.Folder, Combine(on_clash=Rename("name")), "Rows with a unique name."),
    DataType(
        "Small Preference",
        small.Preference,
        (Column("user"),),
        Profile({"phone": FillBlank(), "seen": Max(), "welcome": Or()}),
        "The user's own settings.",
        demo_rows=1,
    ),
    # --- Owners
    DataType(
        "Small Watchlist", small.Watchlist, (ArrayColumn("users"),), Combine(), "Lists of users.", demo_rows=1
    ),
    DataType(
        "Small Petition",
        small.Petition,
        (Column("asked_by"), JsonPath("document", "user_ids")),
        Combine(),
        "Petitions of a user for other users.",
        demo_rows=1,
    ),
    DataType(
        "Small Subscription",
        small.Subscription,
        (JsonPath("document", "to", "users", as_text=True),),
        Combine(),
        "Users who are notified.",
        history=True,
        demo_rows=1,
    ),
    DataType(
        "Small Attachment",
        small.Attachment,
        (Polymorphic("object_id", kind_field="kind", kind="user"),),
        KEEP_TARGET,
        "Attachments of users and other objects.",
        demo_rows=1,
    ),
    DataType(
        "Small Kiosk",
        small.Kiosk,
        (Polymorphic("object_id", kind_field="kind", kind="user", as_text=True),),
        Combine(),
        "Users referenced by a text ID.",
        demo_rows=1,
    ),
    DataType(
        "Small Pin",
        small.Pin,
        (Polymorphic("object_id", "content_type", "accounts.User"),),
        KEEP_TARGET,
        "Pins on users and on objects of any model.",
    ),
    DataType(
        "Small Badge",
        small.Badge,
        (Column("employee_id", holds="employee_id", tenant="tenant"),),
        KEEP_TARGET,
        "Doors that an employee ID opens.",
        demo_rows=1,
    ),
    DataType(
        "Small Login",
        small.Login,
        (Column("username", holds="username", tenant="tenant"),),
        Combine(),
        "Sign-ins by user name.",
        demo_rows=1,
    ),
    DataType(
        "Small OtherSystem",
        small.OtherSystem,
        (Column("agent"),),
        KEEP_TARGET,
        "Records of another system.",
        demo_rows=1,
    ),
    # --- Keys
    plainly_owned(small.Keyed2, KEEP_TARGET, "A key with a nullable column."),
    plainly_owned(small.NullsEqual, KEEP_TARGET, "A key with NULLS NOT DISTINCT."),
    plainly_owned(small.Soft, KEEP_TARGET, "A key among rows that are not deleted."),
    plainly_owned(small.Caseless, KEEP_TARGET, "A case-insensitive key."),
    plainly_owned(small.TwoKeys, KEEP_TARGET, "Two keys."),
    DataType(
        "Small Duo",
        small.Duo,
        (Column("caller"), Column("callee")),
        KEEP_TARGET,
        "Two users with a key each.",
        demo_rows=1,
    ),
    DataType(
        "Small Membership", small.Membership, (Column("user"),), KEEP_TARGET, "Members of clubs.", demo_rows=1
    ),
    plainly_owned(small.Hidden, KEEP_TARGET, "A key that no model declares."),
    # --- Children
    DataType(
        "Small Case",
        small.Case,
        OWNER,
        KEEP_TARGET,
        "Cases with their files and notes.",
        children=(
            Child(small.CaseFile, "case", children=(Child(small.CasePage, "file"),)),
            Child(
                small.CaseNote, "case", goes_with_parent=True, children=(Child(small.CaseNoteMark, "note"),)
            ),
        ),
        demo_rows=1,
    ),
    DataType(
        "Small Sealed",
        small.Sealed,
        OWNER,
        Combine(on_clash=KeepSource()),
        "Cases where the source's row is kept.",
        children=(Child(small.SealedLine, "sealed"),),
        demo_rows=1,
    ),
    DataType(
        "Small Plan",
        small.Plan,
        OWNER,
        Overwrite(),
        "Plans with their steps.",
        children=(Child(small.PlanStep, "plan", children=(Child(small.PlanStepMark, "step"),)),),
        demo_rows=1,
    ),
    DataType(
        "Small Ticket",
        small.Ticket,
        OWNER,
        Overwrite(),
        "Tickets that refer to each other.",
        children=(
            Child(small.Ticket, "merged_to", detached=True),
            Child(small.Ticket, "blocked_by", detached=True),
            Child(small.TicketEntry, "mentions", detached=True),
            Child(small.Errand, "ticket", detached=True),
            Child(small.TicketEntry, "ticket", children=(Child(small.TicketNote, "entry", detached=True),)),
        ),
    ),
    DataType("Small Errand", small.Errand, OWNER, Combine(), "Errands for a ticket."),
    DataType(
        "Small Room",
        small.Room,
        OWNER,
        KEEP_TARGET,
        "A tree.",
        children=(Child(small.Room, "parent", detached=True), Child(small.RoomKey, "room")),
    ),
    # --- Several rules at once
    DataType(
        "Small Album",
        small.Album,
        OWNER,
        Combine(on_clash=Latest("n")),
        "Albums with photos, both with two keys.",
        children=(Child(small.Photo, "album", children=(Child(small.PhotoTag, "photo"),)),),
    ),
    DataType(
        "Small Deal",
        small.Deal,
        SELLER_AND_BUYER,
        Combine(on_clash=Latest("n")),
        "The latest deal of two users.",
        children=(Child(small.DealLine, "deal", goes_with_parent=True),),
    ),
    DataType(
        "Small Bid", small.Bid, SELLER_AND_BUYER, Combine(on_clash=KeepSource()), "The source's bid is kept."
    ),
    DataType(
        "Small Contest",
        small.Contest,
        SELLER_AND_BUYER,
        Combine(on_clash=Best("level", ("gold", "silver"))),
        "The best of two users.",
    ),
    DataType(
        "Small Barter",
        small.Barter,
        SELLER_AND_BUYER,
        Combine(on_clash=Merge({"n": Sum()})),
        "Numbers of two users.",
    ),
    DataType(
        "Small Pot",
        small.Pot,
        OWNER,
        Combine(on_clash=Merge({"n": Sum(), "words": Concatenate("; "), "number": FillBlank()})),
        "Numbers with two keys.",
        children=(Child(small.PotCoin, "pot"),),
    ),
    DataType(
        "Small Friendship",
        small.Friendship,
        (Column("a_user"), Column("b_user")),
        KEEP_TARGET,
        "Links between two users in either direction.",
        self_edges="drop",
    ),
    DataType(
        "Small Staff",
        small.Staff,
        (Column("user"), Column("manager")),
        KEEP_TARGET,
        "Users with their managers.",
        self_edges="clear",
    ),
    DataType(
        "Small Handover",
        small.Handover,
        (Column("giver"), Column("taker")),
        Combine(),
        "What one user hands to another.",
        self_edges="refuse",
    ),
    DataType("Small Panel", small.Panel, (JsonPath("users"),), Combine(), "A document that is a list."),
    DataType(
        "Small Brief",
        small.Brief,
        (JsonPath("document", "by"), JsonPath("document", "to", "users")),
        Combine(),
        "Two lists in one document.",
    ),
    # --- People by their IDs in tables of the organisation
    outside(small.OutsideText, Column("person", holds="external_id"), rule=KEEP_TARGET),
    outside(
        small.OutsideSmall,
        Column("person_no", holds="external_id"),
        rule=Combine(on_clash=Merge({"n": Sum()})),
    ),
    outside(
        small.OutsideInt,
        Column("agent_no", holds="external_id"),
        Column("coach_no", holds="external_id"),
        rule=Combine(on_clash=KeepSource()),
    ),
    outside(small.OutsidePair, Column("agent_no", holds="external_id"), Column("coach", holds="external_id")),
    outside(small.OutsideBig, Column("person_no", holds="external_id"), rule=Overwrite()),
    outside(small.OutsideChar, Column("person", holds="external_id"), rule=KEEP_TARGET),
    outside(
        small.OutsideNumeric,
        Column("person_no", holds="external_id"),
        rule=Combine(on_clash=Rename("name")),
    ),
    outside(small.OutsideUuid, Column("person", holds="external_id"), rule=Combine(on_clash=Latest("n"))),
    outside(small.OutsideMove, Column("person", holds="external_id")),
    outside(
        small.OutsideTenant,
        Column("person_no", holds="external_id", tenant="tenant"),
        rule=KEEP_TARGET,
    ),
    outside(
        small.OutsideKind,
        Polymorphic("object_no", kind_field="kind", kind="person", holds="external_id"),
        rule=KEEP_TARGET,
    ),
    outside(small.OutsideList, ArrayColumn("people", holds="external_id")),
    outside(small.OutsideUuids, ArrayColumn("people", holds="external_id")),
    outside(
        small.OutsideDocument,
        JsonPath("document", "numbers", holds="external_id"),
        JsonPath("document", "texts", as_text=True, holds="external_id"),
    ),
    outside(
        small.OutsideProfile,
        Column("person_no", holds="external_id"),
        rule=Profile({"seen": Max()}),
    ),
]
