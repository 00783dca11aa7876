from django.db import models

from accounts.models import User


class UserImport(models.Model):
    """A file that was read but not yet confirmed: one per person, deleted once confirmed, discarded or a day old.

    `rows` contains each `reader.Row` as JSON, and `notes` contains each `Problem` as JSON.
    """

    made_by = models.OneToOneField(User, models.CASCADE, related_name="+")
    file_name = models.CharField(max_length=200)
    rows = models.JSONField()
    notes = models.JSONField(default=list)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.file_name
