"""How parts presents itself to the shell."""

from monocoque.modules import Module

module = Module(
    name="parts",
    summary="The parts a person buys or means to buy.",
    requires=("auth",),
    router="monocoque_parts.routes:router",
    models="monocoque_parts.models",
    problems="monocoque_parts.problems",
    jobs="monocoque_parts.jobs",
    demo="monocoque_parts.demo",
)
