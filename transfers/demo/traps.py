"""People in the demo with whom something is the matter, so that every check can be seen at work."""

from dataclasses import dataclass

from accounts.permissions import TENANT_ADMINISTRATOR, StandardRole


@dataclass(frozen=True)
class Trap:
    """`beyond`: assigned EnterpriseView, which reaches beyond the view of many. `watched`: in a team that the account
    with the narrow view sees. `records`: whether they have any."""

    username: str
    first_name: str
    last_name: str
    sentence: str
    role: StandardRole | None = None
    is_active: bool = True
    beyond: bool = False
    watched: bool = True
    records: bool = True


TRAPS = [
    Trap("maria.silva", "Maria", "Silva", "Has a namesake: look at the id, the user name and the team."),
    Trap("maria.silva.night", "Maria", "Silva", "The other Maria Silva, in another team.", watched=False),
    Trap(
        "tomas.ferreira",
        "Tomás",
        "Ferreira",
        "A tenant administrator among the agents: never source, never target.",
        role=TENANT_ADMINISTRATOR,
    ),
    Trap(
        "renee.oneill",
        "Renée",
        "O'Neill",
        "Sees everybody: refused as a source to who sees less.",
        beyond=True,
    ),
    Trap("zeljko.horvat", "Željko", "Horvat", "Has left: as a target there is a warning.", is_active=False),
    Trap(
        "nils.akesson",
        "Nils",
        "Åkesson",
        "Started yesterday and has no records: nothing would move.",
        records=False,
    ),
    Trap("nour.alhashimi", "نور", "الهاشمي", "A name that is read from right to left."),
    Trap("minsu.kim", "민수", "김", "A name that an ASCII spreadsheet cannot show."),
    Trap(
        "plus.desk", "+Overflow", "Desk", "A shared login whose name a spreadsheet would take for a formula."
    ),
]
