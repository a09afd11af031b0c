"""The problem codes of parts."""

from monocoque.problems import ProblemCode

NOT_FOUND = ProblemCode(
    "parts.not_found", 404, "No such part", "There is no part with this id, or it is not yours, or it was deleted."
)
