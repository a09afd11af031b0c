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
SELECT json_build_object(
    'id', list.id,
    'name', list.name,
    'description', list.description,
    'car', (
        SELECT json_build_object('make', car.make, 'model', car.model, 'year', car.year, 'nickname', car.nickname)
        FROM monocoque_cars.cars AS car
        WHERE car.id = list.car_id AND car.deleted_at IS NULL
    ),
    'items', (
        SELECT coalesce(json_agg(json_build_object(
            'id', item.id, 'name', coalesce(part.name, item.name), 'brand', part.brand, 'category', part.category,
            'quantity', item.quantity, 'status', item.status, 'notes', item.notes
        ) ORDER BY item.position), '[]')
        FROM monocoque_build_lists.build_list_items AS item
        LEFT JOIN monocoque_parts.parts AS part ON part.id = item.part_id AND part.deleted_at IS NULL
        WHERE item.build_list_id = list.id
    ),
    'totals', (
        SELECT coalesce(json_agg(json_build_object('currency', total.currency, 'amount', total.amount::text)), '[]')
        FROM (
            SELECT part.price_currency AS currency, sum(part.price_amount * item.quantity) AS amount
            FROM monocoque_build_lists.build_list_items AS item
            JOIN monocoque_parts.parts AS part ON part.id = item.part_id AND part.deleted_at IS NULL
            WHERE item.build_list_id = list.id AND part.price_amount IS NOT NULL
            GROUP BY part.price_currency
        ) AS total
    )
)::text AS document
FROM monocoque_build_lists.build_lists AS list
WHERE list.share_token = $1 AND list.deleted_at IS NULL
    AND (list.share_expires_at IS NULL OR list.share_expires_at > now())
"""
