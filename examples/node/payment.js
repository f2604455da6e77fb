// payment charges what cart has shown: both price by the same flag, so they must see the same value of it.
//
//   BURGEE_LISTEN=127.0.0.1:8016 PORT=8080 node payment.js

import { adoptSnapshot, connect, openSnapshot, within } from './flags.js';
import { serve } from './serve.js';

const flags = await connect();

serve('payment', async (request, query) => {
  // Only cart reaches this port, and cart is trusted. A request without a snapshot gets one of its own.
  const snapshot = adoptSnapshot(request) ?? (await openSnapshot());
  return within(snapshot, async () => {
    const { value, flagMetadata } = await flags.getStringDetails('new_pricing', 'legacy', {
      targetingKey: query.get('user'),
      country: query.get('country'),
    });
    // The one case in which cart may have seen something else, and it is said: a service that cannot take it refuses here.
    if (flagMetadata['burgee.pin'] === 'missed') console.error('payment: priced by other flags than cart');
    return { pricing: value, flagMetadata };
  });
});
