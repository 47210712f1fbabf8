"""What must stand in no output and no log: card numbers, e-mail addresses, names of people. Pure.

A card number is one by its issuer's first digits, its length and its check digit (ISO/IEC 7812-1,
Luhn). A name is a common given name before a capitalised word; it is a net with wide meshes.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Literal

Kind = Literal["card number", "e-mail address", "name", "column"]
CARD = re.compile(
    r"(?<![\w.])(?:\d{13,19}|\d{4}([ -])\d{4}\1\d{4}\1\d{4}|3\d{3}([ -])\d{6}\2\d{5})(?![\w]|\.\d)"
)
ISSUERS = (
    (r"4", (13, 16, 19)),
    (r"5[1-5]", (16,)),
    (r"222[1-9]|22[3-9]|2[3-6]|27[01]|2720", (16,)),
    (r"3[47]", (15,)),
    (r"30[0-5]|36|3[89]", (14,)),
    (r"35(?:2[89]|[3-8])", (16,)),
    (r"6011|64[4-9]|65", (16, 17, 18, 19)),
    (r"62", (16, 17, 18, 19)),
)
"""First digits of an issuer, and the lengths that its numbers have."""
MAIL = re.compile(r"(?<![\w.+-])[\w.+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}")
GIVEN = frozenset(
    [
        "Alexander",
        "Alice",
        "Amanda",
        "Andrea",
        "Andrew",
        "Angela",
        "Anna",
        "Anthony",
        "Barbara",
        "Benjamin",
        "Brenda",
        "Brian",
        "Carlos",
        "Carol",
        "Catherine",
        "Charles",
        "Christine",
        "Christopher",
        "Cynthia",
        "Daniel",
        "David",
        "Deborah",
        "Dennis",
        "Diane",
        "Donna",
        "Dorothy",
        "Edward",
        "Elena",
        "Elizabeth",
        "Emily",
        "Emma",
        "Eric",
        "Fatima",
        "Fernando",
        "Francesca",
        "Gabriel",
        "Gary",
        "George",
        "Giovanni",
        "Gregory",
        "Hans",
        "Heather",
        "Helen",
        "Henry",
        "Hiroshi",
        "Isabella",
        "Ivan",
        "James",
        "Jason",
        "Jean",
        "Jeffrey",
        "Jennifer",
        "Jessica",
        "Johann",
        "John",
        "Jonathan",
        "Jose",
        "Joseph",
        "Joshua",
        "Juan",
        "Julia",
        "Karen",
        "Katharina",
        "Kathleen",
        "Kenneth",
        "Kevin",
        "Kimberly",
        "Larry",
        "Laura",
        "Lisa",
        "Luis",
        "Maria",
        "Margaret",
        "Marie",
        "Martha",
        "Mary",
        "Matthew",
        "Melissa",
        "Michael",
        "Michelle",
        "Mohammed",
        "Nancy",
        "Natalia",
        "Nicholas",
        "Nicole",
        "Olivia",
        "Pamela",
        "Patricia",
        "Patrick",
        "Paul",
        "Peter",
        "Priya",
        "Rachel",
        "Rebecca",
        "Richard",
        "Robert",
        "Ronald",
        "Ruth",
        "Samantha",
        "Samuel",
        "Sandra",
        "Sarah",
        "Scott",
        "Sergei",
        "Sharon",
        "Shirley",
        "Sofia",
        "Stephanie",
        "Stephen",
        "Steven",
        "Susan",
        "Thomas",
        "Timothy",
        "Victoria",
        "Virginia",
        "Wei",
        "William",
        "Wolfgang",
    ]
)
NAME = re.compile(r"\b([A-Z][a-z]+) (?:[A-Z]\. )?[A-ZÀ-Þ][a-zß-ÿ]{2,}\b")
COLUMNS = re.compile(
    r"(?:full|first|last|given|family|holder|client)?_?(?:name|surname)|e_?mail|card_?number|pan|"
    r"phone|ssn|iban",
    re.IGNORECASE,
)
"""A column of an output that by its name holds what should not be there."""


@dataclass(frozen=True)
class PersonalData:
    """One thing that should not be there; `shown` is masked, so that a report leaks nothing."""

    kind: Kind
    shown: str


def find(text: str, allowed: Collection[str] = ()) -> Iterator[PersonalData]:
    """Everything personal in a text; `allowed` are addresses that are declared, as an owner's."""
    for match in CARD.finditer(text):
        if is_card(re.sub(r"\D", "", match[0])):
            yield PersonalData("card number", mask(match[0]))
    for match in MAIL.finditer(text):
        if match[0] not in allowed:
            yield PersonalData("e-mail address", mask(match[0]))
    for match in NAME.finditer(text):
        if match[1] in GIVEN:
            yield PersonalData("name", mask(match[0]))


def columns(names: Collection[str]) -> Iterator[PersonalData]:
    """Columns whose names say that they hold what should not be there."""
    for name in names:
        if COLUMNS.fullmatch(name):
            yield PersonalData("column", name)


def is_card(digits: str) -> bool:
    """Whether digits are a card's number.

    >>> is_card("4111111111111111"), is_card("4111111111111112"), is_card("20250107000000018")
    (True, False, False)
    """
    known = any(re.match(first, digits) and len(digits) in sizes for first, sizes in ISSUERS)
    return known and luhn(digits)


def luhn(digits: str) -> bool:
    """Whether the last digit is the check digit of the others.

    >>> luhn("79927398713"), luhn("79927398710")
    (True, False)
    """
    total = 0
    for place, digit in enumerate(reversed(digits)):
        doubled = int(digit) * (1 + place % 2)
        total += doubled - 9 if doubled > 9 else doubled
    return total % 10 == 0


def mask(text: str) -> str:
    """The first two characters and the last one.

    >>> mask("4111 1111")
    '41******1'
    """
    return f"{text[:2]}{'*' * (len(text) - 3)}{text[-1:]}"
