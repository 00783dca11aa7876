"""Small vocabularies for text columns. The first vocabulary whose key is part of the column's name applies."""

from datetime import timedelta

from demo.records.draw import Draw

PLACES = ("Porto", "Lisboa", "Kraków", "Brno", "Dublin", "Lyon", "Manila", "Köln")

VOCABULARY: dict[str, tuple[str, ...]] = {
    "format": ("wav", "mp4", "pdf"),
    "action": ("opened", "changed", "exported", "played back", "closed"),
    "event": ("signed in", "signed out", "played back a recording", "changed a setting", "exported a report"),
    "reason": ("Training", "Team meeting", "System outage", "Sick leave", "Coaching", "Personal"),
    "severity": ("low", "medium", "high"),
    "activity": ("Calls", "Chat", "Break", "Lunch", "Training", "Coaching", "Meeting", "Admin"),
    "exception": ("Sick leave", "Training", "Doctor's appointment", "Jury duty", "Union meeting"),
    "subject": ("Swap on Friday?", "Holiday in August", "Overtime next week", "Late tomorrow", "New headset"),
    "title": ("Follow-up", "Weekly review", "Escalation", "Refund request", "Address change"),
    "comment": (
        "Greeted the customer by name.",
        "Should have offered a callback.",
        "Good summary at the end.",
        "Missed the identity check.",
        "Calm with an upset customer.",
    ),
    "text": (
        "Well handled.",
        "Please listen to this again.",
        "Agreed.",
        "See the coaching plan.",
        "Résumé attached.",
    ),
    "message": (
        "Could you take my late shift on Friday?",
        "Approved.",
        "Sorry, not this week.",
        "Thank you!",
    ),
    "body": ("Could you take my late shift on Friday?", "Approved.", "Sorry, not this week.", "Thank you!"),
    "note": ("As agreed with the team lead.", "Confirmed by phone.", "See the ticket."),
    "description": (
        "As agreed with the team lead.",
        "Standard setting.",
        "Temporary, until the end of the quarter.",
    ),
    "skill": ("Portuguese", "English", "German", "Billing", "Complaints", "Sales", "Chat", "Email", "Claims"),
    "service": ("Billing", "Support", "Retention", "Sales", "Claims", "Technical", "Reservations", "VIP"),
    "project": ("CRM roll-out", "Peak season", "New IVR", "Quality circle", "Knowledge base", "Onboarding"),
    "rule": ("Late sign-in", "Long call", "Long hold", "Out of adherence", "Missed break", "Queue overflow"),
    "vacation": ("Annual leave", "Carry-over", "Time in lieu", "Special leave"),
    "goal": ("Retention calls", "Back-office cases", "Chat contacts", "Follow-ups", "Cross-selling"),
    "form": ("Standard call", "Chat quality", "Sales call", "Complaint handling", "Compliance"),
    "state": ("open", "in progress", "done", "closed"),
    "status": ("open", "in progress", "done", "closed"),
    "command": ("start", "stop", "pause", "resume", "tag"),
    "kind": ("schedule change", "time off", "overtime", "shift swap"),
    "type": ("standard", "extended", "temporary"),
    "name": ("Standard", "Early", "Late", "Weekend", "Peak season", "Part time", "Night", "Pilot"),
    "timezone": ("Europe/Lisbon", "Europe/Warsaw", "Asia/Manila"),
    "language": ("en", "pt", "de", "pl"),
    "location": PLACES,
    "site": PLACES,
}


def words_for(*names: str) -> tuple[str, ...] | None:
    """Return the vocabulary of the first name that has one, or None if no name has one."""
    for name in names:
        for part, words in VOCABULARY.items():
            if part in name:
                return words
    return None


def phone(draw: Draw) -> str:
    return f"+{draw.pick(('351', '48', '420', '353', '49'))} {200 + draw.below(700)} {100_000 + draw.below(900_000)}"


def workstation(draw: Draw) -> str:
    return f"WS-{draw.pick(('POR', 'KRK', 'DUB', 'BRN'))}-{100 + draw.below(800)}"


def path(draw: Draw) -> str:
    made = draw.until - timedelta(days=1 + draw.below(365))
    return f"/storage/{made:%Y/%m/%d}/{draw.random.getrandbits(48):012x}.wav"


def checksum(draw: Draw) -> str:
    return f"{draw.random.getrandbits(256):064x}"


# Columns whose names contain the key get texts from this function.
COMPOSED = {
    "phone": phone,
    "number": phone,
    "workstation": workstation,
    "host": workstation,
    "device": workstation,
    "path": path,
    "checksum": checksum,
    "sha": checksum,
    "hash": checksum,
}
