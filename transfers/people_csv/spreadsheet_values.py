"""Recognize what a spreadsheet made of an ID when it took it for a date, a time or a truth value."""

import re
import unicodedata

from transfers.people_csv import problem_kinds
from wording.normal_form import normalized
from wording.problems import Kind

# Names of months and their abbreviations in spreadsheets, in plain letters.
_MONTHS = """
    jan feb mar apr may jun jul aug sep sept oct nov dec january february march april june july august september october
    november december januar februar marz maerz mrz mai juni juli oktober okt dezember dez janv janvier fev fevr fevrier
    mars avr avril juin juil juillet aout septembre octobre novembre decembre ene enero febrero marzo abr abril mayo
    junio julio ago agosto septiembre octubre noviembre dic diciembre gen gennaio febbraio aprile mag maggio giu giugno
    lug luglio set settembre ott ottobre dicembre janeiro fevereiro marco maio junho julho setembro out outubro novembro
    dezembro mrt maart mei augustus maj sty lut kwi cze lip sie wrz paz lis gru oca sub nis haz tem agu eyl eki kas ara
    янв фев мар апр май мая июн июл авг сен окт ноя дек января февраля марта апреля июня июля августа сентября октября
    ноября декабря
"""
_TRUTH_VALUES = """
    true false wahr falsch vrai faux verdadero falso vero verdadeiro waar onwaar prawda falsz sant falskt falsk sand
    tosi epatosi dogru yanlis истина ложь правда pravda nepravda igaz hamis adevarat fals 真 假
"""
_CLOCK = r"[0-9]{1,3}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?(?:\s?[ap]\.?m\.?)?"
_TIME = re.compile(_CLOCK, re.IGNORECASE)
_DATE = re.compile(
    rf"[0-9]{{1,4}}([-/.])[0-9]{{1,2}}\1[0-9]{{1,4}}(?:[T ]\s?{_CLOCK}.{{0,7}})?", re.IGNORECASE
)
_CHINESE_DATE = re.compile(r"(?:[0-9]{2,4}年)?[0-9]{1,2}月(?:[0-9]{1,2}日)?")
_NAMED_DATE = re.compile(
    r"(?:[0-9]{1,4}(?P<end>\.|th|st|nd|rd)?[-/. ]*)?(?P<month>[^\W\d_]+)\.?(?:[-/., ]*[0-9]{1,4}){0,2}"
)


def value_kind(text: str) -> Kind | None:
    """Return the kind of problem if a spreadsheet shows a date, a time or a truth value like this, else None."""
    if plain(text) in TRUTH_VALUES:
        return problem_kinds.ID_IS_TRUTH_VALUE
    if _TIME.fullmatch(text):
        return problem_kinds.ID_IS_TIME
    is_date = _DATE.fullmatch(text) or _CHINESE_DATE.fullmatch(text) or names_month(text)
    return problem_kinds.ID_IS_DATE if is_date else None


def names_month(text: str) -> bool:
    """Return whether the text is a date with the name of a month, such as 3-Jan or Jan-19."""
    match = _NAMED_DATE.fullmatch(text)
    return match is not None and any(map(str.isdigit, text)) and plain(match["month"]) in MONTHS


def plain(text: str) -> str:
    """Return the text in lower case and without accents."""
    decomposed = normalized("NFKD", text.casefold().replace("ł", "l"))
    return "".join(char for char in decomposed if not unicodedata.combining(char))


MONTHS = frozenset(map(plain, _MONTHS.split()))
TRUTH_VALUES = frozenset(map(plain, _TRUTH_VALUES.split()))
