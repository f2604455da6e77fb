// npm start: what happens to a request right after a publication, without a snapshot and with one.

import { Shop, eventually, get } from './shop.js';

const shop = await Shop.open();
try {
  const fast = await shop.sidecar('1s', '--socket', `${shop.folder}/cart.sock`);
  const slow = await shop.sidecar('1h', '--listen', '127.0.0.1:0');
  const payment = await shop.service('payment.js', slow);
  const unpinned = await shop.service('cart.js', { ...fast, PAYMENT: payment, SNAPSHOTS: 'off' });
  const cart = await shop.service('cart.js', { ...fast, PAYMENT: payment });
  const checkout = async (address) => {
    const both = await get(`${address}/checkout?user=u1&country=DE`);
    return `cart shows the ${both.cart.pricing} price, payment charges the ${both.payment.pricing} one`;
  };
  const until = (word) =>
    eventually(async () => {
      if (!(await checkout(unpinned)).includes(`shows the ${word}`)) throw new Error(`cart does not show ${word} prices`);
    });

  await until('dynamic');
  console.log('Two services, two sidecars: one asks the store each second, the other in an hour.');
  console.log(`before:              ${await checkout(unpinned)}`);
  await shop.publish('Germany goes back to legacy prices', (flags) => delete flags.new_pricing.targeting);
  await until('legacy');
  console.log(`published, unpinned: ${await checkout(unpinned)}`);
  const pinned = await checkout(cart);
  console.log(`published, pinned:   ${pinned}`);
  if (!/shows the (\w+) .* the \1 one/.test(pinned)) {
    console.error('The snapshot was not opened in time: this machine is too busy for the demo. Try again.');
    process.exitCode = 1;
  }
} finally {
  await shop.close();
}
