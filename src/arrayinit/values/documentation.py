"""The documentation of a value, made from that of its function."""

from __future__ import annotations


def documentation(name: str, of_function: str | None) -> str | None:
    """Return the docstring of a value. It is that of the function, without the array and ``rng``."""
    if of_function is None:
        return None
    # Python 3.13 removes the indentation itself.
    text = of_function.replace("\n    ", "\n") if "\n    Returns\n" in of_function else of_function
    head, _, rest = text.partition("\nParameters\n----------\n")
    parameters, _, rest = rest.partition("\nReturns\n-------\n")
    tail = rest[rest.index("\n", rest.index("\nRaises\n------\n") + 15) :]
    # Notes, examples and references follow the errors, in any order.
    starts = [tail.find(f"\n{section}\n---") for section in ("Notes", "Examples", "References")]
    tail = tail[min(start for start in starts if start >= 0) :]
    kept = [block for block in _blocks(parameters) if not block.startswith(("x\n", "rng\n"))]
    listed = f"\nParameters\n----------\n{''.join(kept)}" if kept else ""
    return (
        f"{head.replace('Fill', 'Return a value that fills', 1)}{listed}"
        f"\nReturns\n-------\nInitializer\n    A value for `{name}_`; see `Initializer` for how it is called.\n"
        f"\nRaises\n------\nTypeError, ValueError\n    An argument that `{name}_` refuses; an array.\n"
        f"{_examples(name, tail)}"
    )


def _blocks(parameters: str) -> list[str]:
    """Return the description of each parameter, or of several together."""
    blocks: list[str] = []
    for line in parameters.splitlines(keepends=True):
        if line.strip() and not line.startswith(" "):
            blocks.append("")
        blocks[-1] += line
    return [block.rstrip("\n") + "\n" for block in blocks]


def _examples(name: str, text: str) -> str:
    """Turn each call of the function on an array into a call of the value."""
    call = f"arrayinit.{name}_("
    before, found, after = text.partition(call)
    if not found:
        return text
    arguments, rest = _split(after)
    x, *given = arguments
    seeds = [argument for argument in given if argument.startswith("rng=")]
    value = f"arrayinit.{name}({', '.join(argument for argument in given if argument not in seeds)})"
    return f"{before}{value}({', '.join([x, *seeds])}){_examples(name, rest)}"


def _split(text: str) -> tuple[list[str], str]:
    """Return the arguments of a call, and what follows its closing bracket."""
    arguments, depth = [""], 0
    for index, letter in enumerate(text):
        if letter == ")" and depth == 0:
            return [argument.strip() for argument in arguments], text[index + 1 :]
        depth += (letter in "([") - (letter in ")]")
        if letter == "," and depth == 0:
            arguments.append("")
        else:
            arguments[-1] += letter
    raise ValueError(f"the call has no end: {text}")
