"""Every statement of the bare server, written by hand for the tables that the modules create."""

_CAR = "id::text, make, model, year, vin, vin_check_ok, nickname, notes, version, created_at, updated_at"

GET_CAR = f"""
SELECT {_CAR}
FROM monocoque_cars.cars
WHERE id = $1 AND owner_id = $2 AND deleted_at IS NULL
"""

LIST_CARS = f"""
SELECT {_CAR}
FROM monocoque_cars.cars
WHERE owner_id = $1 AND deleted_at IS NULL
ORDER BY id DESC
LIMIT $2
"""

CREATE_CAR = f"""
INSERT INTO monocoque_cars.cars (id, owner_id, make, model, year, nickname)
VALUES (uuidv7(), $1, $2, $3, $4, $5)
RETURNING {_CAR}
"""

PUBLIC_BUILD_LIST = """
SELECT convert_to(row_to_json(document)::text, 'UTF8')
FROM (
    SELECT
        list.name,
        list.description,
        (
            SELECT row_to_json(shown)
            FROM (
                SELECT car.make, car.model, car.year, car.nickname
                FROM monocoque_cars.cars AS car
                WHERE car.id = list.car_id AND car.deleted_at IS NULL
            ) AS shown
        ) AS car,
        list.item_count,
        (
            SELECT coalesce(json_agg(row_to_json(total) ORDER BY total.currency), '[]')
            FROM (
                SELECT sum(priced.amount)::text AS amount, priced.currency
                FROM (
                    SELECT
                        coalesce(item.paid_amount, part.price_amount * item.quantity) AS amount,
                        coalesce(item.paid_currency, part.price_currency) AS currency
                    FROM monocoque_build_lists.items AS item
                    LEFT JOIN monocoque_parts.parts AS part ON part.id = item.part_id AND part.deleted_at IS NULL
                    WHERE item.list_id = list.id
                ) AS priced
                WHERE priced.amount IS NOT NULL
                GROUP BY priced.currency
            ) AS total
        ) AS totals,
        list.updated_at,
        (
            SELECT coalesce(json_agg(row_to_json(line)), '[]')
            FROM (
                SELECT
                    coalesce(item.name, part.name, item.part_name) AS name,
                    part.brand,
                    part.category,
                    part.part_number,
                    part.url,
                    item.quantity,
                    item.status,
                    item.notes,
                    CASE WHEN part.price_amount IS NOT NULL THEN
                        json_build_object('amount', part.price_amount::text, 'currency', part.price_currency)
                    END AS price,
                    CASE WHEN coalesce(item.paid_amount, part.price_amount) IS NOT NULL THEN
                        json_build_object(
                            'amount', coalesce(item.paid_amount, part.price_amount * item.quantity)::text,
                            'currency', coalesce(item.paid_currency, part.price_currency)
                        )
                    END AS line_total
                FROM monocoque_build_lists.items AS item
                LEFT JOIN monocoque_parts.parts AS part ON part.id = item.part_id AND part.deleted_at IS NULL
                WHERE item.list_id = list.id
                ORDER BY item.position
            ) AS line
        ) AS items
    FROM monocoque_build_lists.build_lists AS list
    WHERE list.share_digest = $1
        AND list.deleted_at IS NULL
        AND (list.share_expires_at IS NULL OR list.share_expires_at > now())
) AS document
"""

_RELEASE = """
CASE item.release_precision
    WHEN 'year' THEN to_char(item.release_date, 'YYYY')
    WHEN 'month' THEN to_char(item.release_date, 'YYYY-MM')
    ELSE to_char(item.release_date, 'YYYY-MM-DD')
END
"""

GET_ITEM = f"""
SELECT
    item.id::text, item.media_type, item.title, item.subtitle, item.description, {_RELEASE} AS release_date,
    item.cover_image_url, item.metadata::text AS metadata,
    CASE item.media_type
        WHEN 'book' THEN (
            SELECT json_build_object(
                'authors', authors, 'page_count', page_count, 'isbn_10', isbn_10, 'isbn_13', isbn_13,
                'publisher', publisher, 'language', language
            )::text FROM monocoque_media.book_items WHERE item_id = item.id
        )
        WHEN 'game' THEN (
            SELECT json_build_object('platforms', platforms, 'developers', developers, 'publishers', publishers)::text
            FROM monocoque_media.game_items WHERE item_id = item.id
        )
        WHEN 'music' THEN (
            SELECT json_build_object(
                'kind', kind, 'artist', artist, 'album', album, 'track_number', track_number,
                'duration_ms', duration_ms
            )::text FROM monocoque_media.music_items WHERE item_id = item.id
        )
        ELSE (
            SELECT json_build_object(
                'tmdb_type', tmdb_type, 'runtime', runtime, 'directors', directors, 'original_title', original_title
            )::text FROM monocoque_media.movie_items WHERE item_id = item.id
        )
    END AS details,
    item.locked_fields, item.edited_fields, item.locks,
    CASE WHEN item.created_by = $2 THEN item.created_by::text END AS created_by,
    coalesce(item.created_by = $2, false) AS own, item.version, item.created_at, item.updated_at
FROM monocoque_media.items AS item
WHERE item.id = $1 AND item.deleted_at IS NULL
"""

LIST_LIBRARY = f"""
SELECT
    json_build_object(
        'id', item.id, 'media_type', item.media_type, 'title', item.title, 'subtitle', item.subtitle,
        'creators', item.creators, 'release_date', {_RELEASE}, 'cover_image_url', item.cover_image_url
    )::text AS item,
    state.status, state.rating, state.favorite, state.notes, state.started_at, state.finished_at, state.pass_number,
    state.version, state.created_at, state.updated_at,
    (
        SELECT coalesce(json_agg(json_build_object('id', tag.id, 'name', tag.name) ORDER BY tag.name_key), '[]')::text
        FROM monocoque_media.item_tags AS link JOIN monocoque_media.tags AS tag ON tag.id = link.tag_id
        WHERE link.item_id = state.item_id AND tag.owner_id = state.owner_id
    ) AS tags,
    state.item_id::text AS place
FROM monocoque_media.user_item_states AS state JOIN monocoque_media.items AS item ON item.id = state.item_id
WHERE state.owner_id = $1 AND item.deleted_at IS NULL
ORDER BY state.updated_at DESC, state.item_id DESC
LIMIT $2
"""
