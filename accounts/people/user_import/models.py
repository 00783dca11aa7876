from django.db import models

from accounts.models import User


class UserImport(models.Model):
    """A file that was read but not confirmed: one per person, deleted once it is confirmed, discarded or a day old.

    `rows` are `reader.Row` as JSON, `notes` are `Problem` as JSON.
    """

    made_by = models.OneToOneField(User, models.CASCADE, related_name="+")
    file_name = models.CharField(max_length=200)
    rows = models.JSONField()
    notes = models.JSONField(default=list)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.file_name
