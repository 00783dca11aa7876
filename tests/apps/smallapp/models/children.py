"""Tables with child rows that move to the kept parent, are discarded with their parent, or are replaced with it."""

from django.db import models

from tests.apps.smallapp.models.users import owner_key, user_key


class Case(models.Model):
    owner = owner_key()
    k = models.IntegerField()

    class Meta:
        constraints = [models.UniqueConstraint("owner", "k", name="case_once")]


class CaseFile(models.Model):
    """A file that moves from a dropped case to the kept case, unless the kept case has a file with the same number."""

    case = models.ForeignKey(Case, models.CASCADE, db_index=False)
    number = models.IntegerField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint("case", "number", name="case_file_once")]


class CasePage(models.Model):
    file = models.ForeignKey(CaseFile, models.CASCADE)


class CaseNote(models.Model):
    """A note that is discarded with its case."""

    case = models.ForeignKey(Case, models.CASCADE)
    text = models.CharField(max_length=10, blank=True)


class CaseNoteMark(models.Model):
    """A mark that is discarded with its note."""

    note = models.ForeignKey(CaseNote, models.CASCADE)


class Sealed(models.Model):
    """Of two conflicting rows, the source's row is kept and gets the children of the target's row."""

    owner = owner_key()
    k = models.IntegerField()

    class Meta:
        constraints = [models.UniqueConstraint("owner", "k", name="sealed_once")]


class SealedLine(models.Model):
    sealed = models.ForeignKey(Sealed, models.CASCADE)
    v = models.IntegerField(default=0)


class Plan(models.Model):
    """A plan that is overwritten together with all its child rows."""

    owner = owner_key()
    slot = models.IntegerField()

    class Meta:
        constraints = [models.UniqueConstraint("owner", "slot", name="plan_once")]


class PlanStep(models.Model):
    plan = models.ForeignKey(Plan, models.CASCADE)
    v = models.IntegerField(default=0)


class PlanStepMark(models.Model):
    step = models.ForeignKey(PlanStep, models.CASCADE)


class Ticket(models.Model):
    """An overwritten ticket. Tickets and notes that refer to a deleted one stay, without the reference."""

    owner = user_key()
    v = models.IntegerField(default=0)
    merged_to = models.ForeignKey("self", models.SET_NULL, null=True)
    blocked_by = models.ForeignKey("self", models.DO_NOTHING, null=True, related_name="+")


class TicketEntry(models.Model):
    """An entry that is deleted with its ticket. It may mention other tickets."""

    ticket = models.ForeignKey(Ticket, models.CASCADE)
    mentions = models.ForeignKey(Ticket, models.DO_NOTHING, null=True, related_name="+")


class TicketNote(models.Model):
    """A note that refers to an entry, and stays if it is deleted."""

    entry = models.ForeignKey(TicketEntry, models.DO_NOTHING, null=True)


class Errand(models.Model):
    """A record of a data type of its own, which never loses rows. It stays if its ticket is deleted."""

    owner = user_key()
    ticket = models.ForeignKey(Ticket, models.DO_NOTHING, null=True)


class Room(models.Model):
    """A room in a tree. Of two rooms with the same number the target's is kept, and the rooms below are detached."""

    owner = owner_key()
    k = models.IntegerField()
    parent = models.ForeignKey("self", models.DO_NOTHING, null=True)

    class Meta:
        constraints = [models.UniqueConstraint("owner", "k", name="room_once")]


class RoomKey(models.Model):
    """A key that is handed on to the room that is kept."""

    room = models.ForeignKey(Room, models.CASCADE)
