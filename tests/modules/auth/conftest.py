import pytest

from tests.conftest import AppFactory


@pytest.fixture(scope="session")
async def app(worker_database_url):
    factory = AppFactory()
    yield await factory(worker_database_url, modules="auth,cars")
    await factory.close()
