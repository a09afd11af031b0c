"""How auth presents itself to the shell."""

from monocoque.modules import Module

module = Module(
    name="auth",
    summary="Accounts, sign-in and sessions.",
    router="monocoque_auth.routes:router",
    models="monocoque_auth.models",
    settings="monocoque_auth.settings:AuthSettings",
    problems="monocoque_auth.problems",
    commands="monocoque_auth.commands:app",
    lifespan="monocoque_auth.facade:lifespan",
    authenticator="monocoque_auth.facade:build_authenticator",
    jobs="monocoque_auth.jobs",
    demo="monocoque_auth.demo",
)
