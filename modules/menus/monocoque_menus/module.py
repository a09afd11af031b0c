"""How menus presents itself to the shell."""

from monocoque.modules import Module

module = Module(
    name="menus",
    summary="Curated menus of media: courses of books, films, games and music, to publish or to share by a link.",
    requires=("auth", "media"),
    router="monocoque_menus.routes:router",
    public_router="monocoque_menus.public_routes:router",
    pages={"/m": "monocoque_menus.pages:router"},
    extends={"media": "monocoque_menus.media_routes:router"},
    models="monocoque_menus.models",
    problems="monocoque_menus.problems",
    jobs="monocoque_menus.jobs",
    demo="monocoque_menus.demo",
    provides={"media.items_merged": "monocoque_menus.merging_service:follow_merge"},
)
