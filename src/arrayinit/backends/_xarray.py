"""DataArrays and Variables of xarray: the array in them is written, or replaced, and names and coordinates stay."""

from __future__ import annotations

from typing import Any

import xarray

from arrayinit.backends.container import Container
from arrayinit.backends.protocol import Array
from arrayinit.backends.registry import backend_of
from arrayinit.kernels.fill import Fill


class XArray(Container):
    """Adapter for `xarray.DataArray` and `xarray.Variable`."""

    def accepts(self, cls: type) -> bool:
        return issubclass(cls, (xarray.DataArray, xarray.Variable))

    def held(self, x: Any) -> Array:
        return x.data

    def check_writable(self, x: Any) -> None:
        if isinstance(getattr(x, "variable", x), xarray.IndexVariable):
            raise ValueError(
                f"x is the index of the dimension {x.dims[0]!r}, which xarray does not change: fill an array, and pass "
                "it to assign_coords"
            )
        try:
            super().check_writable(x)
        except ValueError as error:
            # The adapter of the array speaks of the array.
            raise ValueError(str(error).replace("x.flags", "x.data.flags")) from None

    def write(self, x: Any, fill: Fill) -> Any:
        array = self.held(x)
        # An array that xarray reads from a file is not the one in x.
        self.hold(x, backend_of(array).update(array, fill))
        return x

    def hold(self, x: Any, values: Array) -> None:
        x.data = values


BACKEND = XArray()
