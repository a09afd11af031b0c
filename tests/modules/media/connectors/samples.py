"""A full answer of each vendor, made by hand: every row of the field tables finds something here."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from monocoque_media.connectors.fields import at
from monocoque_media.connectors.mapping_google_books import map_volume
from monocoque_media.connectors.mapping_igdb import map_game, map_search_row
from monocoque_media.connectors.mapping_lastfm import map_album, map_track
from monocoque_media.connectors.mapping_tmdb import map_title
from monocoque_media.contracts import NormalisedItem

Mapping = Callable[[Any], NormalisedItem]

VOLUME: dict[str, Any] = {
    "id": "volume000001",
    "volumeInfo": {
        "title": "Frankenstein",
        "subtitle": "Or, The Modern Prometheus",
        "description": "<p>A <b>modern</b> myth &amp; more.<br>By lake Geneva.</p>",
        "publishedDate": "1818-01",
        "imageLinks": {
            "thumbnail": "http://books.google.com/content?zoom=1",
            "large": "http://books.google.com/content?zoom=4",
        },
        "canonicalVolumeLink": "https://books.google.com/books/about/Frankenstein.html",
        "infoLink": "http://books.google.com/books?id=volume000001",
        "authors": ["Mary Shelley", "Mary Shelley", ""],
        "pageCount": 0,
        "printedPageCount": 280,
        "industryIdentifiers": [
            {"type": "ISBN_10", "identifier": "0141439475"},
            {"type": "ISBN_13", "identifier": "978-0-14-143947-1"},
            {"type": "OTHER", "identifier": "OCLC:1"},
        ],
        "publisher": "Lackington",
        "language": "en",
        "categories": ["Fiction"],
        "averageRating": 4,
        "ratingsCount": 117,
        "maturityRating": "NOT_MATURE",
        "printType": "BOOK",
        "previewLink": "http://books.google.com/books?id=volume000001&hl=",
    },
}
_TMDB = {
    "overview": "A city in two halves.",
    "poster_path": "/poster.jpg",
    "backdrop_path": "/back.jpg",
    "genres": [{"id": 878, "name": "Science Fiction"}],
    "genre_ids": [878],
    "tagline": "There can be no understanding between the hands and the brain",
    "original_language": "de",
    "origin_country": ["DE"],
    "production_countries": [{"iso_3166_1": "DE", "name": "Germany"}],
    "status": "Released",
    "homepage": "https://www.murnau-stiftung.de/",
    "vote_average": 8.1,
    "vote_count": 2500,
    "production_companies": [{"id": 12372, "name": "UFA"}],
    "imdb_id": "tt0017136",
    "credits": {
        "cast": [{"name": "Brigitte Helm", "character": "Maria"}],
        "crew": [
            {"name": "Fritz Lang", "job": "Director"},
            {"name": "Fritz Lang", "job": "Director"},
            {"name": "Thea von Harbou", "job": "Screenplay"},
        ],
    },
}
MOVIE = {
    **_TMDB,
    "id": 19,
    "title": "Metropolis",
    "original_title": "Metropolis (1927)",
    "release_date": "1927-02-06",
    "runtime": 153,
    "belongs_to_collection": {"id": 1, "name": "Silent films"},
    "external_ids": {"imdb_id": "tt0017136", "wikidata_id": "Q151599"},
}
TV = {
    **_TMDB,
    "id": 21,
    "name": "A series",
    "original_name": "Eine Serie",
    "first_air_date": "1963-11-23",
    "episode_run_time": [0, 25],
    "created_by": [{"name": "Sydney Newman"}],
    "last_air_date": "1989-12-06",
    "number_of_seasons": 26,
    "number_of_episodes": 695,
    "networks": [{"name": "BBC One"}],
    "external_ids": {"wikidata_id": "Q34316", "tvdb_id": 76107, "imdb_id": "tt0056751"},
}
GAME = {
    "id": 7,
    "name": "Tetris",
    "summary": "Blocks fall.",
    "storyline": "They keep falling.",
    "first_release_date": 455328000,
    "release_dates": [76576, {"date": 455328000, "category": 1, "human": "Jun 1984"}, {"date": 1, "category": 7}],
    "cover": {"id": 1, "image_id": "co1abc", "url": "//images.igdb.com/igdb/image/upload/t_thumb/co1abc.jpg"},
    "url": "https://www.igdb.com/games/tetris",
    "platforms": [6, {"id": 52, "name": "Arcade"}],
    "involved_companies": [
        36378,
        {"company": {"name": "Elorg"}, "developer": True, "publisher": False},
        {"company": {"name": "Elorg"}, "developer": True, "publisher": True},
        {"company": 4357, "developer": True},
        {"company": {"name": "Port Authority"}, "developer": False, "porting": True},
    ],
    "genres": [9, {"id": 9, "name": "Puzzle"}],
    "themes": [{"id": 1, "name": "Action"}],
    "game_modes": [{"id": 1, "name": "Single player"}],
    "game_type": 0,
    "category": 8,
    "rating": 84.1015253345384,
    "rating_count": 11,
    "aggregated_rating": 90,
    "slug": "tetris",
    "websites": [32223, {"url": "https://tetris.com"}],
}
ROW = {"id": 49632, "alternative_name": "テトリス", "game": 7, "name": "Tetris", "published_at": 455328000}
_LASTFM = {
    "name": "Gymnopédie No. 1",
    "wiki": {
        "content": 'Slow. <a href="https://www.last.fm/music/x">Read more on Last.fm</a>. User-contributed text is '
        "available under the Creative Commons By-SA License.",
        "summary": "Slow.",
    },
    "url": "https://www.last.fm/music/Erik+Satie/_/Gymnop%C3%A9die+No.+1",
    "mbid": "30cb03f3-bd95-43b0-9d41-6d75e13cd353",
    "listeners": "1315650",
    "playcount": 11022708,
    "toptags": {"tag": {"name": "piano", "url": "https://www.last.fm/tag/piano"}},
    "image": [{"#text": "https://x.net/s.png", "size": "small"}, {"#text": "https://x.net/l.png", "size": "large"}],
}
TRACK = {
    **_LASTFM,
    "artist": {"name": "Erik Satie"},
    "album": {"title": "Gymnopédies", "@attr": {"position": "1"}, "image": [{"#text": "http://x.net/a", "size": ""}]},
    "duration": "157000",
}
ALBUM = {
    **_LASTFM,
    "artist": "Erik Satie",
    "releasedate": "    28 May 2012, 00:00",
    "tracks": {"track": [{"name": "One", "duration": "382"}, {"name": "Two", "duration": 238}]},
}
SAMPLES: dict[str, tuple[Mapping, dict[str, Any]]] = {
    "Google Books: volume to book": (map_volume, VOLUME),
    "TMDB: movie to movie": (lambda payload: map_title(payload, "movie"), MOVIE),
    "TMDB: tv to tv": (lambda payload: map_title(payload, "tv"), TV),
    "IGDB: game to game": (map_game, GAME),
    "IGDB: row of the endpoint search to game": (map_search_row, ROW),
    "Last.fm: track to music": (map_track, TRACK),
    "Last.fm: album to music": (map_album, ALBUM),
}


def value_of(item: NormalisedItem, target: str) -> Any:
    room, _, name = target.partition(".")
    if room == "metadata":
        return item.metadata.get(name)
    return getattr(item.details, name) if room == "details" else getattr(item, room)


def without(payload: dict[str, Any], path: str) -> dict[str, Any]:
    """A copy that lacks the member at a path."""
    changed = copy.deepcopy(payload)
    *outer, last = path.split(".")
    at(changed, ".".join(outer)).pop(last, None) if outer else changed.pop(last, None)
    return changed
