"""The HTTP face of media, put together."""

from __future__ import annotations

from monocoque.routing import Router
from monocoque_media import (
    export_routes,
    import_routes,
    ingest_routes,
    item_routes,
    library_routes,
    search_routes,
    state_routes,
    tag_routes,
)

router = Router()
router.include_router(item_routes.router, prefix="/items")
router.include_router(state_routes.router, prefix="/items/{item_id}/state")
router.include_router(tag_routes.item_router, prefix="/items/{item_id}/tags")
router.include_router(tag_routes.router, prefix="/tags")
router.include_router(library_routes.router, prefix="/library")
router.include_router(ingest_routes.refresh_router, prefix="/items")
router.include_router(ingest_routes.router, prefix="/ingest")
router.include_router(search_routes.router)
router.include_router(import_routes.router, prefix="/imports")
router.include_router(export_routes.router)
