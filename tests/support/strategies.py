"""Hypothesis strategies for JSON in the place of accounts."""

from typing import Any

from hypothesis import strategies as st

NAMES = ["account", "jwt", "token", "user", "deviceID", "id", "isAnonymous", "name", "avatar", "exp", "iat", "host"]
NAMES += ["searchParams", "iat_Issued", "exp_Expire", "maxJobs", "error", "supportVideo", "supportClone"]
# json.loads gives lone surrogates for escapes like \ud800, NaN and infinities for their names.
TEXTS = st.text(st.characters(), max_size=12) | st.text("a.\ud83d\x00\u202e", min_size=8, max_size=40)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | TEXTS | st.datetimes().map(str)
KEYS = st.sampled_from(NAMES) | TEXTS
VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5), max_leaves=12
)
JWTS = st.fixed_dictionaries({}, optional=dict.fromkeys(NAMES, VALUES)) | VALUES
OBJECTS = st.fixed_dictionaries({}, optional=dict.fromkeys(NAMES, VALUES) | {"jwt": JWTS, "\ud800": VALUES})
