// From sign-in to a shared build list and a published menu, with the generated client:
// `npm run journey -- http://127.0.0.1:8000`.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';

import { createClient } from './generated/client/index.js';
import * as api from './generated/index.js';

type Outcome = { data: unknown; error: api.Problem | undefined };
type Success<Reply> = Extract<Reply, { error: undefined }>;
type Part = { name: string; category: string; price: api.Money };

const baseUrl = process.argv[2] ?? 'http://127.0.0.1:8000';
const account = { email: `${randomUUID()}@example.org`, password: 'correct horse battery staple' };
const parts: Part[] = [
  { name: 'Coilovers', category: 'suspension', price: { amount: '1249.00', currency: 'EUR' } },
  { name: 'Brake pads', category: 'brakes', price: { amount: '89.90', currency: 'EUR' } },
];

/** What was asked for; a problem ends the journey. */
async function got<Reply extends Outcome>(asked: Promise<Reply>): Promise<Success<Reply>['data']> {
  const { data, error } = await asked;
  assert.equal(error, undefined);
  return data;
}

// @ts-expect-error  The compiler knows every code, and this is none.
'auth.email_token' satisfies api.Problem['code'];

/** The problem that was to be met. */
async function met(code: api.Problem['code'], asked: Promise<Outcome>): Promise<api.Problem> {
  const { error } = await asked;
  assert.equal(error?.code, code);
  return error;
}

async function signIn(): Promise<api.Tokens> {
  await got(api.authRegister({ client: stranger, body: account }));
  await met('auth.email_taken', api.authRegister({ client: stranger, body: account }));
  await met('auth.credentials_wrong', api.authLogIn({ client: stranger, body: { ...account, password: 'a guess' } }));
  const first = await got(api.authLogIn({ client: stranger, body: account }));
  const next = await got(api.authRefresh({ client: stranger, body: { refresh_token: first.refresh_token } }));
  assert.notEqual(next.refresh_token, first.refresh_token);
  return next;
}

async function addCar(): Promise<api.CarsCarRead> {
  const mazda = { make: 'Mazda', model: 'MX-5', year: 1990, vin: 'JM1NA3510L0I00000' };
  const refused = await met('request.invalid', api.carsCreateCar({ client: owner, body: mazda }));
  assert.deepEqual(refused.errors.map(({ pointer, code }) => [pointer, code]), [['#/vin', 'cars.vin_invalid']]);

  const body = { make: 'Acura', model: 'Integra', year: 1994, vin: 'JH4DC4340RS003205' };
  const headers = { 'Idempotency-Key': randomUUID() };
  const car = await got(api.carsCreateCar({ client: owner, body, headers }));
  const again = await got(api.carsCreateCar({ client: owner, body, headers }));
  assert.equal(again.id, car.id);
  const decoded = await got(api.carsDecodeCarVin({ client: owner, path: { vin: body.vin } }));
  assert.ok(decoded.model_years.includes(car.year));

  const path = { car_id: car.id };
  const { response } = await api.carsGetCar({ client: owner, path });
  const version = { 'If-Match': response?.headers.get('etag') ?? '' };
  const named = await got(api.carsMergeCar({ client: owner, path, headers: version, body: { nickname: 'Weekend' } }));
  await met('request.stale', api.carsMergeCar({ client: owner, path, headers: version, body: { nickname: 'Daily' } }));
  return named;
}

async function shareBuildList(car: api.CarsCarRead): Promise<void> {
  const list = await got(api.buildListsCreateBuildList({ client: owner, body: { name: 'Spring', car_id: car.id } }));
  const path = { list_id: list.id };
  for (const facts of parts) {
    const part = await got(api.partsCreatePart({ client: owner, body: facts }));
    await got(api.buildListsCreateItem({ client: owner, path, body: { part_id: part.id, quantity: 2 } }));
  }
  const { items } = await got(api.buildListsListItems({ client: owner, path, query: { limit: 10 } }));
  assert.deepEqual(items.map((item) => item.name), parts.map((part) => part.name));
  const summary = await got(api.buildListsGetBuildListSummary({ client: owner, path }));
  assert.deepEqual(summary.totals, [{ amount: '2677.80', currency: 'EUR' }]);

  const { token } = await got(api.buildListsCreateShare({ client: owner, path }));
  const link = { client: stranger, path: { token } };
  const shared = await got(api.buildListsGetSharedBuildList(link));
  assert.equal(shared.name, list.name);
  assert.equal(shared.car?.model, car.model);
  assert.deepEqual(shared.items.map((item) => item.price), parts.map((part) => part.price));
  assert.deepEqual(shared.totals, summary.totals);
  await got(api.buildListsDeleteShare({ client: owner, path }));
  await met('build_lists.share_not_found', api.buildListsGetSharedBuildList(link));
}

async function publishMenu(): Promise<void> {
  const film: api.MediaItemWrite = { media_type: 'movie', title: 'The Third Man', release_date: '1949' };
  const item = await got(api.mediaCreateItem({ client: owner, body: film }));
  const menu = await got(api.menusCreateMenu({ client: owner, body: { title: `Noir ${randomUUID()}` } }));
  assert.equal(menu.visibility, 'draft');
  const path = { menu_id: menu.id };
  const course = await got(api.menusCreateCourse({ client: owner, path, body: { title: 'To begin with' } }));
  const entry = { media_item_id: item.id, notes: 'Mind the zither.' };
  await got(api.menusCreateItem({ client: owner, path: { ...path, course_id: course.id }, body: entry }));

  const page = { client: stranger, path: { slug: menu.slug } };
  await met('menus.not_public', api.menusGetPublicMenu(page));
  await got(api.menusMergeMenu({ client: owner, path, body: { visibility: 'public' } }));
  const shown = await got(api.menusGetPublicMenu(page));
  assert.equal(shown.title, menu.title);
  assert.deepEqual(
    shown.courses.map(({ title, items }) => [title, items.map(({ title, year, notes }) => [title, year, notes])]),
    [[course.title, [[film.title, 1949, entry.notes]]]],
  );
}

const stranger = createClient({ baseUrl });
const { access_token: auth } = await signIn();
const owner = createClient({ baseUrl, auth });
const me = await got(api.authGetMe({ client: owner }));
assert.equal(me.email, account.email);
await shareBuildList(await addCar());
await publishMenu();
await got(api.authLogOut({ client: owner }));
await met('auth.unauthenticated', api.authGetMe({ client: owner }));
