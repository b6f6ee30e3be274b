"""What crosses the boundary: values arrive as they were sent, and hostile bytes do no harm."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.wire import Handle, WireError, pack, unpack

DATA = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


def refuse(item: object) -> Handle:
    raise WireError(f"no handle for {type(item).__name__}")


def there_and_back(value: object) -> object:
    return unpack(pack(value, refuse), refuse)


def same(one: object, other: object) -> bool:
    if isinstance(one, (list, tuple)):
        return type(one) is type(other) and len(one) == len(other) and all(map(same, one, other))
    return type(one) is type(other) and one == other


@given(DATA)
def test_data_arrives_as_it_was(value):
    assert same(there_and_back(value), value)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16, torch.float16, torch.int64, torch.bool,
                                   torch.complex64])
@pytest.mark.parametrize("shape", [(), (0, 3), (2, 3, 4)])
def test_tensors_arrive_with_shape_and_dtype(dtype, shape):
    tensor = (torch.randn(shape) * 5).to(dtype)
    seen = there_and_back([tensor])[0]
    assert seen.dtype == dtype and seen.shape == tensor.shape and torch.equal(seen, tensor)


def test_views_parameters_and_subclasses_arrive_as_plain_tensors():
    base = torch.arange(12.0).reshape(3, 4)
    parameter = torch.nn.Parameter(base)
    assert torch.equal(there_and_back(base.T), base.T)
    assert type(there_and_back(parameter)) is torch.Tensor
    assert there_and_back(np.float32(1.5)) == 1.5
    assert np.array_equal(there_and_back(np.eye(3)), np.eye(3))


def test_subclasses_of_plain_types_lose_their_tricks():
    class Sly(float):
        def __eq__(self, other):
            return True

    assert type(there_and_back(Sly(0.5))) is float
    assert there_and_back(10**30) == 10**30 and math.isnan(there_and_back(math.nan))


def test_what_is_no_data_needs_a_handle():
    with pytest.raises(WireError):
        pack(object(), refuse)
    data = pack([len], lambda item: Handle(7, "builtin", theirs=False))
    assert unpack(data, lambda handle: handle) == [Handle(7, "builtin", False)]


@settings(max_examples=500)
@given(st.binary(max_size=200))
def test_hostile_bytes_raise_one_error(data):
    try:
        unpack(data, refuse)
    except WireError:
        pass


@settings(max_examples=300)
@given(st.data())
def test_damaged_messages_raise_one_error(data):
    good = bytearray(pack(["return", {"a": torch.ones(2, 3), "b": (1, "x", {2.5})}], refuse))
    for _ in range(data.draw(st.integers(1, 4))):
        good[data.draw(st.integers(0, len(good) - 1))] = data.draw(st.integers(0, 255))
    try:
        unpack(bytes(good), refuse)
    except WireError:
        pass


def test_sizes_are_bounded():
    nested: list = []
    for _ in range(100):
        nested = [nested]
    with pytest.raises(WireError):
        pack(nested, refuse)
    with pytest.raises(WireError):
        pack(b"x" * (65 * 2**20), refuse)
    with pytest.raises(WireError):
        unpack(b"\x91" * 100_000 + b"\xc0", refuse)
