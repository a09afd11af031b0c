"""What the demo people make of the works: their tags, and where they are with them."""

from __future__ import annotations

from monocoque_auth.contracts import DEMO_PEOPLE
from monocoque_media.schemas.states import StateWrite
from monocoque_media.schemas.tags import TagWrite

CURATOR, MECHANIC = DEMO_PEOPLE

TAGS = {
    "media.tag-noir": (CURATOR, TagWrite(name="Noir")),
    "media.tag-neo-noir": (CURATOR, TagWrite(name="Neo-noir")),
    "media.tag-los-angeles": (CURATOR, TagWrite(name="Los Angeles")),
    "media.tag-rainy-night": (CURATOR, TagWrite(name="Rainy night")),
    "media.tag-to-lend": (CURATOR, TagWrite(name="To lend")),
    "media.tag-garage": (MECHANIC, TagWrite(name="For the garage")),
}
"""The tags, with whose they are."""

TAGGED = {
    "media.tag-noir": (
        "the-maltese-falcon-1930",
        "the-big-sleep-1939",
        "double-indemnity-1943",
        "in-a-lonely-place-1947",
        "the-talented-mr-ripley-1955",
        "devil-in-a-blue-dress-1990",
        "the-maltese-falcon-1941",
        "double-indemnity-1944",
        "laura-1944",
        "the-big-sleep-1946",
        "out-of-the-past-1947",
        "the-third-man-1949",
        "sunset-boulevard-1950",
        "in-a-lonely-place-1950",
        "touch-of-evil-1958",
    ),
    "media.tag-neo-noir": (
        "chinatown-1974",
        "blade-runner-1982",
        "la-confidential-1997",
        "brick-2005",
        "veronica-mars-2004",
        "true-detective-2014",
        "la-noire-2011",
        "max-payne-2001",
        "grim-fandango-1998",
        "disco-elysium-2019",
    ),
    "media.tag-los-angeles": (
        "the-big-sleep-1939",
        "the-big-sleep-1946",
        "double-indemnity-1944",
        "in-a-lonely-place-1947",
        "devil-in-a-blue-dress-1990",
        "sunset-boulevard-1950",
        "chinatown-1974",
        "blade-runner-1982",
        "la-confidential-1997",
        "la-noire-2011",
    ),
    "media.tag-rainy-night": (
        "twin-peaks-1990",
        "ascenseur-1958",
        "taxi-driver-1976",
        "dummy-1994",
        "blade-runner-music-1994",
        "sunset-mission-2000",
    ),
    "media.tag-to-lend": ("neuromancer-1984", "always-coming-home-1985"),
    "media.tag-garage": ("frozen-1998", "clothes-music-boys-2014", "dummy-1994"),
}
"""What has a tag, without the `media.` of its name."""


def _done(
    rating: int, finished: str, *, favorite: bool = False, notes: str | None = None, begun: str | None = None
) -> StateWrite:
    return StateWrite.model_validate(
        {
            "status": "completed",
            "rating": rating,
            "favorite": favorite,
            "notes": notes,
            "started_at": begun,
            "finished_at": finished,
        }
    )


def _at(status: str, begun: str | None = None, notes: str | None = None) -> StateWrite:
    return StateWrite.model_validate({"status": status, "started_at": begun, "notes": notes})


STATES = {
    CURATOR: {
        "the-maltese-falcon-1930": _done(88, "2025-01-12", begun="2025-01-04"),
        "the-big-sleep-1939": _done(92, "2025-01-26", begun="2025-01-15", favorite=True),
        "double-indemnity-1943": _done(85, "2025-02-02", begun="2025-02-01", notes="In two evenings."),
        "in-a-lonely-place-1947": _done(94, "2025-02-20", begun="2025-02-09", favorite=True),
        "nineteen-eighty-four-1949": _at("paused", "2025-05-03", "Not at bedtime."),
        "the-talented-mr-ripley-1955": _at("active", "2025-11-08"),
        "do-androids-dream-1968": _done(80, "2025-03-16", begun="2025-03-02"),
        "neuromancer-1984": _done(82, "2024-08-18", begun="2024-08-05"),
        "always-coming-home-1985": _at("active", "2025-10-19", "A chapter now and then."),
        "devil-in-a-blue-dress-1990": _at("planned"),
        "the-maltese-falcon-1941": _done(90, "2025-01-13"),
        "double-indemnity-1944": _done(96, "2025-02-03", favorite=True),
        "laura-1944": _done(84, "2025-03-09"),
        "the-big-sleep-1946": _done(88, "2025-01-27", notes="Lost the thread again, and did not mind."),
        "out-of-the-past-1947": _at("planned"),
        "the-third-man-1949": _done(97, "2025-03-30", favorite=True),
        "sunset-boulevard-1950": _done(93, "2025-04-06"),
        "in-a-lonely-place-1950": _done(91, "2025-02-21"),
        "touch-of-evil-1958": _at("planned"),
        "chinatown-1974": _done(95, "2025-04-20", favorite=True),
        "blade-runner-1982": _done(94, "2025-03-17"),
        "la-confidential-1997": _done(87, "2025-04-27"),
        "brick-2005": _done(78, "2025-05-11"),
        "twin-peaks-1990": _at("active", "2025-09-28"),
        "veronica-mars-2004": _at("paused", "2025-06-01"),
        "breaking-bad-2008": _done(90, "2024-12-30", begun="2024-09-14"),
        "true-detective-2014": _done(86, "2025-07-06", begun="2025-06-20"),
        "blade-runner-1997": _at("planned"),
        "grim-fandango-1998": _done(89, "2025-08-24", begun="2025-08-02", favorite=True),
        "max-payne-2001": _at("dropped", "2025-08-30", "The dream sequences."),
        "la-noire-2011": _at("active", "2025-10-04"),
        "obra-dinn-2018": _done(98, "2024-11-17", begun="2024-11-09", favorite=True),
        "disco-elysium-2019": _at("planned"),
        "the-third-man-theme-1949": _done(75, "2025-03-30"),
        "ascenseur-1958": _done(92, "2025-02-15", favorite=True),
        "taxi-driver-1976": _done(83, "2025-04-12"),
        "dummy-1994": _done(90, "2024-10-26"),
        "blade-runner-music-1994": _done(88, "2025-03-18"),
        "sunset-mission-2000": _done(81, "2025-05-25"),
    },
    MECHANIC: {
        "the-matrix-1999": _done(85, "2025-06-14"),
        "breaking-bad-2008": _at("active", "2025-10-01"),
        "god-of-war-2018": _done(91, "2025-04-05", begun="2025-02-22", favorite=True),
        "frozen-1998": _done(70, "2025-07-19"),
        "clothes-music-boys-2014": _at("active", "2025-11-02"),
        "blade-runner-1982": _at("planned"),
    },
}
"""Where they are, by what it is, without the `media.` of its name."""
