"""Columns of the product's own tables that reference a user and are never transferred (docs/rules.md, decision 13)."""

NOT_TRANSFERRED = {
    "accounts.RoleAssignment.user": "roles grant permissions, which are never transferred",
    "account.EmailAddress.user": "sign-in data is never transferred",
    "mfa.Authenticator.user": "a second factor is a credential, and credentials are never transferred",
    "socialaccount.SocialAccount.user": "sign-in data is never transferred",
    "usersessions.UserSession.user": "a session is a credential, and credentials are never transferred",
    "accounts.AccessViewUser.user": "controls who can see the user, and is not the user's own data",
    "transfers.Transfer.requested_by": "the history of transfers is not changed",
    "transfers.TransferPair.source": "the history of transfers is not changed",
    "transfers.TransferPair.target": "the history of transfers is not changed",
    "transfers.Participant.user": "marks the users of a transfer while it runs",
}
