"""What a new project assumes, and the questions that it asks at a terminal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from gossan.errors import InputError, SettingsError, must

Ask = Callable[[str, str], str]
"""Ask a question that has a default answer."""


@dataclass
class Answers:
    """Settle what files leave open: ask where there is someone to ask, else assume and say so.

    >>> found = Answers()
    >>> found.settle("unit of Cu", "ppm", "the usual one")
    'ppm'
    >>> found.assumed
    ['unit of Cu = ppm: the usual one']
    """

    ask: Ask | None = None
    assumed: list[str] = field(default_factory=list)

    def settle(self, what: str, guess: str, why: str) -> str:
        """Return the answer to a question that has a likely answer."""
        answer = self.ask(f"{what} ({why})", guess).strip() if self.ask else guess
        if answer == guess:
            self.assumed.append(f"{what} = {guess}: {why}")
        return answer or guess

    def need(self, what: str, allowed: str, cure: str) -> str:
        """Return the answer to a question that nothing suggests an answer to.

        Raises
        ------
        InputError
            There is nobody to ask.
        """
        answer = self.ask(f"{what} ({allowed})", "").strip() if self.ask else ""
        if not answer:
            raise InputError(must(what, allowed, "nothing that says it", cure))
        return answer

    def choose(self, what: str, options: Sequence[str]) -> str:
        """Return one of several options; the first where there is nobody to ask.

        Raises
        ------
        SettingsError
            The answer is none of them.
        """
        others = " or ".join(map(repr, options[1:]))
        answer = self.settle(what, options[0], f"it may also be {others}")
        if answer not in options:
            allowed = f"one of {', '.join(options)}"
            raise SettingsError(must(what, allowed, repr(answer), "Name one of them"))
        return answer
