"""Discover the installed modules, order them, and say precisely what stands in the way."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from importlib.metadata import EntryPoint, entry_points

from monocoque.failures import StartupError
from monocoque.modules import ENTRY_POINT_GROUP, Module


@dataclass(frozen=True, slots=True)
class Installed:
    """A module found in the environment, with the version of the distribution that brought it."""

    module: Module
    version: str


@dataclass(frozen=True, slots=True)
class Inventory:
    """Every installed module, and the enabled ones in the order in which they are migrated and started."""

    installed: tuple[Installed, ...]
    enabled: tuple[Module, ...]

    def version(self, name: str) -> str:
        """The version of an installed module; raises KeyError."""
        for found in self.installed:
            if found.module.name == name:
                return found.version
        raise KeyError(name)

    def is_enabled(self, name: str) -> bool:
        return any(module.name == name for module in self.enabled)

    def ordered(self) -> tuple[Module, ...]:
        """All installed modules, enabled first, each group in start order."""
        rest = [found.module for found in self.installed if not self.is_enabled(found.module.name)]
        return (*self.enabled, *rest)


def discover(points: Iterable[EntryPoint] | None = None) -> tuple[Installed, ...]:
    """The contracts of all installed modules; raises StartupError for a broken or doubled one."""
    found: dict[str, Installed] = {}
    origins: dict[str, str] = {}
    for point in entry_points(group=ENTRY_POINT_GROUP) if points is None else points:
        origin = f"{point.name} = {point.value!r}"
        try:
            module = point.load()
        except Exception as error:
            raise StartupError(
                f"The module {point.name!r} cannot be loaded: {type(error).__name__}: {error}",
                hint=f"Repair or uninstall the distribution that declares the entry point {origin}.",
            ) from error
        if not isinstance(module, Module):
            raise StartupError(
                f"The entry point {origin} is no monocoque.modules.Module.",
                hint="Point it at the module's contract object, such as acme_garage.module:module.",
            )
        if module.name in found:
            if origins[module.name] == origin:
                continue
            raise StartupError(
                f"Two installed modules are named {module.name!r}.",
                origins[module.name],
                origin,
                hint="Uninstall one of the two distributions.",
            )
        version = point.dist.version if point.dist else "0"
        found[module.name] = Installed(module, version)
        origins[module.name] = origin
    return tuple(found[name] for name in sorted(found))


def order(
    installed: Sequence[Installed], *, only: Sequence[str] | None = None, without: Sequence[str] = ()
) -> Inventory:
    """Choose and order the enabled modules; raises StartupError for an unknown, missing or circular requirement."""
    known = {found.module.name: found.module for found in installed}
    for variable, names in (("MONOCOQUE_MODULES", only or ()), ("MONOCOQUE_MODULES_DISABLED", without)):
        for name in names:
            if name not in known:
                raise _unknown(name, known, variable)
    chosen = [name for name in (dict.fromkeys(only) if only is not None else known) if name not in without]
    _check_requirements(known, chosen, without)
    _check_schemas([known[name] for name in chosen])
    _check_pages([known[name] for name in chosen])
    return Inventory(tuple(installed), tuple(known[name] for name in _sorted(known, chosen)))


def _unknown(name: str, known: dict[str, Module], variable: str) -> StartupError:
    near = get_close_matches(name.replace("-", "_"), known, n=1)
    return StartupError(
        f"{variable} names a module that is not installed: {name!r}." + (f" Did you mean {near[0]!r}?" if near else ""),
        hint=f"Installed: {', '.join(sorted(known)) or 'none'}.",
    )


def _check_requirements(known: dict[str, Module], chosen: Sequence[str], without: Sequence[str]) -> None:
    """Every missing requirement of every chosen module at once, each with the chain that leads to it."""
    chains: dict[str, list[str]] = {}
    for name in chosen:
        _follow(known, chosen, [name], chains)
    if not chains:
        return
    reasons = []
    for name, chain in chains.items():
        if name not in known:
            reason = "is not installed"
        elif name in without:
            reason = "is switched off by MONOCOQUE_MODULES_DISABLED"
        else:
            reason = "is not in MONOCOQUE_MODULES"
        reasons.append(f"{name} {reason} ({' -> '.join(chain)})")
    wanting = list(dict.fromkeys(chain[0] for chain in chains.values()))
    direct = [name for name, chain in chains.items() if chain[0] == wanting[0] and len(chain) == 2]
    raise StartupError(
        f"The module {wanting[0]!r} requires {', '.join(direct or chains)}.",
        *reasons,
        hint=f"Enable {', '.join(chains)} too, or leave {' and '.join(map(repr, wanting))} out.",
    )


def _follow(known: dict[str, Module], chosen: Sequence[str], trail: list[str], chains: dict[str, list[str]]) -> None:
    for name in known[trail[-1]].requires:
        if name in chosen or name in chains:
            continue
        chains[name] = [*trail, name]
        if name in known:
            _follow(known, chosen, chains[name], chains)


def _check_schemas(modules: Sequence[Module]) -> None:
    owners: dict[str, str] = {}
    for module in modules:
        other = owners.setdefault(module.schema, module.name)
        if other != module.name:
            raise StartupError(
                f"The modules {other!r} and {module.name!r} share the schema {module.schema!r}.",
                hint="Give one of them a package of its own.",
            )


def _check_pages(modules: Sequence[Module]) -> None:
    owners: dict[str, str] = {}
    for module in modules:
        for path in module.pages:
            other = owners.setdefault(path, module.name)
            if other != module.name:
                raise StartupError(
                    f"The modules {other!r} and {module.name!r} both have pages at {path}.",
                    hint=f"Leave one of them out with MONOCOQUE_MODULES_DISABLED={module.name}.",
                )


def _sorted(known: dict[str, Module], chosen: Sequence[str]) -> list[str]:
    """Depth first over requires and after, so that a chain of requirements can be named when it bites its tail."""
    done: list[str] = []
    trail: list[str] = []

    def visit(name: str) -> None:
        if name in done:
            return
        if name in trail:
            chain = " -> ".join([*trail[trail.index(name) :], name])
            raise StartupError(f"Modules require each other in a circle: {chain}.", hint="Break the circle.")
        trail.append(name)
        module = known[name]
        for earlier in (*module.requires, *module.after):
            if earlier in chosen:
                visit(earlier)
        trail.pop()
        done.append(name)

    for name in sorted(chosen):
        visit(name)
    return done
