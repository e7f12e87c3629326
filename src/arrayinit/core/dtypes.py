"""The floating-point formats, and rounding into them from a Python float."""

from __future__ import annotations

import math
from numbers import Complex, Integral, Real
from typing import Any, NamedTuple, TypeVar

from arrayinit.core.numbers import concrete, described, finite, shown

T = TypeVar("T", float, complex)


class FloatFormat(NamedTuple):
    """A dtype of random numbers. ``precision``, ``emin`` and ``max`` of a complex dtype describe its parts."""

    name: str
    real: str
    compute: str
    word: str
    """The dtype of the random words of the portable stream."""
    bits: int
    """The size of a number: the sign, the exponent, and ``precision`` - 1 bits of the significand."""
    precision: int
    emin: int
    max: float
    """The largest finite value."""
    is_complex: bool = False
    has_infinity: bool = True
    """Whether numbers past ``max`` overflow to infinity; to NaN if not. Of several NaNs, all other bits say NaN."""
    has_negative_zero: bool = True
    """Whether there is a -0. If not, its bits are the one NaN."""

    @property
    def is_narrow(self) -> bool:
        """Whether numbers are computed in a wider format, and then rounded: formats of 16 and 8 bits."""
        return self.compute != self.name

    def misfit(self, what: str, must: str = "it must be") -> ValueError:
        """Return the error for what this format cannot represent; ``what`` ends in a verb."""
        return ValueError(f"{what} fit dtype {self.name}: {must} within {self.max!r}")

    def _last_bit(self, value: float) -> int:
        return max(math.frexp(value)[1] - 1, self.emin) - self.precision + 1

    def floor(self, value: float) -> float:
        """Return the greatest value of this format that is at most ``value``."""
        if math.isinf(value) or value == 0:
            return value
        if value > self.max:
            return self.max
        if value < -self.max:
            return -math.inf
        exponent = self._last_bit(value)
        return math.ldexp(math.floor(math.ldexp(value, -exponent)), exponent)

    def ceil(self, value: float) -> float:
        """Return the least value of this format that is at least ``value``."""
        return -self.floor(-value)

    def below(self, value: float) -> float:
        """Return the greatest value of this format that is less than ``value``."""
        return self.floor(math.nextafter(value, -math.inf))

    def rounded(self, value: float) -> float:
        """Round ``value`` to this format: to nearest, ties to even."""
        if not math.isfinite(value) or value == 0:
            return value
        exponent = self._last_bit(value)
        return math.copysign(math.ldexp(round(math.ldexp(value, -exponent)), exponent), value)

    def nearest(self, value: float) -> float:
        """Round ``value`` to this format: to nearest, ties to the lower value. The frozen stream depends on it."""
        low, high = self.floor(value), self.ceil(value)
        return low if value - low <= high - value else high


def _largest(precision: int, emax: int) -> float:
    return math.ldexp(2.0 - math.ldexp(1.0, 1 - precision), emax)


def _real(name: str, bits: int, precision: int, emin: int, largest: float, **facts: bool) -> FloatFormat:
    compute, word = ("float64", "uint64") if bits == 64 else ("float32", "uint32")
    return FloatFormat(name, name, compute, word, bits, precision, emin, largest, **facts)


def _complex(name: str, part: FloatFormat) -> FloatFormat:
    return part._replace(name=name, compute=name, is_complex=True)


_SINGLE = _real("float32", 32, 24, -126, _largest(24, 127))
_DOUBLE = _real("float64", 64, 53, -1022, _largest(53, 1023))
_FORMATS = (
    _real("float16", 16, 11, -14, _largest(11, 15)),
    _real("bfloat16", 16, 8, -126, _largest(8, 127)),
    _SINGLE,
    _DOUBLE,
    _complex("complex64", _SINGLE),
    _complex("complex128", _DOUBLE),
    # The names say what a format lacks: fn the infinities, nuz the -0. P. Micikevicius et al., "FP8 formats for deep
    # learning", 2022; B. Noune et al., "8-bit numerical formats for deep neural networks", 2022.
    _real("float8_e4m3fn", 8, 4, -6, 448.0, has_infinity=False),
    _real("float8_e4m3fnuz", 8, 4, -7, _largest(4, 7), has_infinity=False, has_negative_zero=False),
    _real("float8_e5m2", 8, 3, -14, _largest(3, 15)),
    _real("float8_e5m2fnuz", 8, 3, -15, _largest(3, 15), has_infinity=False, has_negative_zero=False),
)

FORMATS: dict[str, FloatFormat] = {form.name: form for form in _FORMATS}

_INTEGERS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")

NAMES = (*FORMATS, "bool", *_INTEGERS)
"""The supported dtypes: the dtypes of the array API, and floats of 16 and 8 bits."""


_WIDER = {"float": "float32", "complex": "complex64", "bcomplex": "complex64"}
_WIDEST = {"longdouble": "float64", "clongdouble": "complex128", "float128": "float64", "complex256": "complex128"}


def wider(name: str) -> str | None:
    """Return a supported dtype that can stand in for an unsupported dtype, or None."""
    # torch converts no dtype with two numbers in a byte, such as float4_e2m1fn_x2.
    if name in NAMES or name.endswith("_x2"):
        return None
    return _WIDEST.get(name) or _WIDER.get(name.partition("_")[0].rstrip("0123456789"))


def _detour(name: str) -> str:
    wide = wider(name)
    return "" if wide is None else f"; fill an array of {wide}, and convert it to {name}"


def floating(name: str) -> FloatFormat:
    """Return the format of a dtype; raise TypeError unless random numbers can be drawn in it."""
    try:
        return FORMATS[name]
    except KeyError:
        known = ", ".join(FORMATS)
        if name not in NAMES:
            raise TypeError(
                f"x has dtype {name}, which is not supported: random initializers fill {known} arrays{_detour(name)}"
            ) from None
        raise TypeError(
            f"x has dtype {name}, but random initializers fill {known} arrays only; "
            "integers and booleans are for constant_, ones_, zeros_, eye_ and dirac_"
        ) from None


def fitting_gain(form: FloatFormat, gain: float) -> float:
    """Return the gain as a float; raise ValueError unless it is finite and fits ``form``."""
    gain = finite("gain", gain)
    if abs(gain) > form.max:
        raise form.misfit(f"gain={gain!r} does not")
    return gain


_PYTHON = (int, float, bool)


def fill_value(name: str, given: Any, argument: str = "val") -> complex:
    """Return ``given`` as a Python number; raise unless it fits the dtype ``name``."""
    if name not in NAMES:
        raise TypeError(
            f"x has dtype {name}, which is not supported: only arrays of {', '.join(NAMES)} can be "
            f"filled{_detour(name)}"
        )
    value = given
    # An abstract class takes longer to ask than all else.
    if type(given) not in _PYTHON and not isinstance(given, Complex):
        value = concrete(argument, given)
        if not isinstance(value, Complex):
            raise TypeError(f"{argument} must be a number, got {described(given)}")
    if name == "bool":
        return bool(value)
    if name in ("complex64", "complex128"):
        number = _as(complex, value, argument)
        _check_part(FORMATS[name], number.real, argument)
        _check_part(FORMATS[name], number.imag, argument)
        return number
    if type(value) not in _PYTHON and not isinstance(value, Real):
        raise TypeError(f"{argument}={value!r} is complex, but x has dtype {name}; pass a real number")
    if name in _INTEGERS:
        bits = int(name.lstrip("uint"))
        low, high = (0, 2**bits - 1) if name[0] == "u" else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
        # As a Python number: NumPy would round the bounds in the comparison.
        whole = int(value) if isinstance(value, Integral) else _as(float, value, argument)
        if not low <= whole <= high:
            raise ValueError(f"{argument}={shown(value)} does not fit dtype {name}, which holds {low} to {high}")
        return int(whole)
    number, form = _as(float, value, argument), FORMATS[name]
    _check_part(form, number, argument)
    # Libraries round to narrow formats by way of float32, and so twice.
    return form.rounded(number) if form.is_narrow else number


def _as(kind: type[T], value: Any, argument: str) -> T:
    try:
        return kind(value)
    except OverflowError:
        raise ValueError(f"{argument} must fit a double, got {shown(value)}") from None


def _check_part(form: FloatFormat, part: float, argument: str) -> None:
    if abs(part) > form.max and not (form.has_infinity and math.isinf(part)):
        raise form.misfit(f"{argument}={part!r} does not", f"it must be {'infinite or ' * form.has_infinity}".rstrip())
