# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: grelmicro contributors
"""Keys made of the arguments of a call."""

import hashlib
import re
import string

from .errors import SettingsError
from .functions import describe, has_state

_PLAIN = (str, bytes, int, float, complex, bool, type(None))


def new_template(what, template, signature):
    """A function that puts arguments into a template, which it checks now."""
    if not isinstance(template, str):
        raise TypeError(f'{what}: must be a template, such as "user:{{user_id}}"')
    for name in _list_parameters(what, template):
        if name not in signature.parameters:
            raise SettingsError(f"{what}: the function has no parameter “{name}”")
    return template.format_map


def _list_parameters(what, template):
    try:
        fields = [field for field in string.Formatter().parse(template) if field[1] is not None]
    except ValueError as error:
        raise SettingsError(f"{what}: {error}") from None
    for _, field, format_spec, _ in fields:
        yield re.match(r"[^.[]*", field)[0]
        yield from _list_parameters(what, format_spec)


def new_default_key(function, signature):
    """A function that makes a key of all arguments, the same in each process."""
    if has_state(function) or next(iter(signature.parameters), None) == "self":
        raise TypeError("cached: a method needs a key, since each object has its own results")
    prefix = describe(function)

    def make_key(arguments):
        text = _describe_value(dict(arguments))
        return f"{prefix}:{hashlib.sha256(text.encode(errors='surrogatepass')).hexdigest()}"

    return make_key


def _describe_value(value):
    if type(value) in _PLAIN:
        return repr(value)
    if type(value) in (list, tuple):
        return f"{type(value).__name__}({','.join(map(_describe_value, value))})"
    if type(value) in (set, frozenset):
        return f"{type(value).__name__}({','.join(sorted(map(_describe_value, value)))})"
    if type(value) is dict:
        items = (f"{_describe_value(key)}:{_describe_value(item)}" for key, item in value.items())
        return f"dict({','.join(sorted(items))})"
    text = repr(value)
    if re.search(r" at 0x[0-9a-fA-F]+", text):
        what = type(value).__name__
        raise TypeError(f"cached: a {what} looks different in each process; give a key")
    return text
