"""The problem codes of cars."""

from monocoque.problems import UNAUTHENTICATED, ProblemCode

NOT_FOUND = ProblemCode(
    "cars.not_found", 404, "No such car", "There is no car with this id, or it is not yours, or it was deleted."
)
VIN_TAKEN = ProblemCode(
    "cars.vin_taken", 409, "You have a car with this VIN", "A VIN can be given to one of your cars only."
)
VIN_INVALID = ProblemCode("cars.vin_invalid", 422, "Not a VIN", "A VIN has 17 letters and digits, without I, O and Q.")
YEAR_RANGE = ProblemCode("cars.year_range", 422, "Not a model year", "Give a year from 1886 to next year.")
# A warning in the reply, never a refusal.
VIN_CHECK_DIGIT = ProblemCode(
    "cars.vin_check_digit",
    200,
    "The check digit does not fit",
    "The check digit does not fit; some makers build real cars with such a VIN, so it was kept.",
)

CONSTRAINTS = {
    "uq_cars_owner_id_vin": VIN_TAKEN,
    # An account that was deleted while its request was under way.
    "fk_cars_owner_id": UNAUTHENTICATED,
}
