"""Columns of this app and of Django's admin that reference a user and are never transferred."""

NOT_TRANSFERRED = {
    "operations.Operator.user": "an operator of the server; a transfer never passes on rights",
    "admin.LogEntry.user": "the history of Django's admin, which stays empty because the admin pages are read-only",
}
