"""Which parameter takes which tensor of a checkpoint, and everything that speaks against it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from arrayinit.core.dtypes import NAMES
from arrayinit.core.layouts import Axes, parse
from arrayinit.initializers.copy import copy_
from arrayinit.models.names import Rename, follows_torch, listed, renaming, torch_name
from arrayinit.models.parameter import Parameter
from arrayinit.models.pretrained.axes import Pairs, alike, by_role, fits, flat, of_torch, permuted
from arrayinit.models.pretrained.loaded import Loaded
from arrayinit.models.pretrained.same import are_equal
from arrayinit.models.pretrained.tensors import Tensor
from arrayinit.models.readers import Memory, layout_of_tree, plain_name
from arrayinit.models.readers.protocol import TORCH_MODULE, is_derived
from arrayinit.values.abstract import Abstract

OnMismatch = str | Callable[[Any, Parameter], Any]
"""``"error"``, ``"initialize"``, or a function of the value and the parameter that returns the value of a rule."""


class Found(NamedTuple):
    """What a checkpoint gives a parameter."""

    value: Any
    """A `Loaded`, or what ``on_mismatch`` returned."""
    source: str


class Loading(NamedTuple):
    """What a checkpoint gives to a model."""

    found: dict[str, Found]
    """By the names of the parameters."""
    refused: frozenset[str]
    """The names of the parameters that have problems."""
    extra: list[Parameter]
    """The tensors that no parameter takes, as parameters without a model."""
    problems: list[str]


NOTHING_LOADED = Loading({}, frozenset(), [], [])
"""What is loaded without a checkpoint."""


def check_on_mismatch(given: Any) -> None:
    """Raise TypeError unless this is a way to treat tensors of another shape."""
    if given not in ("error", "initialize") and not callable(given):
        raise TypeError(
            f"on_mismatch must be 'error', 'initialize', or a function of (value, parameter); got {given!r}"
        )


def loading(
    parameters: Sequence[Parameter], tensors: Mapping[str, Tensor], rename: Rename, on_mismatch: OnMismatch
) -> Loading:
    """Find the tensor of each parameter, by the name that ``rename`` gives it."""
    matching = _Matching(parameters, tensors, rename, on_mismatch)
    for p in parameters:
        if p.owner is None:
            matching.add([p, *(q for q in parameters if q.owner == p.name)])
    if not matching.used and tensors and parameters:
        matching.problem_of_names(parameters[0].name)
    extra = [Parameter(t.name, t.shape, t.dtype, None) for t in tensors.values() if t.name not in matching.used]
    return Loading(matching.found, frozenset(matching.refused), extra, matching.problems())


class _Matching:
    """Collects what is found, and the problems by kind."""

    def __init__(
        self,
        parameters: Sequence[Parameter],
        tensors: Mapping[str, Tensor],
        rename: Rename,
        on_mismatch: OnMismatch,
    ) -> None:
        self.tensors, self.on_mismatch, self.memory = tensors, on_mismatch, Memory(parameters)
        self.renamed, self.is_torch = renaming(rename), follows_torch(rename)
        self.others: dict[str, str] = {}
        for name in tensors:
            plain = plain_name(name)
            self.others.setdefault(torch_name(plain) if self.is_torch else plain, name)
        self.found: dict[str, Found] = {}
        self.used: set[str] = set()
        self.refused: set[str] = set()
        self.failed: dict[str, list[str]] = {}

    def problems(self) -> list[str]:
        """Return one text for each kind of problem."""
        return [f"{kind}: {listed(names)}" for kind, names in self.failed.items()]

    def problem_of_names(self, example: str) -> None:
        """Say that no name is found, and which prefix is too much if it is a prefix."""
        wanted, given = self.renamed(example), next(iter(self.tensors))
        longer = next((name for name in self.tensors if name.endswith(f".{wanted}")), None)
        shorter = next((name for name in self.tensors if wanted.endswith(f".{name}")), None)
        hint = ", see rename"
        if longer is not None:
            hint = f", as by rename=[('^', {longer.removesuffix(wanted)!r})]"
        elif shorter is not None:
            hint = f", as by rename=[({'^' + wanted.removesuffix(shorter)!r}, '')]"
        text = f"{given!r} in the checkpoint, {wanted!r} in the model{hint}"
        self.failed["no tensor has a name of the model"] = [text]

    def tensor(self, p: Parameter) -> Tensor | None:
        """Return the tensor of a parameter: the one of its name, or the one whose name becomes its name."""
        name = self.renamed(p.name)
        return self.tensors.get(name) or self.tensors.get(self.others.get(name, ""))

    def add(self, aliases: Sequence[Parameter]) -> None:
        """Find the tensor of a parameter, which may be saved under each of its names."""
        given = [(p, tensor) for p in aliases if (tensor := self.tensor(p)) is not None]
        if not given:
            return
        self.used.update(tensor.name for _, tensor in given)
        owner, (p, tensor) = aliases[0], given[0]
        try:
            self._check(owner, tensor)
            loaded = self._fitted(p, tensor)
            for other, its in given[1:]:
                self._check_tie(p, loaded, other, its)
        except _RefusalError as refusal:
            self.failed.setdefault(refusal.kind, []).append(refusal.what)
            self.refused.add(owner.name)
            return
        if loaded is not None:
            self.found[owner.name] = Found(loaded, tensor.origin if isinstance(loaded, Loaded) else "on_mismatch")

    def _check(self, p: Parameter, tensor: Tensor) -> None:
        """Raise unless the tensor has numbers that the parameter can hold."""
        if p.fault:
            raise _RefusalError("these cannot be loaded", f"{p.name!r}: {p.fault}")
        if self.memory.has_part_of(tensor.array, p.array):
            raise _RefusalError("these share memory with parameters of the model; copy them before", tensor.name)
        given, wanted = _kind(tensor.dtype), _kind(p.dtype)
        if given != wanted or given is None:
            raise _RefusalError(
                "these have another kind of dtype in the checkpoint", f"{tensor.name} {tensor.dtype} for {p.dtype}"
            )
        if given == "integer" and tensor.dtype != p.dtype and tensor.shape == p.shape:
            x: Any = Abstract(p.shape, p.dtype)
            try:
                copy_(x, tensor.read(tensor.whole))
            except ValueError as error:
                raise _RefusalError("these integers do not fit", f"{tensor.name}: {error}") from None

    def _fitted(self, p: Parameter, tensor: Tensor) -> Any:
        """Return the action for a tensor; None if a rule decides."""
        pairs = self._pairs(p, tensor)
        if fits(pairs, tensor.shape, p.shape):
            return Loaded.of(tensor, pairs)
        if self.on_mismatch == "error":
            raise _RefusalError(
                "these have another shape in the checkpoint, see on_mismatch",
                f"{tensor.name} {tensor.shape} for {p.shape}",
            )
        if not callable(self.on_mismatch):
            return None
        return self.on_mismatch(permuted(tensor.read(tensor.whole), pairs, len(p.shape)), p)

    def _check_tie(self, p: Parameter, loaded: Any, other: Parameter, its: Tensor) -> None:
        """Raise unless two names of one parameter have the same values in the checkpoint."""
        second = self._fitted(other, its) if isinstance(loaded, Loaded) else None
        if isinstance(second, Loaded) and not are_equal(loaded, second, p.shape):
            raise _RefusalError("these are tied in the model, and have different values in the checkpoint", its.name)

    def _pairs(self, p: Parameter, tensor: Tensor) -> Pairs:
        """Return how the axes of a tensor become those of a parameter."""
        ours, theirs = p.local, tensor.name.rpartition(".")[2]
        ndim, is_alike = len(tensor.shape), _convention(ours) == _convention(theirs)
        if self.is_torch and torch_name(ours) == torch_name(theirs) == "bias":
            # Attention of Flax has a bias of several axes, and that of torch has one.
            is_split = 1 in (ndim, len(p.shape)) and math.prod(p.shape) == math.prod(tensor.shape)
            return flat(ndim, len(p.shape)) if is_split else alike(ndim)
        if ndim < 2:
            return alike(ndim)
        layout = tensor.layout or (layout_of_tree(theirs, ndim) if _convention(theirs) == "JAX" else None)
        if layout == p.layout is not None or (is_alike and tensor.layout is None and not self._is_foreign(p)):
            return alike(ndim)
        if p.layout is not None and not _is_transposed(p):
            if layout is not None:
                return _by_role(parse(layout, tensor.shape), parse(p.layout, p.shape))
            is_of_torch = self.is_torch and _convention(theirs) != "JAX"
            axes = of_torch(p.shape, p.layout) if is_of_torch else None
            if axes is not None:
                return _by_role(*axes) if len(axes[0].canonical) == ndim else alike(ndim)
        raise _RefusalError(
            "the order of the axes is not known for these: pass each array in a rule, and keep() for its tensor"
            if self.is_torch
            else "the order of the axes is not known for these; rename='torch' says that it is torch's",
            f"{tensor.name} {tensor.shape} for {p.name} {p.shape}",
        )

    def _is_foreign(self, p: Parameter) -> bool:
        """Whether a layer of another library may have another order of the axes than torch's weight of this name.

        ``"IO..."`` is the order of torch's transposed convolutions too, and that of no other layer of several axes.
        """
        if not self.is_torch or is_derived(type(p.module), TORCH_MODULE):
            return False
        return p.layout != "IO..." if _is_transposed(p) else p.layout is not None


class _RefusalError(Exception):
    """A tensor cannot be loaded."""

    def __init__(self, kind: str, what: str) -> None:
        super().__init__(kind, what)
        self.kind, self.what = kind, what


def _convention(local: str) -> str:
    """Return whose name this is, of torch's weights or of JAX's libraries, or the empty string."""
    return "torch" if local == "weight" else "JAX" if torch_name(local) != local else ""


def _by_role(given: Axes, wanted: Axes) -> Pairs:
    return by_role(given, wanted) if len(given.kernel) == len(wanted.kernel) else alike(len(given.canonical))


def _is_transposed(p: Parameter) -> bool:
    """Whether this may be a kernel of a transposed convolution, whose order in space differs from torch's."""
    return len(p.shape) > 2 and "transpose" in f"{type(p.module).__name__} {p.name}".lower()


def _kind(dtype: str) -> str | None:
    """Return the kind of a dtype; None if it is not known."""
    if dtype not in NAMES:
        return None
    kinds = {"bool": "boolean", "int": "integer", "uint": "integer", "complex": "complex"}
    return next((kind for start, kind in kinds.items() if dtype.startswith(start)), "real")
