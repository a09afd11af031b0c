"""The problem codes of auth; those of access tokens themselves belong to the shell."""

from monocoque.problems import ProblemCode

EMAIL_TAKEN = ProblemCode(
    "auth.email_taken", 409, "There is an account with this e-mail", "Sign in instead, or use another e-mail."
)
EMAIL_INVALID = ProblemCode("auth.email_invalid", 422, "Not an e-mail", "Give an e-mail such as ada@example.org.")
PASSWORD_LENGTH = ProblemCode(
    "auth.password_length", 422, "The password is too short or too long", "A password has 8 to 1,000 characters."
)
PASSWORD_IS_EMAIL = ProblemCode(
    "auth.password_is_email", 422, "The password is the e-mail", "Choose a password that is not your e-mail."
)
PASSWORD_WRONG = ProblemCode("auth.password_wrong", 403, "The current password is wrong", "Nothing was changed.")
PASSWORD_NEEDED = ProblemCode(
    "auth.password_needed", 422, "The current password is needed", "Send it as `current_password` to change the e-mail."
)
REGISTRATION_CLOSED = ProblemCode(
    "auth.registration_closed", 403, "Registration is closed", "Ask whoever runs this service for an account."
)
CREDENTIALS_WRONG = ProblemCode(
    "auth.credentials_wrong", 401, "E-mail or password is wrong", "Check both and try again."
)
DISABLED = ProblemCode("auth.disabled", 403, "The account is disabled", "Ask whoever runs this service to enable it.")
THROTTLED = ProblemCode(
    "auth.throttled",
    429,
    "Too many sign-ins",
    "Try again after the seconds in the Retry-After header.",
)
REFRESH_INVALID = ProblemCode(
    "auth.refresh_invalid", 401, "The refresh token does not count", "It has expired or its session has ended: sign in."
)
REFRESH_REUSED = ProblemCode(
    "auth.refresh_reused",
    401,
    "The refresh token was used before",
    "It may have been stolen, so its session was ended: sign in.",
)
SESSION_NOT_FOUND = ProblemCode(
    "auth.session_not_found", 404, "No such session", "There is no session with this id, or it has ended."
)

CONSTRAINTS = {"uq_users_email_key": EMAIL_TAKEN}
