// cart and payment, each beside a real sidecar of its own, while somebody publishes. The sidecars ask the store at very different times,
// so that right after a publication they are surely at different revisions: one each second, the other in an hour.

import assert from 'node:assert/strict';
import { rename } from 'node:fs/promises';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { Shop, eventually, get } from './shop.js';

const soon = '1s';
const late = '1h';
const german = 'user=u1&country=DE'; // has dynamic prices to begin with, and legacy ones after changed

// open starts everything, and waits until everybody serves the first flags. Services wait long for their sidecars, since a busy machine must
// not look like one without them.
async function open(t, polls, timeout = 20_000) {
  const shop = await Shop.open();
  t.after(() => shop.close());
  shop.beside = {
    cart: await shop.sidecar(polls.cart, '--socket', `${shop.folder}/cart.sock`),
    payment: await shop.sidecar(polls.payment, '--listen', '127.0.0.1:0'),
  };
  for (const beside of Object.values(shop.beside)) beside.FLAGS_TIMEOUT_MS = timeout;
  shop.payment = await shop.service('payment.js', shop.beside.payment);
  shop.cart = await shop.service('cart.js', { ...shop.beside.cart, PAYMENT: shop.payment });
  shop.unpinned = await shop.service('cart.js', { ...shop.beside.cart, PAYMENT: shop.payment, SNAPSHOTS: 'off' });
  await eventually(async () => assert.deepEqual(await prices(shop.unpinned), ['dynamic', 'dynamic']));
  return shop;
}

const checkout = (cart, snapshot) => get(`${cart}/checkout?${german}`, snapshot);
const charge = (payment, snapshot) => get(`${payment}/charge?${german}`, snapshot);

// prices are what cart shows and what payment charges.
async function prices(cart, snapshot) {
  const both = await checkout(cart, snapshot);
  return [both.cart.pricing, both.payment.pricing];
}

const changed = (shop) => shop.publish('Germany goes back to legacy prices', (flags) => delete flags.new_pricing.targeting);

// agreed wants one price of both, and no mark at it: a pull may only follow the one before by a second, and until then a pin ahead is
// missed, and says so.
async function agreed(cart, price) {
  const silent = []; // mixes that nobody marked
  await eventually(async () => {
    const both = await checkout(cart);
    const missed = both.payment.flagMetadata['burgee.pin'] === 'missed';
    if (!missed && both.cart.pricing !== both.payment.pricing) silent.push(both);
    assert.deepEqual([both.cart.pricing, both.payment.pricing, missed], [price, price, false]);
  });
  assert.deepEqual(silent, []);
}

test('payment is behind cart: it pulls early', async (t) => {
  const shop = await open(t, { cart: soon, payment: late });
  await changed(shop);
  await eventually(async () => assert.deepEqual(await prices(shop.unpinned), ['legacy', 'dynamic']));
  await agreed(shop.cart, 'legacy');
  // Its sidecar has the new flags now, for requests that carry no snapshot too.
  await eventually(async () => assert.equal((await charge(shop.payment)).pricing, 'legacy'));
});

test('payment is ahead of cart: it answers from the flags that cart has', async (t) => {
  const shop = await open(t, { cart: late, payment: soon });
  await changed(shop);
  await eventually(async () => assert.deepEqual(await prices(shop.unpinned), ['dynamic', 'legacy']));
  const both = await checkout(shop.cart);
  assert.deepEqual([both.cart.pricing, both.payment.pricing], ['dynamic', 'dynamic']);
  assert.equal(both.payment.flagMetadata['burgee.pin'], undefined);
  assert.equal((await charge(shop.payment)).pricing, 'legacy');
});

test('a kill travels with the next request', async (t) => {
  const shop = await open(t, { cart: soon, payment: late });
  await shop.kill('new_pricing', 'wrong prices');
  await eventually(async () => assert.deepEqual(await prices(shop.unpinned), ['legacy', 'dynamic']));
  await agreed(shop.cart, 'legacy');
});

test('a kill is seen by both, whatever they are pinned to', async (t) => {
  const shop = await open(t, { cart: soon, payment: late });
  const beside = await shop.service('payment.js', shop.beside.cart); // to pin what cart's sidecar answers
  const old = await snapshotOf(t, shop);
  const pinned = async () => Promise.all([beside, shop.payment].map(async (payment) => (await charge(payment, old)).pricing));
  await changed(shop);
  await agreed(shop.cart, 'legacy');
  assert.deepEqual(await pinned(), ['dynamic', 'dynamic']);

  await shop.kill('new_pricing', 'wrong prices');
  await eventually(async () => assert.equal((await pinned())[0], 'legacy'));
  // Any request of cart's that comes to payment now brings its sidecar to the kill.
  await eventually(async () => {
    await checkout(shop.cart);
    assert.deepEqual(await pinned(), ['legacy', 'legacy']);
  });
  assert.equal((await charge(shop.payment, old)).flagMetadata['burgee.override'], true);
});

test('a snapshot that cannot be had is marked', async (t) => {
  const shop = await open(t, { cart: soon, payment: late });
  await changed(shop);
  await eventually(async () => assert.deepEqual(await prices(shop.unpinned), ['legacy', 'dynamic']));
  await rename(shop.store, `${shop.store}.away`);
  const { payment } = await checkout(shop.cart);
  // new_pricing says failMode: closed, so it is its safe variant that is charged, and not what payment's sidecar happens to have.
  assert.deepEqual(payment, {
    pricing: 'legacy',
    flagMetadata: { flagSetId: 'shop', 'burgee.pin': 'missed', 'burgee.failClosed': 'pin-missed' },
  });
});

test('cart takes no snapshot from outside', async (t) => {
  const shop = await open(t, { cart: soon, payment: soon });
  const old = await snapshotOf(t, shop);
  await changed(shop);
  await eventually(async () => assert.deepEqual(await prices(shop.unpinned), ['legacy', 'legacy']));
  assert.deepEqual(await prices(shop.cart, old), ['legacy', 'legacy']);
  assert.equal((await charge(shop.payment, old)).pricing, 'dynamic'); // payment, which only cart reaches, does
});

test('without its sidecar a service goes by its own defaults, and does not wait long', async (t) => {
  const shop = await open(t, { cart: soon, payment: soon }, 500);
  const defaults = { pricing: 'legacy', flagMetadata: {} };
  for (const signal of ['SIGSTOP', 'SIGKILL']) {
    shop.sidecars.forEach((sidecar) => sidecar.process.kill(signal));
    assert.deepEqual(await checkout(shop.cart), { cart: defaults, payment: defaults }, signal);
  }
});

// snapshotOf is the token that cart sends on, as a payment of the test's own sees it.
async function snapshotOf(t, shop) {
  let seen;
  const payment = createServer((request, response) => {
    seen = request.headers['burgee-snapshot'];
    response.end('{}');
  });
  await new Promise((listening) => payment.listen(0, '127.0.0.1', listening));
  t.after(() => payment.close());
  const cart = await shop.service('cart.js', { ...shop.beside.cart, PAYMENT: `http://127.0.0.1:${payment.address().port}` });
  await checkout(cart);
  assert.match(seen ?? '', /^r1\./);
  return seen;
}
