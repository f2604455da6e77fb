// The SDK for servers and its OFREP provider, as their makers publish them, over the socket of a real sidecar.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OpenFeature } from '@openfeature/server-sdk';
import { OFREPProvider } from '@openfeature/ofrep-provider';
import { Sidecar, eventually } from './sidecar.js';

async function connect(t, sidecar) {
  const provider = new OFREPProvider({ baseUrl: 'http://burgee', fetchImplementation: sidecar.fetch });
  await OpenFeature.setProviderAndWait(t.name, provider);
  return OpenFeature.getClient(t.name);
}

const german = { targetingKey: 'u1', country: 'DE' };
const swede = { targetingKey: 'u1', country: 'SE' };
const staff = { targetingKey: 'u1', email: 'ana@shop.example', app_version: '4.2.0' };
const old = { targetingKey: 'u1', app_version: '4.1.9' };

// What an application sees: value, variant, reason, and the code of an error, which always leaves the code's own default.
const answers = [
  ['boolean, static', 'Boolean', 'payments_enabled', false, {}, [true, 'on', 'STATIC']],
  ['boolean, a rule shared by flags', 'Boolean', 'new_checkout', false, staff, [true, 'on', 'TARGETING_MATCH']],
  ['boolean, version too old', 'Boolean', 'new_checkout', true, old, [false, 'off', 'TARGETING_MATCH']],
  ['string, targeting matches', 'String', 'new_pricing', 'code', german, ['dynamic', 'dynamic', 'TARGETING_MATCH']],
  ['string, no rule matches', 'String', 'new_pricing', 'code', swede, ['legacy', 'legacy', 'DEFAULT']],
  ['number', 'Number', 'search_timeout_ms', 1, {}, [250, 'normal', 'STATIC']],
  ['bucketed by who it is, who is missing', 'Boolean', 'new_checkout', true, {}, [true, undefined, 'ERROR', 'TARGETING_KEY_MISSING']],
  ['missing', 'String', 'no_such_flag', 'code', {}, ['code', undefined, 'ERROR', 'FLAG_NOT_FOUND']],
  ['another type than asked for', 'Boolean', 'new_pricing', true, german, [true, undefined, 'ERROR', 'TYPE_MISMATCH']],
  // This release of the provider takes an answer without a value for a broken one: the default is right, the error is not.
  ['disabled', 'String', 'banner_text', 'code', {}, ['code', undefined, 'ERROR', 'GENERAL']],
];

test('answers', async (t) => {
  const client = await connect(t, await Sidecar.start(t));
  for (const [name, type, flag, fallback, context, want] of answers) {
    await t.test(name, async () => {
      const got = await client[`get${type}Details`](flag, fallback, context);
      assert.deepEqual([got.value, got.variant, got.reason, got.errorCode], [...want, undefined].slice(0, 4));
    });
  }
});

test('an experiment gives every user one of its objects', async (t) => {
  const client = await connect(t, await Sidecar.start(t));
  const models = { control: 'popular', similar: 'item2item', personal: 'user2item' };
  const seen = new Set();
  for (let i = 0; i < 100; i++) {
    const context = { targetingKey: `user-${i}` };
    const got = await client.getObjectDetails('basket_ranking', { model: 'none' }, context);
    assert.equal(got.value.model, models[got.variant]);
    assert.deepEqual(await client.getObjectValue('basket_ranking', { model: 'none' }, context), got.value);
    seen.add(got.variant);
  }
  assert.deepEqual([...seen].sort(), Object.keys(models).sort());
});

test('many calls at once', async (t) => {
  const client = await connect(t, await Sidecar.start(t));
  const calls = Array.from({ length: 500 }, (_, i) => client.getStringValue('new_pricing', 'code', i % 2 ? german : swede));
  const want = Array.from({ length: 500 }, (_, i) => (i % 2 ? 'dynamic' : 'legacy'));
  assert.deepEqual(await Promise.all(calls), want);
});

test('one client through a change, a time without a sidecar, and a restart', async (t) => {
  const sidecar = await Sidecar.start(t);
  const client = await connect(t, sidecar);
  const price = () => client.getStringDetails('new_pricing', 'code', german);
  assert.equal((await price()).value, 'dynamic');

  await sidecar.change((flags) => delete flags.new_pricing.targeting);
  await eventually(async () => assert.equal((await price()).value, 'legacy'));

  assert.equal(await sidecar.stop(), 0);
  const without = await price();
  assert.deepEqual([without.value, without.reason, without.errorCode], ['code', 'ERROR', 'GENERAL']);

  await sidecar.run();
  assert.equal((await price()).value, 'legacy');
});
