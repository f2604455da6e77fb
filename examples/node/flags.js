// What a service needs to keep each of its requests on one snapshot of the flags: OpenFeature's own SDK and OFREP provider, and these
// few lines. Copy them; there is nothing of Burgee to install.

import { OFREPProvider } from '@openfeature/ofrep-provider';
import { AsyncLocalStorageTransactionContextPropagator, OpenFeature } from '@openfeature/server-sdk';
import { Agent, fetch } from 'undici';

const header = 'Burgee-Snapshot'; // between services
const attribute = 'burgee-snapshot'; // inside one: the sidecar takes it out of the context before rules see it

// The sidecar of this pod, by the names of its own settings: a Unix socket, or loopback TCP.
const { BURGEE_SOCKET: socket, BURGEE_LISTEN: address = '127.0.0.1:8016' } = process.env;
const dispatcher = socket && new Agent({ connect: { socketPath: socket } });
const sidecar = `http://${socket ? 'burgee' : address}`;

// It answers in less than a millisecond, and waits 100 ms at most for flags that a snapshot asks for. When it is away, the code's own
// defaults must not be long in coming; this release of the provider has no timeout of its own.
const patience = Number(process.env.FLAGS_TIMEOUT_MS ?? 500);
const call = (url, options) => fetch(url, { ...options, dispatcher, signal: AbortSignal.timeout(patience) });

// connect gives the client to evaluate flags with.
export async function connect() {
  OpenFeature.setTransactionContextPropagator(new AsyncLocalStorageTransactionContextPropagator());
  const provider = new OFREPProvider({
    baseUrl: sidecar,
    // The provider calls with a Request of Node's own, which undici does not know, so it is taken apart.
    fetchImplementation: async (request) =>
      call(request.url, { method: request.method, headers: [...request.headers], body: await request.text() }),
  });
  await OpenFeature.setProviderAndWait(provider);
  return OpenFeature.getClient();
}

// openSnapshot asks for the token of what the sidecar serves now, and for no flags. Without an answer the request goes on unpinned,
// which must be seen: it may see two states of the flags.
export async function openSnapshot() {
  try {
    const answer = await call(`${sidecar}/v1/snapshot`, { method: 'POST', body: '{"flags": []}' });
    return (await answer.json()).token;
  } catch (cause) {
    console.error(`this request has no snapshot: ${cause.message}`);
    return undefined;
  }
}

// adoptSnapshot takes the snapshot that a request carries. Only for requests of services that you trust, never from the public internet:
// whoever chooses the snapshot chooses among the last revisions of your flags.
export const adoptSnapshot = (request) => request.headers[header.toLowerCase()];

// within does the work of one request: every evaluation in it is answered from the snapshot, however deep and late it happens.
export function within(snapshot, work) {
  const context = { ...OpenFeature.getTransactionContext(), ...(snapshot && { [attribute]: snapshot }) };
  return new Promise((done, fail) => OpenFeature.setTransactionContext(context, () => work().then(done, fail)));
}

// onward is what a call to the next service carries in its headers, as it came: there may be several tokens in it.
export function onward() {
  const snapshot = OpenFeature.getTransactionContext()[attribute];
  return snapshot ? { [header]: snapshot } : {};
}
