"""Modules of torch, wrapped or not, on any device, sharded or not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from arrayinit.models.parameter import Parameter
from arrayinit.models.readers._memory import identity, tie
from arrayinit.models.readers._torch_layouts import layout_of
from arrayinit.models.readers.protocol import TORCH_MODULE, Reader, Reading, entry_for, is_derived

_EMBEDDING = frozenset({"torch.nn.modules.sparse.Embedding", "torch.nn.modules.sparse.EmbeddingBag"})
_PARAMETRIZED = frozenset({"torch.nn.utils.parametrize.ParametrizationList"})
_FSDP2 = frozenset({"torch.distributed.fsdp.FSDPModule"})
_FSDP1 = "torch.distributed.fsdp.fully_sharded_data_parallel.FullyShardedDataParallel"

# What a wrapper calls the module that it wraps. The name is no part of the names of parameters.
_WRAPPERS: dict[str, str | None] = {
    "torch._dynamo.eval_frame.OptimizedModule": "_orig_mod",
    "torch.nn.parallel.distributed.DistributedDataParallel": "module",
    "torch.nn.parallel.data_parallel.DataParallel": "module",
    "torch.distributed.algorithms._checkpoint.checkpoint_wrapper.CheckpointWrapper": "_checkpoint_wrapped_module",
    "torch.distributed.algorithms._checkpoint.checkpoint_wrapper.OffloadWrapper": "_checkpoint_wrapped_module",
    "torch.optim.swa_utils.AveragedModel": "module",
    _FSDP1: "_fsdp_wrapped_module",
}

Module = Any


class Torch(Reader):
    """Reads `torch.nn.Module`."""

    def accepts(self, cls: type) -> bool:
        """Whether this is a class of modules."""
        return is_derived(cls, TORCH_MODULE)

    def read(self, model: Module) -> Reading:
        """Return the parameters and buffers, in the order of ``named_parameters``."""
        found: dict[str, Parameter] = {}
        for prefix, holders in modules(model):
            module = holders[-1]
            cls: Any = type(module)
            for tensors, is_buffer in ((module._parameters, False), (module._buffers, True)):
                for local, tensor in tensors.items():
                    if tensor is not None:
                        p = _parameter(f"{prefix}{local}", tensor, module, layout_of(cls, local), is_buffer)
                        p.holders = holders
                        found.setdefault(p.name, p)
        tie(list(found.values()))
        return Reading(list(found.values()), lambda: model)

    def give_memory(self, model: Module, device: Any) -> None:
        """Give memory to what is on the meta device and to nothing else; ties stay ties."""
        import torch

        ties = _ties(model)
        attributes = [(tensors, local, dict(vars(tensor))) for tensors, local, tensor in _tensors(model)]
        made: dict[Any, Any] = {}

        def with_memory(tensor: torch.Tensor) -> torch.Tensor:
            if not tensor.is_meta:
                return tensor
            if (key := identity(tensor)) not in made:
                # The old tensor is held too, so that no other gets its address.
                made[key] = torch.empty_like(tensor, device=device), tensor
            return made[key][0]

        # Sharded modules follow a change that this method makes.
        model._apply(with_memory)
        for tensors, local, owner, its_local in ties:
            tensors[local] = owner[its_local]
        for tensors, local, own in attributes:
            vars(tensors[local]).update(own)


TORCH = Torch()


def modules(
    module: Module, prefix: str = "", outer: tuple[Module, ...] = ()
) -> Iterator[tuple[str, tuple[Module, ...]]]:
    """Yield the prefix of the names of each module's parameters, and the modules from the model down to this one.

    The names that wrappers add are left out.
    """
    cls: Any = type(module)
    inner = entry_for(cls, _WRAPPERS, None)
    if inner == "_fsdp_wrapped_module":
        _check_summoned(module)
    if is_derived(cls, _FSDP2):
        # After a forward pass, whole parameters stand in for the shards for a while, and are thrown away then.
        module.reshard()
    holders = (*outer, module)
    yield prefix, holders
    for name, child in module._modules.items():
        if child is not None:
            yield from modules(child, prefix if name == inner else f"{prefix}{name}.", holders)


def _check_summoned(module: Module) -> None:
    if module.training_state.name != "SUMMON_FULL_PARAMS":
        raise ValueError(
            "FullyShardedDataParallel has flattened the parameters of this model: initialize it inside of "
            "`with FullyShardedDataParallel.summon_full_params(model, writeback=True):`"
        )


def is_loaded(tensor: Any) -> bool:
    """Whether transformers has loaded this tensor from a checkpoint."""
    return getattr(tensor, "_is_hf_initialized", False) is True


def _is_lazy(tensor: Any) -> bool:
    return type(tensor).__name__ in ("UninitializedParameter", "UninitializedBuffer")


def _parameter(name: str, tensor: Any, module: Module, layout: str | None, is_buffer: bool) -> Parameter:
    """Return the description of a tensor of a module."""
    if _is_lazy(tensor):
        fault = "it is lazy, and has no shape yet: run the model once before"
        return Parameter(name, (), "float32", tensor, module, is_buffer=is_buffer, fault=fault)
    is_meta = tensor.is_meta
    p = Parameter(
        name,
        tuple(tensor.shape),
        str(tensor.dtype).removeprefix("torch."),
        tensor,
        module,
        is_buffer=is_buffer,
        has_values=not is_meta,
        needs_memory=is_meta,
        is_loaded=is_loaded(tensor),
    )
    if layout is not None and len(p.shape) > 1:
        p.layout, p.groups = layout, vars(module).get("groups", 1)
        if p.groups != 1 and layout == "IO..." and type(tensor).__name__ == "DTensor":
            p.fault = "it is a transposed convolution with groups that is sharded: fill it before it is sharded"
    if p.shape == (0,) and not is_buffer:
        p.fault = (
            "it has no elements, as ZeRO-3 leaves its parameters: gather them first, as by "
            "deepspeed.zero.GatheredParameters"
        )
    if p.local == "weight" and is_derived(type(module), _EMBEDDING) and module.padding_idx is not None:
        p.zero_rows = (module.padding_idx,)
    if is_derived(type(module), _PARAMETRIZED):
        p.must_name = "original"
    return p


def _tensors(model: Module) -> Iterator[tuple[dict[str, Any], str, Any]]:
    """Yield where each tensor of a model stands, and the tensor."""
    for module in model.modules():
        for tensors in (module._parameters, module._buffers):
            yield from ((tensors, local, tensor) for local, tensor in tensors.items() if tensor is not None)


def _ties(model: Module) -> list[tuple[dict[str, Any], str, dict[str, Any], str]]:
    """Return where one tensor stands under two names: the place of the second, and that of the first."""
    first: dict[int, tuple[dict[str, Any], str]] = {}
    ties: list[tuple[dict[str, Any], str, dict[str, Any], str]] = []
    for tensors, local, tensor in _tensors(model):
        owner = first.setdefault(id(tensor), (tensors, local))
        if owner[0] is not tensors or owner[1] != local:
            ties.append((tensors, local, *owner))
    return ties
