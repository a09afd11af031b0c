"""Make the catalogue searchable by words, whatever its size."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "media_0002"
down_revision = "media_0001"
branch_labels = None
depends_on = None

SCHEMA = "monocoque_media"
# ASCII and common Unicode punctuation; %, _ and \ are left in, so that they mean themselves in a search.
SEPARATORS = (
    r"[\u0001-\u0024\u0026-\u002f\u003a-\u0040\u005b\u005d\u005e\u0060\u007b-\u00bf\u00d7\u00f7"
    r"\u2000-\u206f\u3000-\u3004\u3008-\u3020\u3030\u30fb]+"
)
# Accents, and apostrophes: "don't" is one word.
DROPPED = r"[\u0300-\u036f''\u2019]"
# An item of more has no pairs, which would be too many; it is found by its words alone.
MOST_WORDS = 32
LIVING = sa.text("deleted_at IS NULL")
SAMPLE = sa.text("deleted_at IS NULL AND get_byte(uuid_send(id), 15) < 16")


def upgrade() -> None:
    op.execute(
        f"CREATE FUNCTION {SCHEMA}.search_words(text) RETURNS text[] LANGUAGE sql IMMUTABLE STRICT "  # noqa: S608  names of our own schema
        "PARALLEL SAFE AS "
        "$$ SELECT coalesce(array_agg(left(word, 60) ORDER BY place), '{}') FROM regexp_split_to_table("
        f"regexp_replace(lower(normalize($1, NFKD)), '{DROPPED}', '', 'g'), '{SEPARATORS}') "
        "WITH ORDINALITY AS split (word, place) WHERE word <> '' $$"
    )
    # Every two words of an item are one lexeme more, so that words that are common each are still found at once
    # together. Its digest is short: a pair stands for a few others too, and who searches looks at the words again.
    op.execute(
        f"CREATE FUNCTION {SCHEMA}.search_pair(text, text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE "
        "AS $$ SELECT "
        "'#' || left(md5(CASE WHEN $1 COLLATE \"C\" < $2 THEN $1 || ' ' || $2 ELSE $2 || ' ' || $1 END), 5) $$"
    )
    op.execute(
        f"CREATE FUNCTION {SCHEMA}.search_pairs(text[]) RETURNS text[] LANGUAGE sql "  # noqa: S608  names of our own
        "IMMUTABLE STRICT PARALLEL SAFE AS "
        "$$ WITH given AS MATERIALIZED (SELECT DISTINCT word FROM unnest($1) AS word) "
        f"SELECT CASE WHEN (SELECT count(*) FROM given) > {MOST_WORDS} THEN ARRAY['#long'] ELSE (SELECT "
        f"coalesce(array_agg({SCHEMA}.search_pair(one.word, other.word)), '{{}}') "
        'FROM given AS one JOIN given AS other ON one.word COLLATE "C" < other.word) END $$'
    )
    op.execute(
        f"CREATE FUNCTION {SCHEMA}.search_document(text, text, text, text, date) "  # noqa: S608  names of our own
        "RETURNS tsvector LANGUAGE sql "
        "IMMUTABLE PARALLEL SAFE AS "
        f"$$ SELECT array_to_tsvector(words || {SCHEMA}.search_pairs(words) || ('type:' || $4) "
        "|| CASE WHEN $5 IS NULL THEN '{}' ELSE ARRAY['year:' || date_part('year', $5)] END) "
        f"FROM (SELECT {SCHEMA}.search_words(concat_ws(' ', $1, $2, $3)) AS words) AS split $$"
    )
    op.add_column("items", sa.Column("search", postgresql.TSVECTOR(), nullable=True), schema=SCHEMA)
    document = f"{SCHEMA}.search_document({{0}}title, {{0}}subtitle, {{0}}creators, {{0}}media_type, {{0}}release_date)"
    op.execute(f"UPDATE {SCHEMA}.items SET search = {document.format('')}")  # noqa: S608  names of our own schema
    op.execute(
        f"CREATE FUNCTION {SCHEMA}.write_search_document() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN NEW.search := {document.format('NEW.')}; RETURN NEW; END $$"
    )
    op.execute(
        "CREATE TRIGGER write_search_document "
        f"BEFORE INSERT OR UPDATE OF title, subtitle, creators, media_type, release_date ON {SCHEMA}.items "
        f"FOR EACH ROW EXECUTE FUNCTION {SCHEMA}.write_search_document()"
    )
    for name, where in (("search", LIVING), ("search_sample", SAMPLE)):
        op.create_index(
            f"ix_items_{name}",
            "items",
            ["search"],
            schema=SCHEMA,
            postgresql_using="gin",
            postgresql_where=where,
            # Without a list of what is still to be sorted in, which every search would have to walk.
            postgresql_with={"fastupdate": "off"},
        )
    op.create_index("ix_sources_external_id", "sources", ["external_id"], schema=SCHEMA)
    _create_words()


def _create_words() -> None:
    op.create_table(
        "words",
        sa.Column("word", sa.Text(collation="C"), nullable=False),
        sa.PrimaryKeyConstraint("word", name="pk_words"),
        schema=SCHEMA,
    )
    op.create_index(
        "ix_words_trigrams",
        "words",
        ["word"],
        schema=SCHEMA,
        postgresql_using="gin",
        postgresql_ops={"word": "gin_trgm_ops"},
    )
    # In order, so that two writers with the same new words wait for each other and never in a circle.
    op.execute(
        f"CREATE FUNCTION {SCHEMA}.collect_words() RETURNS trigger LANGUAGE plpgsql AS "  # noqa: S608  names of our own schema
        f'$$ BEGIN INSERT INTO {SCHEMA}.words SELECT DISTINCT word COLLATE "C" FROM written, '
        f"unnest({SCHEMA}.search_words(concat_ws(' ', written.title, written.subtitle, written.creators))) "
        "AS split (word) WHERE length(word) > 1 ORDER BY 1 ON CONFLICT DO NOTHING; RETURN NULL; END $$"
    )
    for event in ("INSERT", "UPDATE"):
        op.execute(
            f"CREATE TRIGGER collect_words_{event.lower()} AFTER {event} ON {SCHEMA}.items "
            f"REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION {SCHEMA}.collect_words()"
        )
    op.execute(
        f"INSERT INTO {SCHEMA}.words SELECT DISTINCT word FROM {SCHEMA}.items, "  # noqa: S608  names of our own schema
        f"unnest({SCHEMA}.search_words(concat_ws(' ', title, subtitle, creators))) AS split (word) "
        "WHERE length(word) > 1 ON CONFLICT DO NOTHING"
    )


def downgrade() -> None:
    for event in ("insert", "update"):
        op.execute(f"DROP TRIGGER collect_words_{event} ON {SCHEMA}.items")
    op.execute(f"DROP FUNCTION {SCHEMA}.collect_words()")
    op.drop_table("words", schema=SCHEMA)
    op.drop_index("ix_sources_external_id", "sources", schema=SCHEMA)
    op.execute(f"DROP TRIGGER write_search_document ON {SCHEMA}.items")
    op.execute(f"DROP FUNCTION {SCHEMA}.write_search_document()")
    op.drop_column("items", "search", schema=SCHEMA)
    op.execute(f"DROP FUNCTION {SCHEMA}.search_document(text, text, text, text, date)")
    op.execute(f"DROP FUNCTION {SCHEMA}.search_pairs(text[])")
    op.execute(f"DROP FUNCTION {SCHEMA}.search_pair(text, text)")
    op.execute(f"DROP FUNCTION {SCHEMA}.search_words(text)")
