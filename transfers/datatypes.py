"""Columns of the product's own tables that point to a user and are never transferred (design.md 3, row 13)."""

NOT_TRANSFERRED = {
    "accounts.RoleAssignment.user": "a role is a right; rights are never handed on by a transfer",
    "account.EmailAddress.user": "how a person signs in is never handed on by a transfer",
    "mfa.Authenticator.user": "a second factor is a credential; credentials are never handed on by a transfer",
    "socialaccount.SocialAccount.user": "how a person signs in is never handed on by a transfer",
    "usersessions.UserSession.user": "a session is a credential; credentials are never handed on by a transfer",
    "accounts.AccessViewUser.user": "says who can be seen, not what belongs to the user",
    "transfers.Transfer.requested_by": "the history of transfers stays as it was",
    "transfers.TransferPair.source": "the history of transfers stays as it was",
    "transfers.TransferPair.target": "the history of transfers stays as it was",
    "transfers.Participant.user": "only says which users are busy in a transfer now",
}
