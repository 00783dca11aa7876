"""The reasons of an undo are sentences, about one record and about several. No database is needed."""

import pytest

from audit.log import KINDS
from transfers.engine.undo.running import changed_since
from transfers.models import UndoConflict
from transfers.models.undo_conflict import OF_SEVERAL
from transfers.results.undo import records_in_words
from wording.phrases import phrase

Why = UndoConflict.Why
ONE = ("was ", "had a ", "belongs ", "no longer ", "cannot ")
SEVERAL = ("were ", "had unique keys ", "belong ", "no longer ", "cannot ")


@pytest.mark.parametrize("why", Why)
def test_each_reason_is_said_of_one_record_and_of_several(why: Why) -> None:
    assert why.label.startswith(ONE)
    assert OF_SEVERAL[why].startswith(SEVERAL)
    assert " its " not in OF_SEVERAL[why]


def test_a_failed_pair_says_what_of_each_type_cannot_be_given_back() -> None:
    lines = [
        ("quality.ccr", Why.CHANGED, 3),
        ("quality.ccr", Why.SHARED, 1),
        ("gone.type", Why.KEY_TAKEN, 2000),
    ]
    assert changed_since(lines).reason == (
        "2,004 records cannot be given back. CCRs: 3 records were changed; CCRs: 1 record belongs also to users for"
        " whom it is not undone; gone.type: 2,000 records had unique keys that other records have now."
    )
    assert changed_since(lines[1:2]).reason == (
        "1 record cannot be given back. CCRs: 1 record belongs also to users for whom it is not undone."
    )


@pytest.mark.parametrize(("n", "said"), [(1, "its table has"), (3, "their table has")])
def test_the_list_of_left_records_says_the_same(n: int, said: str) -> None:
    conflict = UndoConflict(data_type="quality.ccr", table="quality_ccr", key="", n=n, why=Why.NO_KEY)
    [record] = records_in_words([conflict])
    assert record.why == f"cannot be found again, because {said} no primary key"


@pytest.mark.parametrize(
    ("left", "said"), [(1, "1 record left unchanged."), (2, "2 records left unchanged.")]
)
def test_the_audit_log_says_how_many_were_left(left: int, said: str) -> None:
    words = {"source_name": "Bo", "source_id": 19, "target_name": "Ana", "target_id": 18, "left": left}
    assert phrase(KINDS["pair-undone"], words).endswith(f": undone, {said}")
