"""The problem codes of media."""

from monocoque.problems import UNAUTHENTICATED, ProblemCode

NOT_FOUND = ProblemCode("media.not_found", 404, "No such item", "There is no item with this id, or it was deleted.")
NOT_YOURS = ProblemCode(
    "media.not_yours",
    403,
    "Not your entry",
    "Everyone may read an item; only who entered it, and administrators, may change it.",
)
MERGED = ProblemCode(
    "media.merged", 308, "Merged into another item", "The item is known by the id in the Location header now."
)
IN_USE = ProblemCode(
    "media.in_use",
    409,
    "Somebody keeps this item",
    "Other people keep a state or a tag on this item; an administrator can delete it, or merge it into another.",
)
FIELD_UNKNOWN = ProblemCode(
    "media.field_unknown", 422, "No such field", "`errors` lists the names that are no fields of this type of item."
)
MERGE_REFUSED = ProblemCode(
    "media.merge_refused",
    422,
    "These two cannot become one",
    "Name another item in `into`: it has to be of the same type, and not deleted or merged itself.",
)
TAG_NOT_FOUND = ProblemCode(
    "media.tag_not_found", 404, "No such tag", "There is no tag with this id, or it is not yours."
)
TAG_TAKEN = ProblemCode(
    "media.tag_taken", 409, "You have a tag with this name", "Names of tags differ by more than upper and lower case."
)
STATE_NOT_FOUND = ProblemCode(
    "media.state_not_found", 404, "No state here", "You keep no state for this item; PUT one first."
)
SOURCE_UNKNOWN = ProblemCode(
    "media.source_unknown", 404, "No such source", "GET providers lists the sources that there are."
)
SOURCE_ITEM_UNKNOWN = ProblemCode(
    "media.source_item_unknown", 404, "The source has no such item", "Check the id; a search of the source finds it."
)
SOURCE_MISSING = ProblemCode(
    "media.source_missing",
    409,
    "Nothing to refresh from",
    "No source that is configured here knows this item.",
)
SOURCE_RATE_LIMITED = ProblemCode(
    "media.source_rate_limited",
    429,
    "The source asks to wait",
    "Try again after the time in the Retry-After header.",
)
SOURCE_UNAVAILABLE = ProblemCode(
    "media.source_unavailable", 502, "The source failed", "What is in the catalogue already can still be read."
)
SOURCE_NOT_CONFIGURED = ProblemCode(
    "media.source_not_configured", 503, "The source is not configured", "Whoever runs this has to set its key."
)
SOURCE_TIMEOUT = ProblemCode("media.source_timeout", 504, "The source did not answer in time", "Try again later.")
IMPORT_NOT_FOUND = ProblemCode(
    "media.import_not_found", 404, "No such import", "There is no import with this id, or it is not yours."
)
IMPORT_UNREADABLE = ProblemCode(
    "media.import_unreadable", 422, "Not an export that can be read here", "`errors` says what was expected."
)
IMPORT_RUNNING = ProblemCode(
    "media.import_running",
    409,
    "An import of yours is running",
    "Wait until it has finished, or for the time in the Retry-After header; GET imports lists them.",
)

CONSTRAINTS = {
    "uq_imports_owner_id": IMPORT_RUNNING,
    # The account was deleted while its request was under way.
    "fk_imports_owner_id": UNAUTHENTICATED,
    "uq_tags_owner_id_name_key": TAG_TAKEN,
    "fk_item_tags_tag_id": TAG_NOT_FOUND,
}
