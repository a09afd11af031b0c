"""All that is configured, the shell's part and the enabled modules', read before anything is started."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic_settings import BaseSettings

from monocoque.failures import StartupError
from monocoque.modules import load_part
from monocoque.registry import Inventory, discover, order
from monocoque.settings import ModuleChoice, Settings, SettingsInvalid, load_settings, load_shell_settings


@dataclass(frozen=True, slots=True)
class Configuration:
    """A configuration that holds: the shell's settings, the modules that they enable, and those modules' settings."""

    settings: Settings
    inventory: Inventory
    module_settings: dict[str, BaseSettings]


def load_configuration(**overrides: Any) -> Configuration:
    """Read everything; raises one StartupError with all that is wrong, as far as it can be known."""
    problems: list[StartupError] = []
    settings = inventory = None
    module_settings: dict[str, BaseSettings] = {}
    try:
        settings = load_shell_settings(**overrides)
    except StartupError as error:
        problems.append(error)
    try:
        choice = settings or load_settings(ModuleChoice)
        inventory = order(discover(), only=choice.modules, without=choice.modules_disabled)
        module_settings = load_module_settings(inventory)
    except StartupError as error:
        problems.append(error)
    if settings is None or inventory is None or problems:
        raise _joined(problems)
    return Configuration(settings, inventory, module_settings)


def load_module_settings(inventory: Inventory) -> dict[str, BaseSettings]:
    """The settings of every enabled module that has some; raises one StartupError for all of them."""
    found: dict[str, BaseSettings] = {}
    problems: list[StartupError] = []
    for module in inventory.enabled:
        if module.settings:
            try:
                found[module.name] = load_settings(load_part(module, module.settings))
            except StartupError as error:
                problems.append(error)
    if problems:
        raise _joined(problems)
    return found


def _joined(problems: Sequence[StartupError]) -> StartupError:
    different = list({str(error): error for error in problems}.values())
    if len(different) == 1:
        return different[0]
    lines: list[str] = []
    for error in different:
        if isinstance(error, SettingsInvalid):
            lines += error.particulars
        else:
            lines.append(" ".join([error.message, *(f"{line}." for line in error.particulars), error.hint]))
    return SettingsInvalid(*lines)
