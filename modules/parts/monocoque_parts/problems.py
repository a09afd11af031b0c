"""The problem codes of parts."""

from monocoque.problems import UNAUTHENTICATED, ProblemCode

NOT_FOUND = ProblemCode(
    "parts.not_found", 404, "No such part", "There is no part with this id, or it is not yours, or it was deleted."
)
URL_INVALID = ProblemCode(
    "parts.url_invalid", 422, "Not a web address", "Give a whole web address, such as https://shop.example.com/pads."
)
URL_CREDENTIALS = ProblemCode(
    "parts.url_credentials",
    422,
    "The address holds credentials",
    "Leave the user name and the password out of the address.",
)

# An account that was deleted while its request was under way.
CONSTRAINTS = {"fk_parts_owner_id": UNAUTHENTICATED}
