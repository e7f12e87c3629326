"""initialize: fill all parameters of a model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from arrayinit.backends.registry import backend_of
from arrayinit.core.autograph import as_written
from arrayinit.initializers.fill import source_of
from arrayinit.models.actions import Digest, Keep
from arrayinit.models.agree import differences, obstacles
from arrayinit.models.filling import fill
from arrayinit.models.fused import leaves
from arrayinit.models.names import Rename, listed
from arrayinit.models.parameter import Parameter
from arrayinit.models.plan import Plan, bound, loaded
from arrayinit.models.pretrained.loaded import Loaded
from arrayinit.models.pretrained.loading import OnMismatch
from arrayinit.models.progress import Progress, reporter
from arrayinit.models.readers import reader_of
from arrayinit.models.resolve import Step, resolve
from arrayinit.models.seeds import seeds
from arrayinit.values.value import Initializer

if TYPE_CHECKING:
    from arrayinit.values.types import Rng

M = TypeVar("M")


@as_written
def initialize(
    model: M,
    rules: Iterable[Any],
    *,
    rng: Rng = None,
    pretrained: Any = None,
    device: Any = None,
    rename: Rename = None,
    on_mismatch: OnMismatch = "error",
    progress: bool | Progress | None = None,
) -> M:
    """Fill all parameters of a model by a list of rules.

    Nothing is written before everything is checked: each parameter matches a rule, and each rule is used.

    Parameters
    ----------
    model
        A torch module, a Flax nnx module or its state, parameters of Flax linen or Haiku, an Equinox module, a Keras
        model, a `tf.Module`, an MLX module, a Paddle layer, an object that holds tensors of tinygrad, any pytree of JAX
        arrays or `jax.ShapeDtypeStruct`, a mapping, or pairs of names and arrays.
    rules
        A list of pairs ``(selector, value)``, see `Rule`; or a `Plan`.
    rng
        A seed, from which each parameter gets numbers of its own: those of ``fold_in(rng, name)``. The weights are then
        the same on every library, device and sharding. A JAX key is folded with the same names. A generator draws in
        the order of the plan. None is the default of each library.
    pretrained
        A checkpoint, see `plan`. Its tensors are loaded, rounded once to the dtype of the parameter. The other
        parameters get the numbers that they have in a model from scratch. For a plan from JSON, it is the checkpoint
        from which the tensors of the plan are loaded.
    device
        Where torch parameters on the meta device get memory. Parameters and buffers that have memory stay where they
        are.
    rename
        How names are changed before they are folded into the seed, or looked up in the checkpoint; see `plan`.
    on_mismatch
        What happens to a tensor of the checkpoint that has another shape; see `plan`.
    progress
        True shows a bar on a terminal. A function is called as ``progress(done_bytes, total_bytes, name)`` before each
        parameter, and after the last one.

    Returns
    -------
    model
        The model itself, if its arrays can be written or assigned; otherwise a new model with new arrays.

    Raises
    ------
    TypeError
        The model, a rule, ``rng``, ``rename``, ``pretrained`` or ``on_mismatch`` is of another kind.
    ValueError
        What `plan` refuses, all problems together. A model that differs from the plan. Parameters on the meta device
        without ``device``; `keep` for parameters without values.
    FileNotFoundError, ImportError
        What `plan` raises for ``pretrained``.

    Notes
    -----
    An error or an interruption while parameters are filled has a note that names the first parameter not filled.

    An embedding of torch with ``padding_idx`` keeps that row zero under random values. A buffer that holds values is
    left alone unless a rule names it. Parameters that transformers has loaded from a checkpoint are kept.

    Files are mapped into memory, and read tensor by tensor. A process reads no more than its shards. Nothing is
    unpickled.

    Examples
    --------
    >>> import arrayinit as ai, numpy as np
    >>> model = {"fc.weight": np.empty((8, 4), np.float32), "fc.bias": np.empty(8, np.float32)}
    >>> rules = [("weight", ai.normal(std=0.02)), ("bias", ai.zeros())]
    >>> ai.initialize(model, rules, rng=0) is model
    True
    >>> by_hand = ai.normal_(np.empty((8, 4), np.float32), std=0.02, rng=ai.fold_in(0, "fc.weight"))
    >>> bool((model["fc.weight"] == by_hand).all())
    True

    References
    ----------
    J. K. Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011.
    """
    reader = reader_of(model)
    reading = reader.read(model)
    steps = steps_for(reading.parameters, rules, rename, pretrained, on_mismatch, device is not None)
    by_name = {p.name: p for p in reading.parameters}
    seed_of_name = seeds(rng)
    check_rng(steps, by_name, seed_of_name)
    report = reporter(progress)
    if device is not None:
        reader.give_memory(model, device)
        reading = reader.read(model)
        by_name = {p.name: p for p in reading.parameters}
    fill_all([step for step in steps if step.fills], by_name, seed_of_name, report)
    filled: M = reading.result()
    return filled


def steps_for(
    parameters: Sequence[Parameter],
    rules: Iterable[Any],
    rename: Rename,
    pretrained: Any,
    on_mismatch: OnMismatch,
    gets_memory: bool,
) -> Sequence[Step]:
    """Return the steps, or raise ValueError with all that speaks against them."""
    if isinstance(rules, Plan):
        if rename is not None or on_mismatch != "error":
            name = "rename" if rename is not None else "on_mismatch"
            raise TypeError(f"a plan has its names already: pass {name}= to plan()")
        steps: Sequence[Step] = rules if pretrained is None else bound(rules, pretrained)
        problems = differences(steps, parameters) + obstacles(steps, parameters)
    else:
        steps, problems = resolve(parameters, rules, rename, loaded(parameters, pretrained, rename, on_mismatch))
    problems += [*_without_values(steps, parameters, gets_memory), *_not_writable(steps, parameters)]
    if problems:
        raise ValueError("\n".join(problems))
    for step in steps:
        if isinstance(step.action, Loaded):
            step.action.check_open()
    return steps


def _without_values(steps: Sequence[Step], parameters: Sequence[Parameter], gets_memory: bool) -> list[str]:
    """Return the problems of parameters without memory or without values."""
    problems: list[str] = []
    meta = [p.name for p in parameters if p.needs_memory and p.owner is None]
    if meta and not gets_memory:
        count = f"{len(meta)} parameters and buffers are" if len(meta) > 1 else "1 parameter or buffer is"
        problems.append(f"{count} on the meta device, without memory: pass device=, as device='cpu': {listed(meta)}")
    empty = {p.name for p in parameters if not p.has_values}
    kept = [s.name for s in steps if s.owner is None and s.name in empty and _has(s, Keep)]
    if kept:
        problems.append(f"keep() would leave parameters without values: {listed(kept)}")
    lost = [s.name for s in steps if _has(s, Digest)]
    if lost:
        problems.append(f"the plan came from JSON, which holds no arrays: plan again with the rules of {listed(lost)}")
    unbound = [s.name for s in steps if isinstance(s.action, Loaded) and s.action.tensor is None]
    if unbound:
        problems.append(f"the plan came from JSON: pass the checkpoint as pretrained=, for {listed(unbound)}")
    return problems


def _has(step: Step, kind: type) -> bool:
    """Whether a step, or one of its parts, is of a kind."""
    return any(isinstance(leaf.action, kind) for leaf in leaves(step))


def _not_writable(steps: Iterable[Step], parameters: Iterable[Parameter]) -> Iterator[str]:
    """Yield the problems of arrays that can be neither written nor replaced."""
    filled = {step.name for step in steps if step.fills}
    for p in parameters:
        if p.name in filled and not p.needs_memory and p.fresh is None:
            try:
                backend_of(p.array).check_writable(p.array)
            except (RuntimeError, ValueError) as error:
                yield f"{p.name!r}: {error}"


def check_rng(steps: Iterable[Step], by_name: dict[str, Parameter], seed_of_name: Callable[[str], Any]) -> None:
    """Raise for a wrong rng before anything is written."""
    checked: set[type] = set()
    for step in steps:
        drawn = [leaf for leaf in leaves(step) if isinstance(leaf.action, Initializer) and leaf.action.draws]
        if step.fills and drawn:
            x = by_name[step.name].array
            if type(x) not in checked:
                checked.add(type(x))
                source_of(backend_of(x), x, seed_of_name(drawn[0].seed_name))


def fill_all(
    steps: Sequence[Step], by_name: dict[str, Parameter], seed_of_name: Callable[[str], Any], report: Progress | None
) -> None:
    """Fill the parameters; an error gets a note that tells which are not filled."""
    total = sum(by_name[step.name].nbytes for step in steps) if report else 0
    done = 0
    for number, step in enumerate(steps):
        p = by_name[step.name]
        try:
            if report:
                report(done, total, step.name)
                done += p.nbytes
            x = fill(step, p, seed_of_name)
            if p.put is not None:
                p.put(x)
        except BaseException as error:
            error.add_note(
                f"{len(steps) - number} of {len(steps)} parameters are not filled: {step.name} and later ones"
            )
            raise
    if report:
        report(total, total, "")
