"""Demo rows of requests between users, and their comments."""

from datetime import timedelta

from demo.records.draw import Draw, Row
from records.workforce.models import UserMessagingRequest, UserMessagingRequestComment

Kind, State = UserMessagingRequest.Kind, UserMessagingRequest.State
ASKED = {
    Kind.MESSAGE: [
        ("New headset", "Mine crackles on the left. Who has the spares?"),
        ("Late tomorrow", "The southern train line is closed until eight, so I will be in at nine."),
    ],
    Kind.SHIFT_SWAP: [
        ("Swap on Friday?", "Could you take my late shift on Friday? I can take your early one on Monday."),
        ("Weekend", "I need to swap my Sunday shift. I can work any day of the following week."),
    ],
    Kind.TIME_OFF: [
        ("Holiday in August", "Two weeks from the third, the same as every year."),
        ("Day off for moving house", "Friday would be best, but Monday works too."),
    ],
    Kind.OVERTIME: [
        ("Overtime next week", "I can stay two extra hours from Monday to Wednesday."),
        ("Saturday", "I can come in on Saturday if you are short-staffed."),
    ],
}
ANSWERS = (
    "Approved.",
    "Sorry, not this week.",
    "Thank you!",
    "Let's talk about it tomorrow.",
    "Fine with me.",
    "Please ask the planners first.",
)


def request(draw: Draw, row: Row) -> None:
    """Let the request be answered within three days, and in most cases accepted.

    A request whose answer would lie in the future stays open.
    """
    row["subject"], row["message"] = draw.pick(ASKED[row["kind"]])
    row["answered_at"] = row["sent_at"] + timedelta(minutes=5 + draw.below(4300))
    is_open = row["answered_at"] > draw.midnight
    row["state"] = State.OPEN if is_open else draw.pick((*[State.ACCEPTED] * 3, State.DECLINED))
    if is_open:
        row["answered_at"] = None


def comment(draw: Draw, row: Row) -> None:
    row["comment"] = draw.pick(ANSWERS)


VALUES = {UserMessagingRequest: request, UserMessagingRequestComment: comment}
