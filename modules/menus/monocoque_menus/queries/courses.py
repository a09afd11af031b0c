"""The statements of courses. Those that change one are run after its menu was locked, which says whose it is."""

from __future__ import annotations

from sqlalchemy import Integer, bindparam, func, literal_column, select

from monocoque.queries import Query
from monocoque.statements import assigned, merged, parameter, touched, version_expected
from monocoque_menus.queries.shaping import COURSES, MENUS, behind, course_columns, entry_count

FIELDS = ("title", "description")

of_menu = COURSES.c.menu_id == parameter(COURSES.c.menu_id)
of_own_menu = (
    of_menu,
    select(MENUS.c.id)
    .where(
        MENUS.c.id == COURSES.c.menu_id,
        MENUS.c.owner_id == parameter(MENUS.c.owner_id),
        MENUS.c.deleted_at.is_(None),
    )
    .exists(),
)
_this = (COURSES.c.id == parameter(COURSES.c.id), of_menu)

LIST = Query(
    select(*course_columns(COURSES))
    .where(
        *of_own_menu,
        behind(COURSES, "menu_id"),
    )
    .order_by(COURSES.c.position)
    .limit(bindparam("limit", type_=Integer))
)
FIND = Query(select(*course_columns(COURSES)).where(COURSES.c.id == parameter(COURSES.c.id), *of_own_menu))
EXISTS = Query(select(COURSES.c.id).where(COURSES.c.id == parameter(COURSES.c.id), *of_own_menu))
_added = (
    COURSES.insert()
    .values(
        {
            **assigned(COURSES, ("id", "menu_id", *FIELDS)),
            "position": select(func.coalesce(func.max(COURSES.c.position), literal_column("0")) + literal_column("1"))
            .where(of_menu)
            .scalar_subquery(),
        }
    )
    .returning(*COURSES.c)
    .cte("added")
)
ADD = Query(select(*course_columns(_added)))
MERGE = Query(
    COURSES.update()
    .where(*_this, version_expected(COURSES))
    .values({**merged(COURSES, FIELDS), **touched(COURSES)})
    .returning(*course_columns(COURSES))
)
# Both in one statement: the unique positions are looked at, and the entries go, when all is as it will be.
_gone = (
    COURSES.delete()
    .where(*_this, version_expected(COURSES))
    .returning(COURSES.c.menu_id, COURSES.c.position, entry_count(COURSES).label("item_count"))
    .cte("gone")
)
_moved_up = (
    COURSES.update()
    .where(COURSES.c.menu_id == _gone.c.menu_id, COURSES.c.position > _gone.c.position)
    .values(position=COURSES.c.position - literal_column("1"), **touched(COURSES))
    .cte("moved_up")
)
DELETE = Query(select(_gone.c.item_count).add_cte(_moved_up))
