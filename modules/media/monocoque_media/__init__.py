"""A catalogue of books, films, games and music."""
