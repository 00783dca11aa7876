"""Columns of this app and of Django's admin that reference a user and are never transferred."""

NOT_TRANSFERRED = {
    "operations.Operator.user": "an operator of the server; a transfer never passes on rights",
    "admin.LogEntry.user": "the admin's history, which stays empty because its pages are read-only",
}
