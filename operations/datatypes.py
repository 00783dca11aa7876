"""Columns of this app, and of Django's admin, that point to a user and are never transferred."""

NOT_TRANSFERRED = {
    "operations.Operator.user": "who runs the server; rights are never handed on by a transfer",
    "admin.LogEntry.user": "the admin's own history; its pages change nothing, so that it stays empty",
}
