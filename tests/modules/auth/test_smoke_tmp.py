from tests.support import *
async def test_a(client, owner):
    r = await owner.get("/auth/me"); print(r.text, r.headers)
    r = await owner.get("/auth/sessions"); print(r.text)
    r = await client.post("/auth/refresh", json={"refresh_token": owner.refresh_token}); print(r.text, r.headers)
    r = await client.post("/auth/token", data={"username": owner.email, "password": owner.password, "grant_type":"password"}); print(r.text)
    r = await client.post("/auth/token", data={"username": owner.email, "password": owner.password, "grant_type":"x"}); print(r.text)
    r = await owner.patch("/auth/me", json={"display_name":"x"}); print(r.text)
    r = await owner.put("/auth/me/password", json={"current_password":owner.password,"new_password":"abcdefgh1"}); print(r.text)
    r = await owner.get("/auth/me"); print(r.text, r.headers)
