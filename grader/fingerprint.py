"""Short summaries of what a learner's code did, alike when it did the same up to rounding.

While a check runs, its calls, their outcomes and the requests they made are noted down as fingerprints. A learner
whose notes equal those of a known mistake has, as far as any check can see, made that mistake.
"""

import hashlib
import math
import re
import sys
from typing import Any

import numpy as np

LONGEST = 400  # events of one check
CLOSE = 1e-3  # relative
PORT = re.compile(r"(127\.0\.0\.1:)\d+")  # a provider's is another one in each run


def fingerprint(value: Any) -> Any:
    """JSON-ready data that stands for `value`."""
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(value, torch.Tensor):
        dtype = str(value.dtype).removeprefix("torch.")
        flat = value.detach().reshape(-1)
        return _array(flat.double().numpy() if not flat.is_complex() else flat.numpy(), dtype, list(value.shape))
    if isinstance(value, np.ndarray):
        return _array(value.reshape(-1).astype(np.float64), str(value.dtype), list(value.shape))
    if value is None or isinstance(value, (bool, float)):
        return value if value is None or isinstance(value, bool) or math.isfinite(value) else str(value)
    if isinstance(value, (str, bytes, int)):
        text = PORT.sub(r"\1port", repr(value))
        return text if len(text) <= 48 else hashlib.sha256(text.encode(errors="replace")).hexdigest()[:16]
    if isinstance(value, (list, tuple)):
        return [type(value).__name__, *map(fingerprint, value)]
    if isinstance(value, dict):
        return ["dict", *([fingerprint(k), fingerprint(v)] for k, v in value.items())]
    return f"a {getattr(value, '_kind', type(value).__name__)}"


def _array(flat: np.ndarray, dtype: str, shape: list[int]) -> list:
    finite = np.isfinite(flat)
    numbers = np.where(finite, flat, 0.0)
    index = np.arange(flat.size)
    views = [float(abs(np.sum(numbers * np.cos((index + 1) * k)))) for k in (0.7, 1.9, 3.1)]
    return ["array", dtype, shape, int(flat.size - finite.sum()), float(np.sqrt(np.sum(abs(numbers) ** 2))), *views]


def alike(one: Any, other: Any, scale: float = 0.0) -> bool:
    """Whether two fingerprints stand for the same up to rounding."""
    if isinstance(one, float) and isinstance(other, float):
        return abs(one - other) <= CLOSE * max(abs(one), abs(other), scale) + 1e-7
    if isinstance(one, list) and isinstance(other, list):
        if len(one) != len(other):
            return False
        norm = max(one[4], other[4]) if one[:1] == other[:1] == ["array"] else 0.0
        return all(alike(a, b, norm) for a, b in zip(one, other))
    return type(one) is type(other) and one == other
