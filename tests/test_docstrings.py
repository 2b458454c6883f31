"""Docstrings that are completed out of others: what is taken, and what stays."""

from __future__ import annotations

import inspect
from typing import Any

from gio_pandas.docstrings import explained


def cook(dish: str, *, salt: float = 1.0, hot: bool = True) -> str:
    """Cook.

    It takes a while.

    Parameters
    ----------
    dish
        What is cooked.
    salt, hot
        How it is
        to be.

    Returns
    -------
    str
        The meal.

    Raises
    ------
    ValueError
        There is no such dish.

    Examples
    --------
    >>> cook("soup")
    """
    return dish


@explained(cook)
def bake(cake: str, *, sugar: int = 3, **options: Any) -> str:
    """Bake.

    Parameters
    ----------
    cake
        What is baked.
    sugar
        How much.

    Raises
    ------
    OSError
        The oven is off.
    """
    return cake


def test_options_become_the_parameters_of_the_source() -> None:
    """Its keyword-only ones, after those of its own; what is positional there is none of them."""
    signature = inspect.signature(bake)
    assert str(signature) == (
        "(cake: 'str', *, sugar: 'int' = 3, salt: 'float' = 1.0, hot: 'bool' = True) -> 'str'"
    )


def test_a_docstring_is_completed() -> None:
    """Its own words stay; an entry a parameter, in order; what it lacks is the source's."""
    assert (
        bake.__doc__
        == inspect.cleandoc(
            """
        Bake.

        Parameters
        ----------
        cake
            What is baked.
        sugar
            How much.
        salt
            How it is
            to be.
        hot
            How it is
            to be.

        Returns
        -------
        str
            The meal.

        Raises
        ------
        OSError
            The oven is off.
        """
        )
        + "\n"
    )


def test_what_is_completed_explains_others() -> None:
    """A chain needs no second mention of its beginning."""

    @explained(bake)
    def fry(cake: str, **options: Any) -> str:
        """Fry."""
        return cake

    assert inspect.signature(fry).parameters["salt"].default == 1.0
    assert "What is baked." in (fry.__doc__ or "")


def test_nothing_is_wrapped() -> None:
    """It works as before, with what only its body knows to take."""
    assert bake("tart", sugar=1, cream=True) == "tart"


def test_a_class_keeps_its_signature_to_itself() -> None:
    """Else classes that are made of it would show its parameters in place of their own."""

    @explained(cook)
    class Pot:
        """A pot.

        Attributes
        ----------
        lid : bool
            Whether it has one.
        """

        def __init__(self, dish: str) -> None:
            self.lid = True

    @explained(Pot)
    class Pan(Pot):
        """A pan."""

        def __init__(self, dish: str, *, salt: float = 2.0) -> None:
            super().__init__(dish)

    assert list(inspect.signature(Pan).parameters) == ["dish", "salt"]
    assert "Whether it has one." in (Pan.__doc__ or "")


def test_where_there_are_no_docstrings_there_stay_none() -> None:
    """``python -OO`` leaves them out."""

    @explained(cook)
    def stir(dish: str) -> str:
        return dish

    assert stir.__doc__ is None
