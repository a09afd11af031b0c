"""How build_lists presents itself to the shell."""

from monocoque.modules import Module

module = Module(
    name="build_lists",
    summary="What a car still needs: lists of parts, their cost, and a link to share them.",
    requires=("auth", "cars", "parts"),
    router="monocoque_build_lists.routes:router",
    public_router="monocoque_build_lists.public_routes:router",
    pages={"/l": "monocoque_build_lists.pages:router"},
    models="monocoque_build_lists.models",
    problems="monocoque_build_lists.problems",
    jobs="monocoque_build_lists.jobs",
    demo="monocoque_build_lists.demo",
)
