"""What crosses between a submission and its checks: data, never code.

`pack` turns a value into bytes and `unpack` turns bytes back into a value. What is not data (a function, a class,
an object of the learner's) crosses as a `Handle`: a number that means something only on the side that gave it out.
Bytes that come from a submission are hostile: every size, type and shape is checked before anything is built from
them, and whatever is wrong with them raises `WireError`.
"""

import math
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgpack
import numpy as np

LARGEST_MESSAGE = 64 * 2**20  # bytes
DEEPEST = 32  # containers within containers
LARGEST_INTEGER = 3500  # hexadecimal digits; those that have more than 4300 decimal ones, Python refuses to show

TUPLE, SET, TENSOR, ARRAY, HANDLE, INTEGER, DTYPE = range(1, 8)
DTYPES = frozenset(
    "bool uint8 int8 int16 int32 int64 float16 bfloat16 float32 float64 complex64 complex128".split()
)
ITEM_SIZES = {name: 2 if name == "bfloat16" else np.dtype(name).itemsize for name in DTYPES}


class WireError(ValueError):
    """Bytes that are not a message, or a value that cannot be one."""


@dataclass(frozen=True)
class Handle:
    """Stands for an object on the other side. `theirs`: it belongs to the side that receives it."""

    number: int
    kind: str
    theirs: bool


def pack(value: object, handle_for: Callable[[object], Handle]) -> bytes:
    """The bytes of `value`; `handle_for` gives a handle to everything that is not data."""

    def default(item: object) -> Any:
        if isinstance(item, Handle):
            return _extension(HANDLE, [item.number, item.kind[:200], item.theirs])
        if isinstance(item, tuple):
            return _extension(TUPLE, list(item))
        if isinstance(item, (set, frozenset)):
            return _extension(SET, list(item))
        if isinstance(item, np.generic):
            return item.item()
        for plain in (bool, int, float, str, bytes):  # subclasses (an enum's members, say) arrive as the plain value
            if isinstance(item, plain):
                return plain.__str__(item) if plain is str else plain(item)
        if isinstance(item, np.ndarray) and item.dtype.name in DTYPES:
            return _extension(ARRAY, [item.dtype.name, list(item.shape), np.ascontiguousarray(item).tobytes()])
        torch = sys.modules.get("torch")
        if torch is not None and isinstance(item, torch.Tensor) and item.layout == torch.strided:
            return _extension(TENSOR, _tensor_parts(torch, item))
        if torch is not None and isinstance(item, torch.dtype):
            return _extension(DTYPE, str(item).removeprefix("torch."))
        if type(item) in (list, dict):
            return item
        return default(handle_for(item))

    def _extension(code: int, content: object) -> msgpack.ExtType:
        return msgpack.ExtType(code, msgpack.packb(content, default=default, strict_types=True, use_bin_type=True))

    def big_integers(item: object, depth: int = 0) -> object:
        """msgpack's integers have 64 bits; larger ones travel as text."""
        if depth > DEEPEST:
            raise WireError(f"a value nested more than {DEEPEST} deep")
        if type(item) is int and not -(2**63) <= item < 2**64:
            return msgpack.ExtType(INTEGER, hex(item).encode())
        if type(item) is list:
            return [big_integers(x, depth + 1) for x in item]
        if type(item) is tuple:
            return tuple(big_integers(x, depth + 1) for x in item)
        if type(item) is dict:
            return {big_integers(k, depth + 1): big_integers(v, depth + 1) for k, v in item.items()}
        return item

    try:
        data = msgpack.packb(big_integers(value), default=default, strict_types=True, use_bin_type=True)
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise WireError(f"a value that cannot be sent: {error}") from error
    if len(data) > LARGEST_MESSAGE:
        raise WireError(f"a value of {len(data):,} bytes; at most {LARGEST_MESSAGE:,} can be sent")
    return data


def unpack(data: bytes, resolve: Callable[[Handle], object]) -> Any:
    """The value in `data`; `resolve` turns a handle into what stands for it on this side.

    Raises:
        WireError: for bytes that are not exactly one well-formed value.
    """
    try:
        return _unpack(data, resolve, DEEPEST)
    except WireError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever hostile bytes provoke is one thing to the caller
        raise WireError(f"not a message: {type(error).__name__}: {error}"[:300]) from None


def _unpack(data: bytes, resolve: Callable[[Handle], object], depth: int) -> Any:
    if len(data) > LARGEST_MESSAGE or depth <= 0:
        raise WireError("a message too large or too deep")

    def extension(code: int, content: bytes) -> object:
        if code == INTEGER:
            if len(content) > LARGEST_INTEGER:
                raise WireError("an integer too large")
            return int(content, 16)
        parts = _unpack(content, resolve, depth - 1)
        match code, parts:
            case 1, list():
                return tuple(parts)
            case 2, list():
                return set(parts)
            case 3, [str(name), list(shape), bytes(raw)]:
                return _tensor(name, shape, raw)
            case 4, [str(name), list(shape), bytes(raw)] if name != "bfloat16":
                _require_array(name, shape, raw)
                return np.frombuffer(bytearray(raw), name).reshape(shape)
            case 5, [int(number), str(kind), bool(theirs)]:
                return resolve(Handle(number, kind[:200], theirs))
            case 7, str(name) if name in DTYPES:
                import torch

                return getattr(torch, name)
        raise WireError(f"an extension of kind {code} that does not hold what it should")

    return msgpack.unpackb(data, ext_hook=extension, raw=False, strict_map_key=False, max_ext_len=LARGEST_MESSAGE)


def _tensor_parts(torch: Any, tensor: Any) -> list:
    plain = tensor.detach().cpu().resolve_conj().resolve_neg().contiguous()
    name = str(plain.dtype).removeprefix("torch.")
    if name not in DTYPES:
        raise WireError(f"a tensor of dtype {name} cannot be sent")
    raw = plain.reshape(-1).view(torch.uint8).numpy().tobytes() if plain.numel() else b""
    return [name, list(plain.shape), raw]


def _require_array(name: str, shape: list, raw: bytes) -> None:
    if name not in DTYPES:
        raise WireError("an array of an unknown dtype")
    if len(shape) > 16 or not all(type(n) is int and 0 <= n < 2**40 for n in shape):
        raise WireError("an array whose shape is not one")
    if math.prod(shape) * ITEM_SIZES[name] != len(raw):
        raise WireError("an array whose bytes do not fill its shape")


def _tensor(name: str, shape: list, raw: bytes) -> Any:
    import torch

    _require_array(name, shape, raw)
    dtype = getattr(torch, name)
    if not raw:
        return torch.empty(shape, dtype=dtype)
    return torch.frombuffer(bytearray(raw), dtype=torch.uint8).view(dtype).reshape(shape)
