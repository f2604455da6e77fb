// The SDK for browsers and its OFREP provider ask for all flags at once and keep them; in Node they do so over the socket too.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OpenFeature, ProviderEvents } from '@openfeature/web-sdk';
import { OFREPWebProvider } from '@openfeature/ofrep-web-provider';
import { Sidecar, eventually } from './sidecar.js';

// connect gives a client that looks for changes often. There is no localStorage here, so nothing outlives the process.
async function connect(t, sidecar, context) {
  const provider = new OFREPWebProvider({
    baseUrl: 'http://burgee',
    fetchImplementation: sidecar.fetch,
    pollInterval: 50,
    cacheMode: 'disabled',
  });
  await OpenFeature.setProviderAndWait(t.name, provider, context);
  t.after(() => OpenFeature.clearProviders());
  return OpenFeature.getClient(t.name);
}

const german = { targetingKey: 'u1', country: 'DE' };

test('all flags in one call, kept until they change', async (t) => {
  const sidecar = await Sidecar.start(t);
  const client = await connect(t, sidecar, german);
  assert.deepEqual(sidecar.statuses, [200]);
  assert.equal(client.getStringValue('new_pricing', 'code'), 'dynamic');
  assert.equal(client.getBooleanValue('payments_enabled', false), true);
  assert.equal(client.getNumberValue('search_timeout_ms', 1), 250);
  assert.equal(client.getStringDetails('no_such_flag', 'code').errorCode, 'FLAG_NOT_FOUND');
  const banner = client.getStringDetails('banner_text', 'code');
  assert.deepEqual([banner.value, banner.reason, banner.errorCode], ['code', 'DISABLED', undefined]);

  // Nothing changed: the sidecar says so without the flags.
  await eventually(async () => assert.ok(sidecar.statuses.length > 3));
  assert.deepEqual([...new Set(sidecar.statuses.slice(1))], [304]);

  let changed;
  client.addHandler(ProviderEvents.ConfigurationChanged, (event) => (changed = event.flagsChanged));
  await sidecar.change((flags) => delete flags.new_pricing.targeting);
  await eventually(async () => assert.deepEqual(changed, ['new_pricing']));
  assert.equal(client.getStringValue('new_pricing', 'code'), 'legacy');
});

test('what was kept outlives the sidecar', async (t) => {
  const sidecar = await Sidecar.start(t);
  const client = await connect(t, sidecar, german);
  let stale = false;
  client.addHandler(ProviderEvents.Stale, () => (stale = true));
  assert.equal(await sidecar.stop(), 0);
  await eventually(async () => assert.ok(stale));
  assert.equal(client.getStringValue('new_pricing', 'code'), 'dynamic');
});
