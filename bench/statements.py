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
