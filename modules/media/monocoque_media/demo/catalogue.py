"""The works of the demo data: true ones, named by their titles and years."""

from __future__ import annotations

from typing import Any

from monocoque_media.schemas.items import ItemWrite

# Covers are those that the sources have shown at these addresses; of a work without one, the place stays empty.
_TMDB = "https://image.tmdb.org/t/p/w500"
_IGDB = "https://images.igdb.com/igdb/image/upload/t_cover_big"


def _work(media_type: str, title: str, released: str, details: dict[str, Any], **more: Any) -> ItemWrite:
    given = {"media_type": media_type, "title": title, "release_date": released, "details": details, **more}
    return ItemWrite.model_validate(given)


def _book(title: str, released: str, author: str, *, edition: str | None = None, **more: Any) -> ItemWrite:
    """A book by its first year; where an ISBN is given, `edition` says whose it is."""
    own: dict[str, Any] = {name: more.pop(name) for name in ("isbn_13", "page_count", "publisher") if name in more}
    if edition is not None:
        more["metadata"] = {"edition": edition}
    return _work("book", title, released, {"authors": [author], "language": "en", **own}, **more)


def _film(title: str, released: str, director: str, runtime: int | None = None, **more: Any) -> ItemWrite:
    return _work("movie", title, released, {"directors": [director], "runtime": runtime}, **more)


def _series(title: str, released: str, *makers: str, **more: Any) -> ItemWrite:
    return _work("tv", title, released, {"directors": list(makers)}, **more)


def _game(title: str, released: str, developer: str, publisher: str, *platforms: str, **more: Any) -> ItemWrite:
    details = {"developers": [developer], "publishers": [publisher], "platforms": list(platforms)}
    return _work("game", title, released, details, **more)


def _music(title: str, released: str, artist: str, **own: Any) -> ItemWrite:
    return _work("music", title, released, {"kind": "album", "artist": artist, **own})


ITEMS = {
    # Books
    "media.the-maltese-falcon-1930": _book(
        "The Maltese Falcon",
        "1930",
        "Dashiell Hammett",
        isbn_13="9780679722649",
        page_count=240,
        publisher="Vintage",
        edition="Paperback, 1989",
    ),
    "media.the-big-sleep-1939": _book(
        "The Big Sleep",
        "1939",
        "Raymond Chandler",
        isbn_13="9780141037592",
        page_count=272,
        publisher="Penguin Books",
        edition="Paperback, 2008",
    ),
    "media.double-indemnity-1943": _book(
        "Double Indemnity",
        "1943",
        "James M. Cain",
        isbn_13="9780679723226",
        publisher="Vintage",
        edition="Paperback",
    ),
    "media.in-a-lonely-place-1947": _book("In a Lonely Place", "1947", "Dorothy B. Hughes"),
    "media.nineteen-eighty-four-1949": _book(
        "Nineteen Eighty-Four",
        "1949-06-08",
        "George Orwell",
        isbn_13="9781847498571",
        page_count=283,
        publisher="Alma Classics",
        edition="New Annotated Edition, 2021",
    ),
    "media.the-talented-mr-ripley-1955": _book("The Talented Mr. Ripley", "1955", "Patricia Highsmith"),
    "media.do-androids-dream-1968": _book("Do Androids Dream of Electric Sheep?", "1968", "Philip K. Dick"),
    "media.neuromancer-1984": _book(
        "Neuromancer",
        "1984",
        "William Gibson",
        isbn_13="9780441569595",
        page_count=271,
        publisher="Ace Books",
        edition="Paperback",
    ),
    "media.always-coming-home-1985": _book(
        "Always Coming Home",
        "1985",
        "Ursula K. Le Guin",
        isbn_13="9780520227354",
        publisher="University of California Press",
        edition="Paperback",
    ),
    "media.devil-in-a-blue-dress-1990": _book("Devil in a Blue Dress", "1990", "Walter Mosley"),
    "media.clothes-music-boys-2014": _book(
        "Clothes, Clothes, Clothes. Music, Music, Music. Boys, Boys, Boys.",
        "2014",
        "Viv Albertine",
        isbn_13="9780571297771",
        publisher="Faber & Faber",
        edition="E-book, 2014",
    ),
    # Films
    "media.the-maltese-falcon-1941": _film("The Maltese Falcon", "1941", "John Huston"),
    "media.double-indemnity-1944": _film("Double Indemnity", "1944", "Billy Wilder", 107),
    "media.laura-1944": _film("Laura", "1944", "Otto Preminger", 88),
    "media.the-big-sleep-1946": _film("The Big Sleep", "1946-08", "Howard Hawks", 114),
    "media.out-of-the-past-1947": _film("Out of the Past", "1947", "Jacques Tourneur", 97),
    "media.the-third-man-1949": _film(
        "The Third Man", "1949", "Carol Reed", cover_image_url=f"{_TMDB}/oIF3l7Dxp7Eyye10BNyM611wtKa.jpg"
    ),
    "media.sunset-boulevard-1950": _film("Sunset Boulevard", "1950-08-10", "Billy Wilder", 110),
    "media.in-a-lonely-place-1950": _film("In a Lonely Place", "1950", "Nicholas Ray", 94),
    "media.touch-of-evil-1958": _film("Touch of Evil", "1958", "Orson Welles"),
    "media.chinatown-1974": _film("Chinatown", "1974-06", "Roman Polanski"),
    "media.blade-runner-1982": _film(
        "Blade Runner",
        "1982-06-25",
        "Ridley Scott",
        117,
        cover_image_url=f"{_TMDB}/63N9uy8nd9j7Eog2axPQ8lbr3Wj.jpg",
    ),
    "media.la-confidential-1997": _film("L.A. Confidential", "1997", "Curtis Hanson", 138),
    "media.the-matrix-1999": _work(
        "movie",
        "The Matrix",
        "1999-03",
        {"directors": ["Lana Wachowski", "Lilly Wachowski"], "runtime": 136},
        cover_image_url=f"{_TMDB}/f89U3ADr1oiB1s9GkdPOEpXUk5H.jpg",
    ),
    "media.brick-2005": _film("Brick", "2005", "Rian Johnson", 110),
    # Series; their directors are who created them
    "media.twin-peaks-1990": _series(
        "Twin Peaks",
        "1990-04-08",
        "Mark Frost",
        "David Lynch",
        cover_image_url=f"{_TMDB}/ypeuD2LJiHSotbwy5C7wFeZSBhv.jpg",
    ),
    "media.veronica-mars-2004": _series("Veronica Mars", "2004-09-22", "Rob Thomas"),
    "media.breaking-bad-2008": _series(
        "Breaking Bad",
        "2008-01-20",
        "Vince Gilligan",
        cover_image_url=f"{_TMDB}/ggFHVNu6YYI5L9pCfOacjizRGt.jpg",
    ),
    "media.true-detective-2014": _series("True Detective", "2014-01-12", "Nic Pizzolatto"),
    # Games
    "media.blade-runner-1997": _game("Blade Runner", "1997", "Westwood Studios", "Virgin Interactive", "PC"),
    "media.grim-fandango-1998": _game("Grim Fandango", "1998-10", "LucasArts", "LucasArts", "PC"),
    "media.max-payne-2001": _game("Max Payne", "2001-07", "Remedy Entertainment", "Gathering of Developers", "PC"),
    "media.la-noire-2011": _game(
        "L.A. Noire", "2011-05-17", "Team Bondi", "Rockstar Games", "PlayStation 3", "Xbox 360"
    ),
    "media.god-of-war-2018": _game(
        "God of War",
        "2018-04-20",
        "SIE Santa Monica Studio",
        "Sony Interactive Entertainment",
        "PlayStation 4",
        cover_image_url=f"{_IGDB}/co1tmu.jpg",
    ),
    "media.obra-dinn-2018": _game("Return of the Obra Dinn", "2018-10-18", "Lucas Pope", "3909", "PC", "Mac"),
    "media.disco-elysium-2019": _game("Disco Elysium", "2019-10-15", "ZA/UM", "ZA/UM", "PC"),
    # Music
    "media.the-third-man-theme-1949": _music("The Third Man Theme", "1949", "Anton Karas", kind="track"),
    "media.ascenseur-1958": _music("Ascenseur pour l'échafaud", "1958", "Miles Davis"),
    "media.taxi-driver-1976": _music("Taxi Driver", "1976", "Bernard Herrmann"),
    "media.twin-peaks-music-1990": _music("Soundtrack from Twin Peaks", "1990-09", "Angelo Badalamenti"),
    "media.dummy-1994": _music("Dummy", "1994-08", "Portishead"),
    "media.blade-runner-music-1994": _music("Blade Runner", "1994-06", "Vangelis"),
    "media.frozen-1998": _music(
        "Frozen", "1998", "Madonna", kind="track", album="Ray of Light", track_number=9, duration_ms=372_000
    ),
    "media.sunset-mission-2000": _music("Sunset Mission", "2000", "Bohren & der Club of Gore"),
}
"""All of them were entered by the curator."""
