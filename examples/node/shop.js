// A shop to run the example in: keys, a store in a folder, sidecars on it, and services beside them, all real programs. BURGEE and
// BURGEECTL name ours.

import { execFile, spawn } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';

const here = import.meta.dirname;
const burgee = resolve(here, process.env.BURGEE ?? '../../bin/burgee');
const burgeectl = resolve(here, process.env.BURGEECTL ?? '../../bin/burgeectl');
const patience = 60_000;

export class Shop {
  static async open() {
    const shop = new Shop(await mkdtemp(join(tmpdir(), 'burgee')));
    try {
      shop.flags = JSON.parse(await readFile(join(here, '../flags.json'), 'utf8'));
      await mkdir(shop.store);
      await shop.ctl('keygen', '--out', join(shop.folder, 'shop'));
      await shop.publish('the first flags');
      return shop;
    } catch (error) {
      await shop.close();
      throw error;
    }
  }

  constructor(folder) {
    this.folder = folder;
    this.store = join(folder, 'store');
    this.where = { BURGEE_STORE: `file://${this.store}`, BURGEE_ENVIRONMENT: 'shop/test', BURGEE_TRUST_KEY: join(folder, 'shop.pub') };
    this.sidecars = [];
    this.services = [];
  }

  // close stops what runs, and removes everything.
  async close() {
    await Promise.all([...this.services, ...this.sidecars].map((program) => program.stop()));
    await rm(this.folder, { recursive: true });
  }

  async ctl(...args) {
    await promisify(execFile)(burgeectl, args, { env: { PATH: process.env.PATH, ...this.where } });
  }

  // publish makes the flags as they are in memory a new revision, and kill forces one to its safe variant in another.
  async publish(message, edit = () => {}) {
    edit(this.flags.flags);
    const file = join(this.folder, 'flags.json');
    await writeFile(file, JSON.stringify(this.flags));
    await this.ctl('publish', file, ...this.#change(message));
  }

  async kill(flag, message) {
    await this.ctl('kill', flag, ...this.#change(message));
  }

  #change = (message) => ['--key', join(this.folder, 'shop.key'), '--author', 'shop', '--message', message];

  // sidecar starts one that asks the store every poll, and gives what a service beside it needs in its environment.
  async sidecar(poll, ...options) {
    const program = new Program(burgee, ['--poll', poll, '--admin', 'off', '--log-format', 'json', ...options], this.where);
    this.sidecars.push(program);
    const reached = await program.line('stderr', (text) => {
      const entry = JSON.parse(text);
      return entry['@message'] === 'listening' && entry.address;
    });
    return reached.startsWith('/') ? { BURGEE_SOCKET: reached } : { BURGEE_LISTEN: reached };
  }

  // service starts one, and gives its address.
  async service(file, env) {
    const program = new Program(process.execPath, [join(here, file)], env);
    this.services.push(program);
    return program.line('stdout', (text) => text.split(' ')[1]);
  }
}

class Program {
  constructor(file, args, env) {
    this.written = '';
    this.process = spawn(file, args, { env: { PATH: process.env.PATH, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    this.ended = new Promise((done) => this.process.on('exit', done).on('error', done));
    for (const stream of ['stdout', 'stderr']) this.process[stream].on('data', (text) => (this.written += text));
  }

  // line waits for a line that found makes something of, and gives that.
  line(stream, found) {
    return new Promise((done, fail) => {
      createInterface({ input: this.process[stream] }).on('line', (text) => {
        const result = found(text);
        if (result) done(result);
      });
      this.ended.then((code) => fail(new Error(`it ended with ${code}:\n${this.written}`)));
    });
  }

  // stop ends it, frozen or not.
  async stop() {
    this.process.kill('SIGTERM');
    this.process.kill('SIGCONT');
    return this.ended;
  }
}

// get asks a service, with a snapshot where there is one to pass on.
export async function get(address, snapshot) {
  const headers = snapshot ? { 'Burgee-Snapshot': snapshot } : {};
  const answer = await fetch(address, { headers, signal: AbortSignal.timeout(patience) });
  if (!answer.ok) throw new Error(`${address} answers ${answer.status}`);
  return answer.json();
}

// eventually tries again until it does not throw, and throws the last error where patience ends.
export async function eventually(attempt) {
  const deadline = Date.now() + patience;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (Date.now() > deadline) throw error;
    }
    await new Promise((next) => setTimeout(next, 20));
  }
}
