"""Modules of Flax nnx, concrete or abstract, and their states."""

from __future__ import annotations

from typing import Any

from arrayinit.models.parameter import Parameter
from arrayinit.models.readers._jax import at, dotted, is_struct, leaves
from arrayinit.models.readers.protocol import Reader, Reading, is_derived

_MODULE = frozenset({"flax.nnx.module.Module", "flax.nnx.pytreelib.Pytree", "flax.nnx.statelib.State"})
_STATE = frozenset({"flax.nnx.statelib.State", "builtins.dict"})
_VARIABLE = frozenset({"flax.nnx.variablelib.Variable"})
_RNG = frozenset({"flax.nnx.rnglib.RngState"})
_PARAM = frozenset({"flax.nnx.variablelib.Param"})
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
        for path, variable in leaves(model, lambda node: is_derived(type(node), _VARIABLE)):
            cls = type(variable)
            if not is_derived(cls, _VARIABLE) or is_derived(cls, _RNG):
                continue
            array = variable.get_value()
            if not hasattr(array, "shape"):
                continue
            name = dotted(path)
            module = at(model, path[:-1])
            layout, groups = _layout(module, name.rpartition(".")[2], len(array.shape))
            p = Parameter(
                name,
                tuple(array.shape),
                str(array.dtype),
                array,
                module,
                layout,
                groups,
                is_buffer=not is_derived(cls, _PARAM),
                owner=owners.get(id(variable)),
                has_values=not is_struct(array),
                put=variable.set_value,
            )
            owners.setdefault(id(variable), name)
            found.append(p)
        return Reading(found, lambda: model)


NNX = Nnx()


def _layout(module: Any, local: str, ndim: int) -> tuple[str | None, int]:
    """Return the layout of an array, and the number of groups."""
    cls = type(module)
    if ndim < 2:
        return None, 1
    if local == "embedding":
        return "OI", 1
    if local != "kernel":
        return None, 1
    if is_derived(cls, _GENERAL):
        inputs, batch = len(module.in_features), len(module.batch_axis)
        return "B" * batch + "I" * inputs + "O" * (ndim - batch - inputs), 1
    if is_derived(cls, _CONVOLUTION):
        # The kernel of a transposed convolution may be that of the convolution whose gradient it is.
        is_turned = getattr(module, "transpose_kernel", False)
        return "...OI" if is_turned else "...IO", getattr(module, "feature_group_count", 1)
    # Of a state, the module is not known: three axes may be those of attention or of a convolution.
    return (None, 1) if ndim == 3 and is_derived(cls, _STATE) else ("...IO", 1)
