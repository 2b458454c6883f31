"""Single users."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache, partial

from gio_pandas.sandbox.exports import Field, whole_column
from gio_pandas.sandbox.population import BLOCK, Population, user_id


@dataclass(frozen=True)
class Property:
    """One attribute or tag of a user; None where it is missing."""

    key: str
    name: str
    value: str | None


@dataclass(frozen=True)
class Profile:
    """A user's two ids and what was asked for; `user_id` is None for one who never signed in."""

    id: str
    user_id: str | None
    properties: list[Property]


class Profiles:
    """Looks users up, and keeps the last columns it had to make.

    Parameters
    ----------
    population
        The users.
    """

    def __init__(self, population: Population) -> None:
        self._population = population
        self._column = lru_cache(maxsize=64)(partial(whole_column, population))

    def find(self, text: str, fields: Sequence[Field]) -> Profile | None:
        """Return a user by user id or gio_id, None for one nobody knows."""
        number = self._population.find(text)
        if number is None:
            return None
        block, place = divmod(number, BLOCK)
        gio_id = self._population.gio_ids(block, [place])[0]
        values = ((field, self._column(field, block)[place]) for field in fields)
        properties = [Property(field.key, field.name, value or None) for field, value in values]
        return Profile(gio_id, user_id(number) or None, properties)
