"""parts and stack: the values of rules for fused weights, and for stacked layers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import index
from typing import Any

from arrayinit.models.actions import action, is_function
from arrayinit.models.part_names import Names, PartNames
from arrayinit.models.splits import OF_LAYERS, OF_PARTS, Parts, Stack


def parts(
    value: Any,
    axis: int | str,
    sizes: Sequence[str] | Mapping[str, int],
    *,
    values: Mapping[str, Any] | None = None,
    names: Names = OF_PARTS,
) -> Parts:
    r"""Return the value of a rule for a fused weight: each part is filled as if it were a parameter of its own.

    A part has the shape, the fans and the seed of the parameter that it would be in a model without fused weights. So
    the fused model gets the numbers of that model, bit for bit. Sharding changes nothing, also where a shard ends
    inside a part. If :math:`W` has the parts :math:`W_1, \ldots, W_n` along its outputs,

    .. math::
        W = \begin{pmatrix} W_1 \\ \vdots \\ W_n \end{pmatrix}, \qquad
        \text{seed}(W_k) = \mathtt{fold\_in}(\text{rng}, \text{name}_k).

    Parameters
    ----------
    value
        The value of each part: an initializer, an array of the shape of a part, `keep`, `stack`, other parts, or a
        function of the parameter. The function gets a `Parameter` with the name and the shape of the part;
        ``p["part"]`` is the name of the part alone.
    axis
        The axis along which the parts lie: its number, or its role in the layout, ``"O"`` for outputs and ``"I"`` for
        inputs. If several axes have this role, the parts lie along the first. A bias has one axis, ``"O"``.
    sizes
        The names of the parts, if they have one size, or a mapping of their names to their sizes. The parts are in this
        order.
    values
        Values for single parts, by their names, in place of ``value``.
    names
        The names of the parts as parameters. A template may contain ``{part}``, ``{name}`` (the last segment of the
        name), ``{parent}`` (all that is before it) and the captures of the selector. A pair (regular expression,
        template) replaces a piece of the name: with ``("wqkv", "{part}")``, the part ``wq`` of ``attn.wqkv.weight`` is
        called ``attn.wq.weight``. ``rename`` applies to these names too.

    Returns
    -------
    Parts
        A value for `Rule`.

    Raises
    ------
    TypeError
        An argument is of another kind.
    ValueError
        ``axis`` is no role; ``sizes`` is empty, has a name twice or a negative size; ``values`` has an unknown part;
        ``names`` lacks ``{part}``. Later, in `plan`: an axis that the array lacks; a layout that is not known; sizes
        that do not fit the axis.

    Notes
    -----
    A generator draws the parts in their order.

    A part of the outputs of a convolution with groups must consist of whole groups. A transposed convolution of torch
    with groups is refused.

    Examples
    --------
    >>> import arrayinit as ai, numpy as np
    >>> fused = {"attn.c_attn.weight": np.empty((12, 4), np.float32)}
    >>> rules = [("c_attn.weight", ai.parts(ai.xavier_uniform(layout="OI"), "O", ["q", "k", "v"]))]
    >>> fused = ai.initialize(fused, rules, rng=0)["attn.c_attn.weight"]
    >>> seed = ai.fold_in(0, "attn.c_attn.k.weight")
    >>> alone = ai.xavier_uniform_(np.empty((4, 4), np.float32), rng=seed)
    >>> bool((fused[4:8] == alone).all())
    True

    References
    ----------
    R. Jozefowicz, W. Zaremba, I. Sutskever, "An Empirical Exploration of Recurrent Network Architectures", 2015, for
    the forget gate that has a bias of its own.
    """
    if isinstance(axis, str):
        if axis not in ("O", "I"):
            raise ValueError(f"axis must be 'O' for outputs, 'I' for inputs, or a number; got {axis!r}")
    else:
        axis = _as_axis(axis)
    sized = _sized(sizes)
    given = {} if values is None else values
    if not isinstance(given, Mapping):
        raise TypeError(f"values must be a mapping of names of parts to values, got {given!r}")
    known = [name for name, _ in sized]
    for name in given:
        if name not in known:
            raise ValueError(f"values has {name!r}, which is no part: the parts are {', '.join(known)}")
    own = tuple((name, valued(each)) for name, each in given.items())
    return Parts(valued(value), axis, sized, own, PartNames.of(names, "part"))


def stack(value: Any, *, axis: int = 0, names: Names = OF_LAYERS) -> Stack:
    r"""Return the value of a rule for stacked layers or experts, each filled as if it were a parameter of its own.

    Such arrays come from ``flax.linen.scan``, ``nnx.vmap``, `torch.func.stack_module_state`, and from layers of
    experts. Each layer has the shape, the fans and the seed of the parameter that it would be in a model without the
    stack. So both models get the same numbers, bit for bit, also where the array is sharded:

    .. math::
        W_{i \ldots} = W^{(i)}, \qquad \text{seed}(W^{(i)}) = \mathtt{fold\_in}(\text{rng}, \text{name}_i).

    Parameters
    ----------
    value
        The value of each layer: an initializer, an array of the shape of a layer, `keep`, `parts`, another stack, or a
        function of the parameter. The function gets a `Parameter` with the name and the shape of the layer; ``p["i"]``
        is the number of the layer, and ``p.size("i")`` says how many there are.
    axis
        The axis that counts the layers.
    names
        The names of the layers as parameters. A template may contain ``{i}``, ``{name}`` (the last segment of the
        name), ``{parent}`` (all that is before it) and the captures of the selector. The default calls layer 0 of
        ``layers.kernel`` ``layers.0.kernel``. A pair (regular expression, template) replaces a piece of the name: with
        ``("layers", "layers.{i}")``, layer 0 of ``layers.mlp.kernel`` is called ``layers.0.mlp.kernel``. ``rename``
        applies to these names too.

    Returns
    -------
    Stack
        A value for `Rule`.

    Raises
    ------
    TypeError
        An argument is of another kind.
    ValueError
        ``names`` lacks ``{i}``. Later, in `plan`: an axis that the array lacks; a value that does not fit a layer.

    Notes
    -----
    A generator draws the layers in their order.

    An array is one draw under an initializer with a batch axis, such as ``xavier_normal(layout="BIO")``: the layers
    then have one seed, and not those of their names.

    Examples
    --------
    >>> import arrayinit as ai, numpy as np
    >>> scanned = {"layers.kernel": np.empty((3, 4, 5), np.float32)}
    >>> rules = [("layers.kernel", ai.stack(ai.lecun_normal(layout="IO")))]
    >>> scanned = ai.initialize(scanned, rules, rng=0)["layers.kernel"]
    >>> seed = ai.fold_in(0, "layers.1.kernel")
    >>> alone = ai.lecun_normal_(np.empty((4, 5), np.float32), layout="IO", rng=seed)
    >>> bool((scanned[1] == alone).all())
    True

    References
    ----------
    J. Heek et al., "Flax: A neural network library and ecosystem for JAX", 2020, whose ``scan`` stacks the parameters
    of its layers.
    """
    return Stack(valued(value), _as_axis(axis), PartNames.of(names, "i"))


_BY_NAME: dict[str, Callable[..., Parts | Stack]] = {"parts": parts, "stack": stack}


def valued(given: Any) -> Any:
    """Return the value of a rule: `Parts`, `Stack`, a function of the parameter, or an action."""
    if isinstance(given, (Parts, Stack)) or is_function(given):
        return given
    if isinstance(given, Mapping) and len(given) == 1:
        ((name, arguments),) = given.items()
        if name in _BY_NAME:
            if not isinstance(arguments, Mapping):
                raise ValueError(f"{name} is written {{{name!r}: {{'value': ...}}}}, got {given!r}")
            return _BY_NAME[name](**arguments)
    return action(given)


def _as_axis(axis: Any) -> int:
    """Return the number of an axis; raise TypeError for another kind of object."""
    if not isinstance(axis, bool):
        try:
            return index(axis)
        except TypeError:
            pass
    raise TypeError(f"axis must be an integer, got {axis!r}")


def _sized(given: Any) -> tuple[tuple[str, int | None], ...]:
    """Return the names and the sizes of the parts."""
    if isinstance(given, (str, bytes)) or not isinstance(given, (Mapping, Sequence)):
        raise TypeError(f"sizes must be a list of names of equal parts, or a mapping of names to sizes; got {given!r}")
    names = list(given)
    if not names:
        raise ValueError("sizes names no parts")
    for name in names:
        if not isinstance(name, str) or not name:
            raise TypeError(f"the name of a part must be text, got {name!r}")
    if len(set(names)) < len(names):
        raise ValueError(f"sizes has a name twice: {', '.join(names)}")
    if not isinstance(given, Mapping):
        return tuple((name, None) for name in names)
    return tuple((name, _size(name, size)) for name, size in given.items())


def _size(name: str, size: Any) -> int:
    try:
        count = index(size)
    except TypeError:
        count = -1
    if count < 0 or isinstance(size, bool):
        raise ValueError(f"the size of part {name!r} must be an integer of at least 0, got {size!r}")
    return count
