"""What a new project assumes, and the questions that it asks at a terminal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from gossan.errors import InputError, SettingsError, must

Ask = Callable[[str, str], str]
"""Ask a question that has a default answer."""
Understand = Callable[[str], str]
"""Return an answer as the project file says it; InputError where it cannot be used."""
TRIES = 5
"""Answers that cannot be used, until a question is given up."""


def one_of(what: str, options: Sequence[str]) -> Understand:
    """Make the check of an answer that must be one of several words.

    >>> one_of("sensor", ["aster", "bands"])("bands")
    'bands'
    """

    def understand(answer: str) -> str:
        if answer not in options:
            allowed = f"one of {', '.join(options)}"
            raise SettingsError(must(what, allowed, repr(answer), "Name one of them"))
        return answer

    return understand


@dataclass
class Answers:
    """Settle what files leave open: ask where there is someone to ask, else assume and say so.

    An answer that cannot be used is told why, and the question is asked again.

    >>> found = Answers()
    >>> found.settle("unit of Cu", "ppm", "the usual one")
    'ppm'
    >>> found.assumed
    ['unit of Cu = ppm: the usual one']
    """

    ask: Ask | None = None
    assumed: list[str] = field(default_factory=list)

    def settle(self, what: str, guess: str, why: str, understand: Understand = str) -> str:
        """Return the answer to a question that has a likely answer.

        Raises
        ------
        InputError
            The last of several answers cannot be used.
        """
        question = f"{what} ({why})" if why else what
        answer = self._asked(question, guess, understand) if self.ask else guess
        if answer == guess and why:
            self.assumed.append(f"{what} = {guess}: {why}")
        return answer

    def need(self, what: str, allowed: str, cure: str, understand: Understand = str) -> str:
        """Return the answer to a question that nothing suggests an answer to.

        Raises
        ------
        InputError
            There is nobody to ask, or the last of several answers cannot be used.
        """

        def given(answer: str) -> str:
            if not answer:
                raise InputError(must(what, allowed, "nothing that says it", cure))
            return understand(answer)

        return self._asked(f"{what} ({allowed})", "", given) if self.ask else given("")

    def choose(self, what: str, options: Sequence[str]) -> str:
        """Return one of several options; the first where there is nobody to ask.

        Raises
        ------
        InputError
            The last of several answers is none of them.
        """
        others = " or ".join(map(repr, options[1:]))
        return self.settle(what, options[0], f"it may also be {others}", one_of(what, options))

    def _asked(self, question: str, guess: str, understand: Understand) -> str:
        """Ask until an answer can be used; what was wrong stands above the question."""
        assert self.ask is not None
        wrong = ""
        for tries_left in reversed(range(TRIES)):
            try:
                return understand(self.ask(wrong + question, guess).strip() or guess)
            except InputError as error:
                if not tries_left:
                    raise
                wrong = f"{error}\n"
        raise AssertionError
