"""Make titles searchable by the signs %, _ and \\, which are part of words and no words themselves."""

from alembic import op

revision = "media_0005"
down_revision = "media_0004"
branch_labels = None
depends_on = None

SCHEMA = "monocoque_media"
WORDS = f"FROM (SELECT {SCHEMA}.search_words(concat_ws(' ', $1, $2, $3)) AS words) AS split"
DOCUMENT = (
    f"CREATE OR REPLACE FUNCTION {SCHEMA}.search_document(text, text, text, text, date) RETURNS tsvector LANGUAGE sql "
    f"IMMUTABLE PARALLEL SAFE AS $$ SELECT array_to_tsvector(words || {SCHEMA}.search_pairs(words) || ('type:' || $4) "
    "|| CASE WHEN $5 IS NULL THEN '{{}}' ELSE ARRAY['year:' || date_part('year', $5)] END{signs}) "
    f"{WORDS} $$"
)
SIGNS = (
    " || ARRAY(SELECT 'has:' || sign FROM unnest(ARRAY['%', '_', '\\']) AS sign "
    "WHERE strpos(normalize($1, NFKD), sign) > 0)"
)


def _write_again() -> None:
    op.execute(
        f"UPDATE {SCHEMA}.items SET search = "  # noqa: S608  names of our own schema
        f"{SCHEMA}.search_document(title, subtitle, creators, media_type, release_date) "
        r"WHERE normalize(title, NFKD) ~ '[%_\\]'"
    )


def upgrade() -> None:
    op.execute(DOCUMENT.format(signs=SIGNS))
    _write_again()


def downgrade() -> None:
    op.execute(DOCUMENT.format(signs=""))
    _write_again()
