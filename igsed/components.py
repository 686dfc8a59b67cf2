"""What people add: components, each declared once, beside its code.

A component is an object of a subclass of `Component` (`igsed.detectors.Detector`, `igsed.backbones.Network`,
`igsed.soundbanks.Kind`, `igsed.recordings.Kind`, `igsed.thresholds.Rule`, `igsed.metrics.Metric`). It stands at the top
level of a module and declares its name, its title, its settings and what else its family needs. All else is
derived from it.

A `Family` finds its components in three places: in the modules of a package of igsed, under an entry point of an
installed package, and where a user names them, as `package.module:name`. Declarations are light: what they run is
imported when it runs.
"""

import functools
import importlib
import importlib.metadata
import pkgutil
from dataclasses import dataclass
from typing import Generic, TypeVar

from igsed.errors import InputError, suggestion
from igsed.settings import Section


class NoSettings(Section):
    """Nothing can be set."""


@dataclass(frozen=True, kw_only=True)
class Component:
    """What every component says of itself.

    Attributes
    ----------
    name : str
        In configurations, files and tables: lower-case letters, digits, underscores.
    title : str
        For people: in tables, figures and pages.
    settings : type
        A pydantic model, a subclass of `igsed.settings.Section`; each field has a description with its unit.
    citation : str
        Author, year, title of its source; empty where there is none.
    """

    name: str
    title: str
    settings: type[Section] = NoSettings
    citation: str = ""

    @property
    def summary(self) -> str:
        """The first line of the settings' docstring: what the component is, in a sentence."""
        return (self.settings.__doc__ or "").strip().splitlines()[0] if self.settings is not NoSettings else ""


Kind = TypeVar("Kind", bound=Component)


def imported(path: str):
    """The object that `package.module:name` names.

    Raises
    ------
    ImportError, AttributeError, ValueError
        There is none.
    """
    module, colon, name = path.partition(":")
    if not colon:
        raise ValueError(f"{path!r} is no package.module:name")
    if not module or module.startswith("."):
        raise ValueError(f"{path!r} names no module")
    try:
        found = importlib.import_module(module)
    except ImportError:
        raise
    except Exception as error:  # of a user's module, in which anything may happen
        raise ImportError(f"{module} cannot be imported ({type(error).__name__}: {error})") from error
    return functools.reduce(getattr, name.split("."), found)


class Family(Generic[Kind]):
    """The components of one kind.

    Parameters
    ----------
    word : str
        What one of them is called, such as "detector".
    package : str
        The package of igsed in whose modules they are declared, such as "igsed.detectors"; also the group of entry
        points under which installed packages name theirs.
    kind : type
        The subclass of `Component`.
    """

    def __init__(self, word: str, package: str, kind: type[Kind]):
        self.word, self.package, self.kind = word, package, kind

    @functools.cached_property
    def _declared(self) -> dict[str, tuple[str, Kind]]:
        """Name → module and component, of igsed's own."""
        package = importlib.import_module(self.package)
        modules = [f"{self.package}.{info.name}" for info in pkgutil.iter_modules(package.__path__)]
        return {
            item.name: (module, item)
            for module in sorted(modules)
            for item in vars(importlib.import_module(module)).values()
            if isinstance(item, self.kind)
        }

    @functools.cached_property
    def built_in(self) -> dict[str, Kind]:
        """The components of igsed's own, by name."""
        return {name: item for name, (_, item) in self._declared.items()}

    @functools.cached_property
    def installed(self) -> dict[str, str]:
        """Name → `package.module:name` of the components that installed packages declare."""
        points = importlib.metadata.entry_points(group=self.package)
        return {point.name: point.value for point in points if point.name not in self.built_in}

    @property
    def names(self) -> list[str]:
        """The names that need no path."""
        return [*self.built_in, *self.installed]

    def find(self, name: str) -> Kind:
        """The component with a name, or the one that `package.module:name` names.

        Raises
        ------
        InputError
            There is none, or what is named is none of this family.
        """
        if name in self.built_in:
            return self.built_in[name]
        path = self.installed.get(name, name)
        if ":" not in path:
            raise InputError(
                f"{self.word} {name!r} is unknown{suggestion(name, self.names)}. Use one of "
                f"{', '.join(self.names)}, or package.module:name."
            )
        try:
            found = imported(path)
        except Exception as error:  # what a module raises when it is imported
            raise InputError(f"{self.word} {name!r}: {error}. Correct the name, or install what it names.") from None
        if not isinstance(found, self.kind):
            raise InputError(
                f"{self.word} {name!r}: is a {type(found).__name__}, no {self.kind.__module__}.{self.kind.__name__}."
            )
        return found

    def module_of(self, name: str) -> str:
        """The module in which a component is declared."""
        return self._declared[name][0] if name in self._declared else self.installed.get(name, name).partition(":")[0]
