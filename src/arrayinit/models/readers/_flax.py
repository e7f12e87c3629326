"""Modules of Flax nnx, concrete or abstract, and their states."""

from __future__ import annotations

from typing import Any

from arrayinit.models.parameter import Parameter
from arrayinit.models.readers._equation import layout_of_equation
from arrayinit.models.readers._jax import dotted, is_struct, leaves
from arrayinit.models.readers._tree import has_jax_arrays, is_stacked, layout_of
from arrayinit.models.readers.protocol import Reader, Reading, is_derived

_MODULE = frozenset({"flax.nnx.module.Module", "flax.nnx.pytreelib.Pytree", "flax.nnx.statelib.State"})
_VARIABLE = frozenset({"flax.nnx.variablelib.Variable"})
_RNG = frozenset({"flax.nnx.rnglib.RngState"})
_PARAM = frozenset({"flax.nnx.variablelib.Param"})
_LINEAR = frozenset({"flax.nnx.nn.linear.Linear"})
_EINSUM = frozenset({"flax.nnx.nn.linear.Einsum"})
_GENERAL = frozenset({"flax.nnx.nn.linear.LinearGeneral"})
_CONVOLUTION = frozenset({"flax.nnx.nn.linear.Conv", "flax.nnx.nn.linear.ConvTranspose"})


class Nnx(Reader):
    """Reads modules and states of Flax nnx."""

    def accepts(self, cls: type) -> bool:
        """Whether this is a class of modules or of states."""
        return is_derived(cls, _MODULE)

    def read(self, model: Any) -> Reading:
        """Return the variables that hold arrays, but no random state. A variable under two names is one parameter."""
        found: list[Parameter] = []
        owners: dict[int, str] = {}
        for path, variable, holders in leaves(model, lambda node: is_derived(type(node), _VARIABLE)):
            cls = type(variable)
            if not is_derived(cls, _VARIABLE) or is_derived(cls, _RNG):
                continue
            array = variable.get_value()
            name = dotted(path)
            if not hasattr(array, "shape"):
                if has_jax_arrays(array):
                    fault = "the variable holds several arrays: give each a variable of its own"
                    found.append(Parameter(name, (), "float32", array, fault=fault))
                continue
            module = holders[-1]
            local, ndim = name.rpartition(".")[2], len(array.shape)
            layout, groups = _layout(module, local, ndim)
            p = Parameter(
                name,
                tuple(array.shape),
                str(array.dtype),
                array,
                module,
                layout,
                groups,
                _of_layer(module, local, ndim),
                is_buffer=not is_derived(cls, _PARAM),
                owner=owners.get(id(variable)),
                has_values=not is_struct(array),
                put=variable.set_value,
                holders=holders,
            )
            owners.setdefault(id(variable), name)
            found.append(p)
        return Reading(found, lambda: model)


NNX = Nnx()


def are_variables(model: Any) -> bool:
    """Whether this is a tree whose leaves are variables of nnx, such as a dictionary of nnx.Param."""
    if is_derived(type(model), _VARIABLE):
        return False
    found = leaves(model, lambda node: is_derived(type(node), _VARIABLE))
    return bool(found) and all(is_derived(type(leaf.value), _VARIABLE) for leaf in found)


def _layout(module: Any, local: str, ndim: int) -> tuple[str | None, int]:
    """Return the layout of an array, and the number of groups."""
    known = _of_class(module) if local == "kernel" else None
    if known is None:
        return None if is_stacked(module) else layout_of(local, ndim), 1
    layout, axes, groups = known
    # Layers that are stacked have one more axis, and it may be anywhere.
    return (layout, groups) if ndim == axes else (None, 1)


def _of_layer(module: Any, local: str, ndim: int) -> tuple[str | None, int] | None:
    """Return the layout and the groups that one layer has, if the array is that of stacked layers."""
    known = _of_class(module) if local == "kernel" else None
    if known is None:
        return layout_of(local, ndim - 1), 1
    layout, axes, groups = known
    return (layout, groups) if ndim == axes + 1 else None


def _of_class(module: Any) -> tuple[str, int, int] | None:
    """Return the layout of the kernel of a layer, and the numbers of its axes and of its groups."""
    cls = type(module)
    if is_derived(cls, _LINEAR):
        return "...IO", 2, 1
    if is_derived(cls, _GENERAL):
        letters = "B" * len(module.batch_axis) + "I" * len(module.in_features) + "O" * len(module.out_features)
        return letters, len(letters), 1
    if is_derived(cls, _EINSUM):
        letters = layout_of_equation(module.einsum_str)
        return letters, len(letters), 1
    if is_derived(cls, _CONVOLUTION):
        # The kernel of a transposed convolution may be that of the convolution whose gradient it is.
        layout = "...OI" if getattr(module, "transpose_kernel", False) else "...IO"
        return layout, len(module.kernel_size) + 2, getattr(module, "feature_group_count", 1)
    return None
