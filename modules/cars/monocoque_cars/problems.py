"""The problem codes of cars."""

from monocoque.problems import ProblemCode

NOT_FOUND = ProblemCode(
    "cars.not_found", 404, "No such car", "There is no car with this id, or it is not yours, or it was deleted."
)
VIN_TAKEN = ProblemCode(
    "cars.vin_taken", 409, "You have a car with this VIN", "A VIN can be given to one of your cars only."
)
VIN_INVALID = ProblemCode("cars.vin_invalid", 422, "Not a VIN", "A VIN has 17 letters and digits, without I, O and Q.")

CONSTRAINTS = {"uq_cars_owner_id_vin": VIN_TAKEN}
