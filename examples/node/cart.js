// cart shows a price, and has payment charge it. It is the first service of a request, so it opens the snapshot.
//
//   BURGEE_SOCKET=/run/burgee/burgee.sock PAYMENT=http://payment:8080 PORT=8080 node cart.js
//   curl 'http://127.0.0.1:8080/checkout?user=u1&country=DE'

import { connect, onward, openSnapshot, within } from './flags.js';
import { serve } from './serve.js';

const flags = await connect();

serve('cart', async (request, query) => {
  // Not adoptSnapshot: anybody can write a header. SNAPSHOTS=off shows what happens without any of this.
  const snapshot = process.env.SNAPSHOTS === 'off' ? undefined : await openSnapshot();
  return within(snapshot, async () => {
    const { value, flagMetadata } = await flags.getStringDetails('new_pricing', 'legacy', {
      targetingKey: query.get('user'),
      country: query.get('country'),
    });
    const charge = await fetch(`${process.env.PAYMENT}/charge?${query}`, { headers: onward() });
    return { cart: { pricing: value, flagMetadata }, payment: await charge.json() };
  });
});
