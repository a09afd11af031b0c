"""The problem codes of menus."""

from monocoque.problems import UNAUTHENTICATED, ProblemCode

NOT_FOUND = ProblemCode(
    "menus.not_found", 404, "No such menu", "There is no menu with this id, or it is not yours, or it was deleted."
)
COURSE_NOT_FOUND = ProblemCode(
    "menus.course_not_found", 404, "No such course", "There is no course with this id in this menu."
)
ITEM_NOT_FOUND = ProblemCode("menus.item_not_found", 404, "No such entry", "There is no entry with this id here.")
NOT_PUBLIC = ProblemCode(
    "menus.not_public",
    404,
    "No such public menu",
    "Nothing is published at this address, or no longer; ask whoever gave it to you for a new one.",
)
SLUG_TAKEN = ProblemCode(
    "menus.slug_taken",
    409,
    "The slug is taken",
    "A menu has this slug, or once had it: old addresses lead on for ever. Choose another.",
)
SLUG_RESERVED = ProblemCode("menus.slug_reserved", 422, "The slug is reserved", "Choose another slug.")
SLUG_EMPTY = ProblemCode(
    "menus.slug_empty", 422, "Nothing is left of the slug", "Give a slug with at least one letter or digit."
)
MEDIA_ITEM_UNKNOWN = ProblemCode(
    "menus.media_item_unknown",
    422,
    "Not in the catalogue",
    "Give the id of a media item that was not deleted, or merged into another.",
)
TOO_MANY_COURSES = ProblemCode(
    "menus.too_many_courses", 422, "The menu is full", "A menu has at most 100 courses; start a second one."
)
TOO_MANY_ITEMS = ProblemCode(
    "menus.too_many_items", 422, "The menu is full", "A menu has at most 1,000 entries; start a second one."
)
BULK_AMBIGUOUS = ProblemCode(
    "menus.bulk_ambiguous", 422, "Ids and a search, or neither", "Give either `media_item_ids` or `search`."
)
DUPLICATE = ProblemCode(
    "menus.duplicate",
    409,
    "In the menu already",
    "`errors` names what is in the menu, or in the request, already; nothing was added.",
)
ORDER_MISMATCH = ProblemCode(
    "menus.order_mismatch",
    422,
    "Not an order of this menu",
    "Name each course and each entry of the menu exactly once; get them again when they may have changed.",
)
PLACE_UNKNOWN = ProblemCode(
    "menus.place_unknown",
    422,
    "No such place in this menu",
    "Give a course of the menu, and an entry of that course to come before, or null for the end.",
)

CONSTRAINTS = {
    # An account that was deleted while its request was under way.
    "fk_menus_owner_id": UNAUTHENTICATED,
}
