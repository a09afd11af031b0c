"""The problem codes of build_lists."""

from monocoque.problems import UNAUTHENTICATED, ProblemCode

NOT_FOUND = ProblemCode(
    "build_lists.not_found",
    404,
    "No such build list",
    "There is no build list with this id, or it is not yours, or it was deleted.",
)
ITEM_NOT_FOUND = ProblemCode(
    "build_lists.item_not_found", 404, "No such item", "There is no item with this id in this build list."
)
SHARE_NOT_FOUND = ProblemCode(
    "build_lists.share_not_found",
    404,
    "No such shared build list",
    "Nothing is shared at this address, or no longer; ask whoever gave it to you for a new one.",
)
CAR_UNKNOWN = ProblemCode(
    "build_lists.car_unknown", 422, "Not one of your cars", "Give the id of a car of yours that was not deleted."
)
PART_UNKNOWN = ProblemCode(
    "build_lists.part_unknown", 422, "Not one of your parts", "Give the id of a part of yours that was not deleted."
)
PART_ALREADY_LISTED = ProblemCode(
    "build_lists.part_already_listed",
    409,
    "The part is in this list already",
    "A part is in a list once; change the quantity of its item instead.",
)
ITEM_NAMELESS = ProblemCode(
    "build_lists.item_nameless", 422, "The item has no name", "Give a part_id, a name, or both."
)
TOO_MANY_ITEMS = ProblemCode(
    "build_lists.too_many_items", 422, "The list is full", "A build list has at most 500 items; start a second one."
)
ORDER_MISMATCH = ProblemCode(
    "build_lists.order_mismatch",
    422,
    "Not an order of the items of this list",
    "Name each item of the list exactly once; get the items again when they may have changed.",
)
EXPIRY_PAST = ProblemCode(
    "build_lists.expiry_past", 422, "The time is past", "Give a time in the future, or leave it out."
)

CONSTRAINTS = {
    "uq_items_list_id_part_id": PART_ALREADY_LISTED,
    # Taking an item out lowers the count first, which an empty list, where no item can be found, refuses.
    "ck_build_lists_item_count": ITEM_NOT_FOUND,
    # An account that was deleted while its request was under way.
    "fk_build_lists_owner_id": UNAUTHENTICATED,
    # A car or part that was purged between the look-up and the write.
    "fk_build_lists_car_id": CAR_UNKNOWN,
    "fk_items_part_id": PART_UNKNOWN,
}
