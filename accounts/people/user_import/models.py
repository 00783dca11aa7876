from django.db import models

from accounts.models import User


class UserImport(models.Model):
    """An uploaded file that is not yet confirmed. Each person has at most one, and it is kept for a day at most.

    `rows` contains each `reader.Row` as JSON, and `notes` contains each `Problem` as JSON.
    """

    made_by = models.OneToOneField(User, models.CASCADE, related_name="+")
    file_name = models.CharField(max_length=200)
    rows = models.JSONField()
    notes = models.JSONField(default=list)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.file_name
