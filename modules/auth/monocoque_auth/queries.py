"""Every statement of auth."""

from __future__ import annotations

from sqlalchemy import Boolean, Integer, Interval, LargeBinary, String, Uuid, bindparam, case, func, null, or_, select
from sqlalchemy.dialects.postgresql import ARRAY, insert

from monocoque.queries import Query
from monocoque.statements import assigned, merged, parameter, touched, version_expected
from monocoque_auth.models import LoginAttempt, RefreshToken, Session, User

PROFILE = ("display_name", "email", "email_key")

_users = User.metadata.tables["monocoque_auth.users"]
_sessions = Session.metadata.tables["monocoque_auth.sessions"]
_tokens = RefreshToken.metadata.tables["monocoque_auth.refresh_tokens"]
_attempts = LoginAttempt.metadata.tables["monocoque_auth.login_attempts"]

_read = (
    _users.c.id,
    _users.c.email,
    _users.c.display_name,
    _users.c.role,
    _users.c.version,
    _users.c.created_at,
    _users.c.updated_at,
)
_this_user = _users.c.id == parameter(_users.c.id)
_as_verified = _users.c.password_hash == bindparam("verified_hash", type_=String)

CREATE_USER = Query(
    _users.insert()
    .values(assigned(_users, ("id", "email", "email_key", "password_hash", "display_name", "role")))
    .returning(*_read)
)
FIND_USER = Query(select(*_read).where(_this_user))
FIND_CREDENTIALS = Query(
    select(_users.c.id, _users.c.password_hash, _users.c.disabled_at).where(
        _users.c.email_key == parameter(_users.c.email_key)
    )
)
FIND_OWN_CREDENTIALS = Query(select(_users.c.email_key, _users.c.password_hash).where(_this_user))
# Waits for whoever disables, deletes or changes the password just now, and makes them wait for the sign-in.
ADMIT = Query(
    select(_users.c.id, _users.c.role)
    .where(_this_user, _as_verified, _users.c.disabled_at.is_(None))
    .with_for_update(read=True)
)
MERGE_USER = Query(
    _users.update()
    .where(_this_user, version_expected(_users))
    .values({**merged(_users, PROFILE), **touched(_users)})
    .returning(*_read)
)
SET_PASSWORD = Query(
    _users.update()
    .where(_this_user, _as_verified, _users.c.disabled_at.is_(None))
    .values(password_hash=parameter(_users.c.password_hash), **touched(_users))
    .returning(_users.c.id, _users.c.role)
)
# The same password at another cost: nothing that a client could see has changed.
REHASH = Query(_users.update().where(_this_user, _as_verified).values(password_hash=parameter(_users.c.password_hash)))
LOCK_USER = Query(select(_users.c.id).where(_this_user, version_expected(_users)).with_for_update())
DELETE_USER = Query(_users.delete().where(_this_user))
LIST_USERS = Query(
    select(_users.c.email, _users.c.role, _users.c.display_name, _users.c.created_at, _users.c.disabled_at).order_by(
        _users.c.email_key
    )
)
SET_DISABLED = Query(
    _users.update()
    .where(_users.c.email_key == parameter(_users.c.email_key))
    .values(
        disabled_at=case((bindparam("disabled", type_=Boolean), func.coalesce(_users.c.disabled_at, func.now()))),
        **touched(_users),
    )
    .returning(_users.c.id)
)
SET_ROLE = Query(
    _users.update()
    .where(_users.c.email_key == parameter(_users.c.email_key))
    .values(role=parameter(_users.c.role), **touched(_users))
    .returning(_users.c.id)
)

_live = (_sessions.c.revoked_at.is_(None), _sessions.c.expires_at > func.now())
_kept = func.now() + bindparam("lifetime", type_=Interval)

OPEN_SESSION = Query(
    _sessions.insert()
    .values({**assigned(_sessions, ("id", "user_id", "user_agent", "address")), "expires_at": _kept})
    .returning(_sessions.c.id)
)
LIST_SESSIONS = Query(
    select(
        _sessions.c.id,
        (_sessions.c.id == bindparam("current", type_=Uuid)).label("current"),
        _sessions.c.user_agent,
        _sessions.c.address,
        _sessions.c.created_at,
        _sessions.c.last_used_at,
        _sessions.c.expires_at,
    )
    .where(
        _sessions.c.user_id == parameter(_sessions.c.user_id),
        *_live,
        or_(bindparam("before", type_=Uuid).is_(null()), _sessions.c.id < bindparam("before", type_=Uuid)),
    )
    .order_by(_sessions.c.id.desc())
    .limit(bindparam("limit", type_=Integer))
)
END_SESSIONS = Query(
    _sessions.update()
    .where(
        _sessions.c.user_id == parameter(_sessions.c.user_id),
        _sessions.c.revoked_at.is_(None),
        or_(bindparam("only", type_=Uuid).is_(null()), _sessions.c.id == bindparam("only", type_=Uuid)),
        or_(bindparam("but", type_=Uuid).is_(null()), _sessions.c.id != bindparam("but", type_=Uuid)),
    )
    .values(revoked_at=func.now())
    .returning(_sessions.c.id)
)

_digest = parameter(_tokens.c.digest)
# The session's row is the lock of its family: whatever comes after this statement sees what the holder before did.
LOCK_FAMILY = Query(
    select(
        _sessions.c.id,
        _sessions.c.user_id,
        _users.c.role,
        _users.c.disabled_at,
        (_sessions.c.revoked_at.is_not(None) | (_sessions.c.expires_at <= func.now())).label("ended"),
    )
    .join(_users, _users.c.id == _sessions.c.user_id)
    .where(_sessions.c.id == select(_tokens.c.session_id).where(_tokens.c.digest == _digest).scalar_subquery())
    .with_for_update(of=_sessions)
)
_presented = _tokens.alias("presented")
USE_TOKEN = Query(
    _tokens.update()
    .where(
        _presented.c.digest == _digest,
        _tokens.c.session_id == _presented.c.session_id,
        _tokens.c.generation == _presented.c.generation,
        _tokens.c.used_at.is_(None),
    )
    .values(used_at=func.clock_timestamp())
    .returning(_tokens.c.digest)
)
REPEAT_TOKEN = Query(
    _tokens.update()
    .where(
        _tokens.c.digest == _digest,
        # The time of the clock: now() is when the transaction began, which may be before the one that it waited for.
        _tokens.c.used_at > func.clock_timestamp() - bindparam("grace", type_=Interval),
        _tokens.c.repeats < bindparam("most", type_=Integer),
    )
    .values(repeats=_tokens.c.repeats + 1)
    .returning(_tokens.c.digest)
)
IS_USED = Query(select(_tokens.c.used_at.is_not(None)).where(_tokens.c.digest == _digest))
CONTINUE_SESSION = Query(
    _sessions.update()
    .where(_sessions.c.id == parameter(_sessions.c.id))
    .values(
        generation=_sessions.c.generation + bindparam("step", type_=Integer),
        last_used_at=func.now(),
        expires_at=_kept,
    )
    .returning(_sessions.c.generation)
)
ISSUE_TOKEN = Query(
    _tokens.insert().values({**assigned(_tokens, ("digest", "session_id", "generation")), "expires_at": _kept})
)

_keys = func.unnest(bindparam("keys", type_=ARRAY(LargeBinary))).table_valued("key").render_derived()
_counted = insert(_attempts).from_select(
    ["key", "failures", "window_ends_at"],
    select(_keys.c.key, 1, func.now() + bindparam("window", type_=Interval)),
)
_over = _attempts.c.window_ends_at <= func.now()
COUNT_ATTEMPT = Query(
    _counted.on_conflict_do_update(
        index_elements=["key"],
        set_={
            "failures": case((_over, 1), else_=func.least(_attempts.c.failures + 1, 2_000_000)),
            "window_ends_at": case((_over, _counted.excluded.window_ends_at), else_=_attempts.c.window_ends_at),
        },
    ).returning(
        _attempts.c.key,
        _attempts.c.failures,
        func.extract("epoch", _attempts.c.window_ends_at - func.now()).label("seconds_left"),
    )
)
FORGET_ATTEMPTS = Query(_attempts.delete().where(_attempts.c.key == parameter(_attempts.c.key)))
TAKE_BACK_ATTEMPT = Query(
    _attempts.update()
    .where(_attempts.c.key == parameter(_attempts.c.key))
    .values(failures=func.greatest(_attempts.c.failures - 1, 0))
)

_remembered = func.now() - bindparam("remembered", type_=Interval)
PURGE_SESSIONS = Query(
    _sessions.delete().where(or_(_sessions.c.expires_at < _remembered, _sessions.c.revoked_at < _remembered))
)
PURGE_TOKENS = Query(_tokens.delete().where(_tokens.c.expires_at < func.now()))
PURGE_ATTEMPTS = Query(_attempts.delete().where(_attempts.c.window_ends_at < func.now()))
