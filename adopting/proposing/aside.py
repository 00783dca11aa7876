"""Tables in which people own rows that are nevertheless proposed to stay, each with the reason as a question.

Rows of the account (sign-in, devices, rights) are not work that is handed over. A log that triggers fill says what
happened. Rows that are numbered for each person would be taken for the other person's with the same number.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from adopting.catalog.tables import Table
from adopting.people.names import is_maker, tokens
from adopting.people.standing import INTEGERS, plain
from adopting.proposing import rules
from adopting.proposing.children import Impossible, children
from adopting.proposing.plan import Plan, Proposal
from transfers.rules import Combine, KeepTarget, Latest

SIGN_IN = re.compile(
    r"passw(or)?d|passphrase|credential|two_?factor|web_?authn|passkey|authenticator|remember_?me"
    r"|(^|_)(2fa|mfa|[th]?otp|u2f|sso|saml|oauth2?|oidc|ldap|identity|identities|tokens?"
    r"|(api|ssh|gpg|pgp|private|public|access|secret)_?keys?|(recovery|backup)_?codes?)(_|$)"
)
RIGHTS = re.compile(
    r"(^|_)(user)?(roles?|permissions?|privileges?|acls?|rights|capabilit(y|ies)|authori[sz]ations?|authorit(y|ies)"
    r"|grants?|entitlements?)(users?)?(_|$)|(^|_)(?<!last_)access(_(control|level|list)s?)?$"
)
PERSON = r"(users?|persons?|people|agents?|employees?|accounts?)"
GROUPS = r"(groups?|cohorts?)"
GROUP = re.compile(rf"(^|_)({PERSON}_?(former_)?{GROUPS}|{GROUPS}_?({PERSON}|members?(hips?)?))$")
MEMBER = re.compile(r"(?<!re)members?(hips?)?(_|$)")
DEVICE = re.compile(r"devices?(_|$)")
SESSION = re.compile(r"(^|_)(sessions?|log_?(in|on)s?|sign_?ins?)(_|$)")
OF_THE_WEB = re.compile(r"(^|_)(web|http|auth|php)(_|$)|(^|_)users?_?sessions?$|^sessions?_users?$")
# Columns that say what the table is, where its name does not.
SECRET = re.compile(r"(^|_)(passw(or)?d|pwd|passphrase)(_?(hash|digest|salt))?$|(^|_)(otp|totp|mfa)_?secret$")
RIGHT = re.compile(r"(^|_)(role|permission|access_?level|privilege)s?(_?(id|name|code|key))?$")
BROWSER = re.compile(
    r"(^|_)(ip|ip_?addr(ess)?|remote_?(addr|ip)|user_?agent|browser|fingerprint|cookie|token|sid|sess(ion)?_?(key|data|id))$"
)
# What numbers the rows of one person.
NUMBER = re.compile(
    r"(^|_)(attempt|try|version|revision|round|iteration)(_?(no|nr|num|number))?$"
    r"|^(seq|sequence|serial|ordinal|pos|position|sort|sort_?order|order|line|rank|slot|step|no|nr|num|number|idx"
    r"|index)(_?(no|nr|num|number))?$"
)
PREFERENCES = re.compile(r"preference|(^|_)settings?(_|$)")


@dataclass(frozen=True)
class Why:
    """The reason that the file gives, and the question that it answers."""

    reason: str
    question: str


def set_aside(plan: Plan) -> None:
    """Take the proposals out that are better not made. They stay in `plan.aside`, to be written as comments."""
    logs = dict(written_by_triggers(plan))
    for oid, proposal in list(plan.proposals.items()):
        if why := next(reasons(proposal, logs), None):
            plan.drop(oid, why.reason, why.question)
            plan.aside[oid] = proposal


def propose_children_aside(plan: Plan) -> None:
    """Give them the children that they would need. Where none are right, the start-up checks say so later."""
    for proposal in plan.aside.values():
        try:
            proposal.children = children(plan, proposal)
        except Impossible:
            proposal.children = ()


def reasons(proposal: Proposal, logs: dict[str, str]) -> Iterator[Why]:
    table, path = proposal.table, proposal.table.path
    if found := of_account(proposal):
        belongs, otherwise = found
        yield Why(
            f"it belongs to the account, not to the work: {belongs}.",
            f"Do the rows of {path} belong to the account of the person, or are they work? Taken for the account's:"
            f" {belongs}. Moved, {otherwise}. Proposed: they stay.",
        )
    if path in logs:
        yield Why(
            "it is a log, which says what happened and stays true.",
            f"Is {path} a log? {logs[path]} Moved as well, its rows would be those that the trigger adds, and an"
            " undo would be refused. Proposed: they stay.",
        )
    if PREFERENCES.search(name_of(table)) and not rules.clashes(proposal):
        yield Why(
            "it has settings of the person, and those of the Target User are kept.",
            f"Whose settings does the Target User have afterwards? No unique key of {path} says which settings are the"
            " same, so both users' rows would be there. Proposed: the Target User's own, and the rows stay.",
        )
    if numbered := number_of(proposal):
        key, column = numbered
        yield Why(
            f"its rows are numbered by {column} for each person, and rows with the same number would be discarded.",
            f"Which row survives on the key ({key})? {column} seems to number the rows of each person. If so, {column}"
            f" 1 of the Source User and {column} 1 of the Target User are different rows with the same key, and one of"
            f" them would be discarded. Proposed: discard none, and leave the rows of {path} with the Source User.",
        )


def name_of(table: Table) -> str:
    return "_".join(tokens(table.relation.name))


# --- Rows of the account ---------------------------------------------------------------------------------------------


def of_account(proposal: Proposal) -> tuple[str, str] | None:
    """Return what of the account a row is, and what a transfer of it would do; None if the rows are work."""
    table = proposal.table
    name, columns = name_of(table), ["_".join(tokens(column)) for column in table.columns]
    secret = next((column for column in table.columns if SECRET.search("_".join(tokens(column)))), "")
    if SIGN_IN.search(name):
        return "its name says sign-in", "the Target User could sign in as the Source User did"
    if secret and rules.is_one_a_person(proposal):
        return (
            f"it has one row per person and the column {secret}",
            "a password would become another person's",
        )
    if all(is_maker(owner.column) for owner in proposal.owners):
        return None  # a role that somebody made is not a right of theirs
    if RIGHTS.search(name) or (MEMBER.search(name) and any(map(RIGHT.search, columns))):
        return "it says what the person may do", "the Target User would have the rights of the Source User"
    if GROUP.search(name):
        return (
            "it says in which groups the person is, which may grant rights",
            "the Target User would be in the groups of the Source User",
        )
    if SESSION.search(name) and (OF_THE_WEB.search(name) or any(map(BROWSER.search, columns))):
        return "it says where the person signed in", "the Target User would appear to have signed in there"
    if DEVICE.search(name):
        return "it is a device of the person", "the Target User would receive on it what is meant for them"
    return None


# --- Logs and numbers ------------------------------------------------------------------------------------------------


def written_by_triggers(plan: Plan) -> Iterator[tuple[str, str]]:
    """Yield the tables into which a trigger of a proposed table inserts rows, each with a sentence that says so."""
    catalog = plan.database.catalog
    for oid, proposal in plan.proposals.items():
        for part in sorted(catalog.with_parts(oid)):
            for trigger in catalog.triggers.get(part, []):
                for path in trigger.writes:
                    if path != proposal.table.path:
                        yield (
                            path,
                            f"The trigger {trigger.name} of {proposal.table.path} inserts rows into it.",
                        )


def number_of(proposal: Proposal) -> tuple[str, str] | None:
    """Return the key on which rows would be discarded, and the column that only numbers the rows of one person."""
    rule = proposal.rule
    if not isinstance(rule, Combine) or not isinstance(rule.on_clash, KeepTarget | Latest):
        return None
    referring = {column for found in proposal.table.references for column in found.columns}
    for key in rules.clashes(proposal):
        for name in key.names if not key.constraint else ():
            if name and name not in referring | proposal.columns and is_number(proposal.table, name):
                return ", ".join(key.expressions), name
    return None


def is_number(table: Table, name: str) -> bool:
    return plain(table.columns[name].base_type) in INTEGERS and bool(NUMBER.search("_".join(tokens(name))))
