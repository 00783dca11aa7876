"""Python code in the layout of the formatter: on one line if it fits, otherwise one argument on each line."""

import json
import textwrap
from collections.abc import Sequence

from wording.display_text import prose

WIDTH = 110
Code = "str | Call"


class Call:
    """A call, a tuple or a list. `start` is the text before the arguments, such as "Combine(" or "("."""

    def __init__(
        self, start: str, arguments: Sequence["str | Call"], end: str = ")", always: bool = False
    ) -> None:
        """always: put each argument on a line of its own, whether they fit on one or not."""
        self.start, self.arguments, self.end, self.always = start, arguments, end, always

    def flat(self) -> str:
        listed = ", ".join(
            argument if isinstance(argument, str) else argument.flat() for argument in self.arguments
        )
        comma = "," if self.start == "(" and len(self.arguments) == 1 else ""
        return f"{self.start}{listed}{comma}{self.end}"

    @property
    def is_tall(self) -> bool:
        return self.always or any(
            isinstance(argument, Call) and argument.is_tall for argument in self.arguments
        )

    def text(self, indent: int = 0, before: str = "", after: str = "") -> str:
        """Return the code. `before` and `after` are on its first and last line: a name, a comma."""
        line = f"{' ' * indent}{before}{self.flat()}{after}"
        if not self.is_tall and len(line) <= WIDTH and "\n" not in line:
            return line
        lines = [f"{' ' * indent}{before}{self.start}"]
        lines += [shown(argument, indent + 4) for argument in self.arguments]
        lines.append(f"{' ' * indent}{self.end}{after}")
        return "\n".join(lines)


class Words(Call):
    """A sentence as a string, over several lines if it is long."""

    def __init__(self, sentence: str) -> None:
        super().__init__("", [])
        self.sentence = prose(sentence)

    def flat(self) -> str:
        return text(self.sentence)

    def text(self, indent: int = 0, before: str = "", after: str = "") -> str:
        one = f"{' ' * indent}{before}{self.flat()}{after}"
        if len(one) <= WIDTH:
            return one
        words = textwrap.wrap(
            self.sentence, WIDTH - indent - 14, break_long_words=False, break_on_hyphens=False
        )
        parts = [text(part if number == 0 else f" {part}") for number, part in enumerate(words)]
        if before:
            inner = "\n".join(f"{' ' * (indent + 4)}{part}" for part in parts)
            return f"{' ' * indent}{before}(\n{inner}\n{' ' * indent}){after}"
        return "\n".join(f"{' ' * indent}{part}" for part in parts) + after


def shown(argument: "str | Call", indent: int) -> str:
    if isinstance(argument, str):
        return f"{' ' * indent}{argument},"
    name = getattr(argument, "name", "")
    return argument.text(indent, before=f"{name}=" if name else "", after=",")


class Named(Call):
    """A keyword argument."""

    def __init__(self, name: str, value: Call) -> None:
        super().__init__(value.start, value.arguments, value.end, value.always)
        self.name = name

    def flat(self) -> str:
        return f"{self.name}={super().flat()}"

    def text(self, indent: int = 0, before: str = "", after: str = "") -> str:
        plain = Call(self.start, self.arguments, self.end, self.always)
        return plain.text(indent, before=f"{self.name}=", after=after)


def text(value: str) -> str:
    """Return a string literal as the formatter writes it: double quotes, unless these need more escapes.

    Characters that are invisible or reorder their neighbours are escaped: the code is as it looks.
    """
    quoted = "".join(map(escaped, json.dumps(value, ensure_ascii=False)))
    if value.count('"') > value.count("'"):
        return "'" + quoted[1:-1].replace('\\"', '"').replace("'", "\\'") + "'"
    return quoted


def escaped(char: str) -> str:
    if char.isprintable():
        return char
    return f"\\u{ord(char):04x}" if ord(char) < 0x10000 else f"\\U{ord(char):08x}"


def in_docstring(sentence: str) -> str:
    """Return a sentence for a docstring that is no raw string."""
    return prose(sentence).replace("\\", "/").replace('"""', "'''")


def comment(sentence: str, indent: int) -> list[str]:
    """Return the lines of a comment."""
    prefix = f"{' ' * indent}# "
    return textwrap.wrap(
        prose(sentence),
        WIDTH,
        initial_indent=prefix,
        subsequent_indent=prefix,
        break_long_words=False,
        break_on_hyphens=False,
    )
