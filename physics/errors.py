"""The one exception for bad input from a person.

It is here, at the bottom of the layers, so that every package can raise it and `launch` alone
turns it into one clear line and exit status 2. A bug in the program is never an `InputError`.
"""


class InputError(ValueError):
    """Something a person gave is wrong: says what was found, what was wanted and how to mend it."""

    def __init__(self, what: str, *, found: object = None, wanted: str = "", fix: str = "") -> None:
        """`what` names the thing; the other three, where given, become one sentence each."""
        parts = [what]
        if found is not None:
            parts.append(f"found {found!r}" if isinstance(found, str) else f"found {found}")
        if wanted:
            parts.append(f"wanted {wanted}")
        message = ": ".join([parts[0], ", ".join(parts[1:])]) if len(parts) > 1 else what
        super().__init__(f"{message}. {fix}".strip() if fix else message)
