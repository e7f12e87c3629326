"""plan: what will be done with each parameter of a model, before anything is done."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, overload

from arrayinit.core.autograph import as_written
from arrayinit.models.names import Rename
from arrayinit.models.parameter import Parameter
from arrayinit.models.plain import plain, step_of
from arrayinit.models.pretrained.loaded import Loaded
from arrayinit.models.pretrained.loading import NOTHING_LOADED, Loading, OnMismatch, check_on_mismatch, loading
from arrayinit.models.resolve import Step, resolved
from arrayinit.models.table import as_html, as_text

if TYPE_CHECKING:
    from arrayinit.models.audit import Audit


class Plan(Sequence[Step]):
    """What `initialize` does with each parameter of a model: a sequence of steps.

    The function `plan` makes it. ``print(plan)`` shows a table, in which rows that differ only in numbers are one row.
    ``initialize(model, plan, rng=0)`` carries the plan out.

    Parameters
    ----------
    steps
        The steps, in the order of the parameters. The attributes of a step are ``name``, ``shape``, ``dtype``,
        ``layout``, ``groups``, ``action``, ``source``, ``seed_name``, ``owner``, ``zero_rows`` and ``is_buffer``.

    Raises
    ------
    ValueError
        `from_json` got text that holds no plan.

    Examples
    --------
    >>> import arrayinit as ai, numpy as np
    >>> model = {"fc.weight": np.empty((8, 4), np.float32), "fc.bias": np.empty(8, np.float32)}
    >>> made = ai.plan(model, [("weight", ai.normal(std=0.02)), ("bias", ai.zeros())])
    >>> print(made)
    name       shape  layout  initializer       std   source           seed name
    fc.weight  8x4    -       normal(std=0.02)  0.02  rule 0 'weight'  fc.weight
    fc.bias    8      -       zeros()           0     rule 1 'bias'    fc.bias
    >>> ai.Plan.from_json(made.to_json()) == made
    True

    References
    ----------
    HashiCorp, "Terraform", whose ``plan`` shows all changes before they are made.
    """

    __slots__ = ("_steps",)

    def __init__(self, steps: Iterable[Step]) -> None:
        self._steps = tuple(steps)

    @overload
    def __getitem__(self, index: int) -> Step: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Step, ...]: ...

    def __getitem__(self, index: int | slice) -> Step | tuple[Step, ...]:
        return self._steps[index]

    def __len__(self) -> int:
        return len(self._steps)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Plan) and self.to_json() == other.to_json()

    def __hash__(self) -> int:
        return hash(self.to_json())

    def __str__(self) -> str:
        return as_text(self._steps)

    def __repr__(self) -> str:
        return f"<Plan of {len(self)} parameters>"

    def _repr_html_(self) -> str:
        return as_html(self._steps)

    def to_json(self) -> str:
        """Return the plan as JSON text: one entry for each parameter, without code."""
        return json.dumps([plain(step) for step in self._steps])

    @classmethod
    def from_json(cls, text: str) -> Plan:
        """Return the plan of a JSON text. It holds no arrays: a rule that copies one must be planned again."""
        try:
            given = json.loads(text)
            if not isinstance(given, list):
                raise TypeError(f"it is no list, but of type {type(given).__name__}")
            return cls(step_of(entry) for entry in given)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ValueError(f"this text holds no plan, as Plan.to_json() writes it: {error}") from error

    def audit(self, model: Any, *, communicate: bool = False) -> Audit:
        """Compare the values of a model with the plan, and return what is wrong.

        Parameters
        ----------
        model
            The model, as for `plan`.
        communicate
            Whether processes exchange shards, so that each audits whole arrays. By default, each process audits the
            shards that it holds.

        Returns
        -------
        Audit
            Its ``faults`` say what is wrong; ``ok`` is True if nothing is.

        Raises
        ------
        ValueError
            The model has other parameters than the plan.
        """
        from arrayinit.models.audit import audit
        from arrayinit.models.readers import read

        return audit(self, read(model).parameters, communicate)


@as_written
def plan(
    model: Any,
    rules: Iterable[Any],
    *,
    pretrained: Any = None,
    rename: Rename = None,
    on_mismatch: OnMismatch = "error",
) -> Plan:
    """Say what `initialize` would do with each parameter of a model, or why it would refuse.

    Parameters
    ----------
    model
        A torch module, a Flax nnx module or its state, parameters of Flax linen or Haiku, an Equinox module, a Keras
        model, a `tf.Module`, an MLX module, a Paddle layer, an object that holds tensors of tinygrad, any pytree of JAX
        arrays or `jax.ShapeDtypeStruct`, a mapping, or pairs of names and arrays. It needs no values: a torch module
        may be on the meta device, and an nnx module may be abstract.
    rules
        A list of pairs ``(selector, value)``; see `Rule`. The first rule that takes a parameter decides about it. Each
        parameter must match a rule, and each rule must decide about a parameter.
    pretrained
        A checkpoint. Its tensors are loaded, whatever the rules say. The rules fill the other parameters. A checkpoint
        is the path of a ``.safetensors`` file, of its ``.index.json``, of a folder that has these, or of an ``.npz``
        file; an open `safetensors.safe_open`; the result of `numpy.load`; a state dict or another mapping, nested or
        flat; or a model. Only the headers of files are read here.
    rename
        How names are changed before they are folded into the seed, and before they are looked up in the checkpoint:
        ``"torch"`` takes the last segment to torch's name (``kernel``, ``embedding``, ``scale``, ``gamma`` and ``w``
        become ``weight``; ``beta``, ``offset`` and ``b`` become ``bias``). A mapping of names, a list of (regular
        expression, replacement), or a function may stand in its place. ``"torch"`` may be an entry of the list. It says
        too that the weights of a checkpoint have the axes of torch; they are permuted to those of the layers.
    on_mismatch
        What happens to a tensor of the checkpoint that has another shape than its parameter: ``"error"`` refuses it,
        ``"initialize"`` leaves the parameter to the rules, and a function ``(value, p)`` returns an array of the right
        shape, or another value of a rule.

    Returns
    -------
    Plan
        One step for each parameter, and for each buffer that a rule names.

    Raises
    ------
    TypeError
        The model or a rule is of another kind.
    ValueError
        All problems together: parameters that match no rule; rules that decide about nothing, with the nearest names;
        an initializer that does not fit a parameter; an initializer with fans for an array whose layout is not known; a
        buffer without values and without a rule; a lazy parameter; a placeholder of size 0; a parametrized weight,
        unless the rule names its original; two names that are renamed to one. A broken file; a tensor that the model
        lacks, unless the pattern of a rule with `keep` takes its name; a tensor of another shape, or of another kind of
        dtype (boolean, integer, real, complex); a weight whose axes are not known; two names of one parameter with
        different values.
    FileNotFoundError, ImportError
        There is no such file. A safetensors file needs the package safetensors.

    Notes
    -----
    A rule is used if it would decide about a parameter that the checkpoint has.

    Examples
    --------
    >>> import arrayinit as ai, numpy as np
    >>> model = {"fc": {"weight": np.empty((8, 4)), "bias": np.empty(8)}}
    >>> ai.plan(model, [("wieght", ai.normal(std=0.02)), ("bias", ai.zeros())])
    Traceback (most recent call last):
        ...
    ValueError: 1 of 2 parameters matches no rule: fc.weight
    rule 0 'wieght' matches nothing; near: weight

    References
    ----------
    M. Gardner et al., "AllenNLP: A Deep Semantic Natural Language Processing Platform", 2018.
    """
    from arrayinit.models.readers import read

    parameters = read(model).parameters
    return Plan(resolved(parameters, rules, rename, loaded(parameters, pretrained, rename, on_mismatch)))


def loaded(parameters: Sequence[Parameter], pretrained: Any, rename: Rename, on_mismatch: OnMismatch) -> Loading:
    """Return what a checkpoint gives to parameters."""
    check_on_mismatch(on_mismatch)
    if pretrained is None:
        return NOTHING_LOADED
    from arrayinit.models.pretrained.sources import checkpoint

    return loading(parameters, checkpoint(pretrained), rename, on_mismatch)


def bound(steps: Iterable[Step], pretrained: Any) -> Plan:
    """Return a plan whose tensors come from another checkpoint; raise ValueError unless they are there."""
    from arrayinit.models.pretrained.sources import checkpoint

    tensors, made, problems = checkpoint(pretrained), list(steps), list[str]()
    if not any(isinstance(step.action, Loaded) for step in made):
        raise TypeError("the plan loads no tensor: pass pretrained= to plan()")
    for number, step in enumerate(made):
        if isinstance(step.action, Loaded):
            try:
                made[number] = step._replace(action=step.action.bound(tensors))
            except ValueError as error:
                problems.append(str(error))
    if problems:
        raise ValueError("\n".join(problems))
    return Plan(made)
