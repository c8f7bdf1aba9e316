# SPDX-License-Identifier: Apache-2.0
"""What the parts of service_hvac.py share: the client, the checks, who was called."""
import functools
import inspect
import os

import hvac

CLIENT = hvac.Client(url=os.environ["VAULT_ADDR"], token=os.environ["VAULT_TOKEN"],
                     verify=os.environ["VAULT_CACERT"])
NOT_FOUND = hvac.exceptions.InvalidPath
INVALID = hvac.exceptions.InvalidRequest
FORBIDDEN = hvac.exceptions.Forbidden
CALLED = set()
COUNT = {"checks": 0}


def other(token):
    """A client with another token."""
    return hvac.Client(url=os.environ["VAULT_ADDR"], token=token,
                       verify=os.environ["VAULT_CACERT"])


def same(got, want, what):
    COUNT["checks"] += 1
    if got != want:
        raise SystemExit("%s: %r, not %r" % (what, got, want))


def has(data, want, what):
    """The object has these members, with these values."""
    same({k: data.get(k) for k in want}, want, what)


def holds(condition, what):
    same(bool(condition), True, what)


def refused(exception, text, call, *args, **kwargs):
    try:
        call(*args, **kwargs)
    except exception as e:
        holds(text in str(e), "%s: %s" % (text, e))
        return
    raise SystemExit("not refused: %s %r" % (text, args))


def status(answer):
    return getattr(answer, "status_code", 200)


def done(answer, what):
    same(status(answer), 204, what)


def keys(answer):
    return sorted(answer["data"]["keys"])


def methods(cls):
    return {name for name, _ in inspect.getmembers(cls, inspect.isfunction)
            if not name.startswith("_") and name in vars(cls)}


def watch(cls):
    """Remember in CALLED which public methods of the class are used."""
    for name in methods(cls):
        def recorded(*args, _call=getattr(cls, name), _name=cls.__name__ + "." + name, **kwargs):
            CALLED.add(_name)
            return _call(*args, **kwargs)
        setattr(cls, name, functools.wraps(getattr(cls, name))(recorded))


def left_out(classes):
    """Public methods that nobody called."""
    return {c.__name__ + "." + name for c in classes for name in methods(c)} - CALLED
