"""How media presents itself to the shell."""

from monocoque.modules import Module

module = Module(
    name="media",
    summary="A catalogue of books, films, games and music that fills itself.",
    requires=("auth",),
    router="monocoque_media.routes:router",
    models="monocoque_media.models",
    settings="monocoque_media.settings:MediaSettings",
    problems="monocoque_media.problems",
    lifespan="monocoque_media.facade:lifespan",
    jobs="monocoque_media.jobs",
    demo="monocoque_media.demo",
)
