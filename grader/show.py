"""Values in few words, for people: what a check expected, what came, and on which input."""

import math
import sys
from typing import Any

LONGEST = 300  # characters
FEW = 12  # numbers of a tensor that are shown


def show(value: object) -> str:
    """`value` in at most about `LONGEST` characters; a tensor by its shape, its dtype and its first numbers."""
    text = _show(value, depth=0)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def call(name: str, args: tuple | list, kwargs: dict) -> str:
    """A call as a learner would write it: `softmax(tensor of shape (3, 4), 0)`."""
    parts = [show(a) for a in args] + [f"{key}={show(value)}" for key, value in kwargs.items()]
    return f"{name}({', '.join(parts)})"


def _show(value: Any, depth: int) -> str:
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(value, torch.Tensor):
        return _show_array(value, tuple(value.shape), str(value.dtype).removeprefix("torch."), "tensor")
    if type(value).__module__ == "numpy" and hasattr(value, "shape"):
        return _show_array(value, value.shape, str(value.dtype), "array")
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, str) and len(value) > 160:
        return repr(value[:120]) + f"… ({len(value)} characters)"
    if depth < 3 and isinstance(value, (list, tuple)):
        inside = ", ".join(_show(x, depth + 1) for x in value[:FEW]) + (", …" if len(value) > FEW else "")
        if isinstance(value, list):
            return f"[{inside}]"
        return f"({inside},)" if len(value) == 1 else f"({inside})"
    if depth < 3 and isinstance(value, dict):
        inside = ", ".join(f"{k!r}: {_show(v, depth + 1)}" for k, v in list(value.items())[:FEW])
        return "{" + inside + (", …}" if len(value) > FEW else "}")
    if hasattr(type(value), "exposed"):  # not of the value: a remote one would be asked for it
        return f"<{type(value).__name__}>"
    if callable(value) and hasattr(value, "__name__"):
        return "<function>" if value.__name__ == "<lambda>" else value.__name__
    return repr(value)


def _show_array(array: Any, shape: tuple, dtype: str, kind: str) -> str:
    count = math.prod(shape)
    if count > FEW or not count:
        first = ", ".join(_number(x) for x in array.reshape(-1)[:4].tolist())
        return f"{kind} of shape {shape} {dtype}" + (f" [{first}, …]" if first else "")
    return f"{_nested(array.tolist())}" + ("" if dtype in ("float32", "int64", "bool") else f" ({dtype})")


def _nested(value: Any) -> str:
    return "[" + ", ".join(map(_nested, value)) + "]" if isinstance(value, list) else _number(value)


def _number(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, (float, complex)) else str(value)
