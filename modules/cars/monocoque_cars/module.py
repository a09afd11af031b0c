"""How cars presents itself to the shell."""

from monocoque.modules import Module

module = Module(
    name="cars",
    summary="The cars a person owns.",
    requires=("auth",),
    router="monocoque_cars.routes:router",
    models="monocoque_cars.models",
    problems="monocoque_cars.problems",
    jobs="monocoque_cars.jobs",
    demo="monocoque_cars.demo",
)
