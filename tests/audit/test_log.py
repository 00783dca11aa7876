"""The sentences that describe the events of the audit log."""

import string

import pytest

from audit.log import KINDS, record, sentence
from audit.models import AuditEvent
from tests.fixtures.cast import Cast

COUNTS = (
    "pairs",
    "transferred",
    "deleted",
    "users",
    "rows_read",
    "selected",
    "days",
    "events",
    "seals",
    "created",
    "updated",
)


@pytest.mark.parametrize(
    ("details", "text"),
    [
        ((1, 1_634, 1_169), "Confirmed a transfer for 1 user: 1,634 records to move, 1,169 to delete."),
        ((30, 1, 0), "Confirmed a transfer for 30 users: 1 record to move, 0 to delete."),
    ],
)
def test_counts_have_plurals_and_separators(cast: Cast, details: tuple[int, int, int], text: str) -> None:
    names = dict(zip(("pairs", "transferred", "deleted"), details, strict=True))
    record("transfer-confirmed", tenant_id=cast.abacus.pk, by=cast.ada, transfer_number=1, **names)
    event = AuditEvent.objects.get()
    assert sentence(event) == text
    assert event.details == names, "the details are stored as plain numbers"


def test_ids_have_no_separators() -> None:
    event = AuditEvent(kind="retry-prepared", details={"pairs": 1, "of_transfer": 12_345})
    assert sentence(event) == "Prepared a retry of 1 pair of transfer 12345."


@pytest.mark.parametrize("kind", KINDS)
def test_every_count_has_a_format(kind: str) -> None:
    fields = [(name, spec) for _, name, spec, _ in string.Formatter().parse(KINDS[kind]) if name]
    assert [name for name, spec in fields if name in COUNTS and not spec] == []


def test_an_event_without_a_sentence_is_not_recorded(cast: Cast) -> None:
    for kind, details in (("nonsense", {}), ("users-exported", {})):
        with pytest.raises(KeyError):
            record(kind, tenant_id=cast.abacus.pk, **details)
    assert not AuditEvent.objects.exists()
