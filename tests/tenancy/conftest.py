"""Rows of two tenants in every protected table."""

import pytest

from accounts.models import AccessViewUser, Team, User
from accounts.people.user_import.models import UserImport
from audit.chain import seal
from audit.log import record
from tests.fixtures.cast import Cast, draft, transfer
from transfers.models import JournalEntry, Participant, Rehearsal, UndoConflict


@pytest.fixture
def world(cast: Cast) -> Cast:
    """At least one row of each tenant in every protected table."""
    for person, pair in ((cast.ada, (cast.ana, cast.bo)), (cast.frida, foreigners(cast))):
        AccessViewUser.objects.create(view=person.access_views.get(), user=pair[0])
        if not pair[0].team:
            pair[0].team = Team.objects.create(tenant=person.tenant, name="Support")
            pair[0].save()
        Rehearsal.objects.create(transfer=draft(person, {"number": 2}), pairs=[], total=0)
        made = transfer(person, pair)
        Participant.objects.create(transfer=made, user=pair[0])
        UserImport.objects.create(made_by=person, file_name="users.csv", rows=[])
        gone = {"table": "quality_ccr", "what": "dropped", "n": 1}
        JournalEntry.objects.create(tenant_id=person.tenant_id, transfer_id=made.pk, pair_id=1, **gone)
        UndoConflict.objects.create(
            pair=made.pairs.get(), data_type="call", table="quality_call", why="changed"
        )
        record("signed-in", tenant_id=person.tenant_id, by=person)
        seal(person.tenant_id)
        record("signed-out", tenant_id=person.tenant_id, by=person)
    cast.frida.access_views.get().teams.add(Team.objects.get(tenant=cast.foreign))
    return cast


def foreigners(cast: Cast) -> tuple[User, User]:
    names = ("Fay", "Finn")
    made = [User.objects.create(tenant=cast.foreign, username=name, first_name=name) for name in names]
    return made[0], made[1]
