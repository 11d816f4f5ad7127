# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: grelmicro contributors
"""What caches make bytes of."""

import json
import weakref

_serializers = weakref.WeakKeyDictionary()  # by cache


class _JSON:
    """Any JSON value."""

    def dumps(self, value):
        return json.dumps(value, allow_nan=False, separators=(",", ":")).encode()

    def loads(self, data):
        return json.loads(data)

    def __repr__(self):
        return "Grelmicro.JSON"


class _Bytes:
    def dumps(self, value):
        if not isinstance(value, (bytes, bytearray, memoryview)):
            what = type(value).__name__
            raise TypeError(f"value: must be bytes, not {what}, in a cache without a serializer")
        return bytes(value)

    def loads(self, data):
        return data


JSON, _BYTES = _JSON(), _Bytes()


def set_serializer(cache, serializer):
    if serializer is None:
        return
    for method in ("dumps", "loads"):
        if isinstance(serializer, type) or not callable(getattr(serializer, method, None)):
            raise TypeError("serializer: must be an object with dumps() and loads()")
    _serializers[cache] = serializer


def get_serializer(cache, default=_BYTES):
    return _serializers.get(cache, default)
