"""The words and the edge values that sample records are made of."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

BIRDS = (
    "kestrel",
    "wren",
    "tui",
    "plover",
    "heron",
    "curlew",
    "siskin",
    "dotterel",
    "kākāpō",
    "grèbe",
    "uhu",
)
COLOURS = ("Amber", "Teal", "Crimson", "Ochre", "Ivory", "Sable", "Émeraude", "Grün", "Azul", "緑", "Синий")
QUALITIES = (
    "Folding",
    "Cordless",
    "Stackable",
    "Second-hand",
    "Heavy-duty",
    "Crème",
    "Größe XL",
    "Tokyo-made",
)
THINGS = (
    "drill",
    "shelf",
    "lamp",
    "tent",
    "kettle",
    "microscope",
    "cable",
    "atlas",
    "bicycle",
    "脚立",
    "тиски",
)
SENTENCES = (
    "Bought second-hand and repaired once.",
    "Comes with the original box and manual.",
    "Handle is slightly worn; works as it should.",
    "Bitte nach Gebrauch wieder ins Regal stellen.",
    "À manipuler avec précaution : verre fin.",
    "Spare parts are in the same drawer.",
    "Calibrated in spring; next check is due in two years.",
)
ACTIONS = ("created", "moved", "lent", "returned", "repriced", "described", "photographed", "archived")
BUILDINGS = ("Main hall", "Annex", "Cellar", "Loft", "Workshop Süd", "倉庫")
TYPE_TREE = {
    "Tools": ("Hand tools", "Power tools", "Measuring", "Garden", "Cleaning"),
    "Furniture": ("Shelves", "Chairs", "Tables", "Lighting"),
    "Kitchen": ("Appliances", "Cookware", "Tableware", "Storage"),
    "Outdoor": ("Camping", "Cycling", "Water sports"),
    "Laboratory": ("Optics", "Glassware", "Electronics", "Chemicals"),
    "Médias": ("Books", "Maps", "Recordings", "Jeux de société"),
}

# Each of these has broken a migration somewhere: quoting, normalisation, byte order, length, look-alikes of NULL.
EDGE_NAMES = (
    "",
    " leading and trailing ",
    'a 5" pipe, "quoted", and it\'s \\ escaped',
    "first line\nsecond line\r\n\ttabbed",
    "toolbox 🧰 family 👨‍👩‍👧‍👦 flag 🇳🇿",
    "Cafe\u0301 is not Café",
    "مرحبا بالعالم and שלום",
    "zero\u200bwidth, no\u00a0break, mark\ufeff",
    "NULL",
    "null",
    "$set.price",
    "{{ ItemDesc }} {% raw %}",
    "'; DROP TABLE items; --",
    "beyond the first plane: 𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𠜎",
    "bell \x07 and escape \x1b",
    "x" * 160,
)
LONG_TEXT = "A very long description, as pasted from a manual. Größe 🧰 " * 400
EDGE_TEXTS = (*EDGE_NAMES, LONG_TEXT)

# Numbers as people typed them: every one is a number, few are written the way a number column writes them.
EDGE_PRICES = ("0012.50", "12.5", "0", "00", "-3.00", "999999999.99", "0.01", "1000000", "7.", "+8.25")
EDGE_SERIALS = ("0", "007", "000000", "1e5", "n/a", "S/N \u2116 5", "ÅÄÖ-1", "٠١٢")

# asyncpg reads the first and the last day that Python knows as minus and plus infinity, so both are left out.
EDGE_DATES = (
    date(1, 1, 2),
    date(1582, 10, 15),
    date(1900, 2, 28),
    date(1969, 12, 31),
    date(1970, 1, 1),
    date(2000, 2, 29),
    date(2024, 2, 29),
    date(2038, 1, 19),
    date(9999, 12, 30),
)
# BSON keeps milliseconds, so no moment is finer than that.
EDGE_MOMENTS = (
    datetime(1, 1, 2, tzinfo=UTC),
    datetime(1969, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC),
    datetime(1970, 1, 1, tzinfo=UTC),
    datetime(2024, 2, 29, 23, 59, 59, 1_000, tzinfo=UTC),
    datetime(2038, 1, 19, 3, 14, 8, tzinfo=UTC),
    datetime(9999, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC),
)
EDGE_COSTS = (Decimal("0.00"), Decimal("-0.01"), Decimal("9999999999.99"), Decimal("100.10"))
EDGE_FLOATS = (0.0, 0.1, 0.1 + 0.2, 1e-9, 5e-324, 1.7976931348623157e308, 9007199254740993.0, 1e15)
