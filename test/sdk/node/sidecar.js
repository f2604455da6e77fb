// A real sidecar on a socket, for tests. BURGEE names the program.

import { spawn } from 'node:child_process';
import { copyFile, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Agent, fetch } from 'undici';

const program = resolve(import.meta.dirname, process.env.BURGEE ?? '../../../bin/burgee');
const example = resolve(import.meta.dirname, '../../../examples/flags.json');
const patience = 20_000;

export class Sidecar {
  // start serves the examples. What it starts and makes ends with the test.
  static async start(t) {
    const sidecar = new Sidecar(await mkdtemp(join(tmpdir(), 'burgee')));
    t.after(() => sidecar.end());
    await copyFile(example, sidecar.flags);
    await sidecar.run();
    return sidecar;
  }

  constructor(folder) {
    this.folder = folder;
    this.flags = join(folder, 'flags.json');
    this.socket = join(folder, 's.sock');
    this.agent = new Agent({ connect: { socketPath: this.socket }, connections: 8 });
    this.statuses = []; // of every answer that came
  }

  // run starts the program, and waits until it answers.
  async run() {
    this.log = '';
    this.process = spawn(program, ['--flags', this.flags, '--socket', this.socket, '--admin', 'off', '--poll', '100ms'], {
      env: { PATH: process.env.PATH },
      stdio: ['ignore', 'inherit', 'pipe'],
    });
    this.ended = new Promise((done) => this.process.on('exit', done).on('error', done));
    this.process.stderr.on('data', (text) => (this.log += text));
    await eventually(async () => {
      const answer = await fetch('http://burgee/ofrep/v1/evaluate/flags', { method: 'POST', dispatcher: this.agent });
      if (answer.status !== 200) throw new Error(`it answers ${answer.status}; its log:\n${this.log}`);
    });
  }

  // stop asks it to stop, and gives the exit code.
  async stop() {
    this.process.kill('SIGTERM');
    return this.ended;
  }

  async end() {
    this.process?.kill('SIGKILL');
    await this.ended;
    await this.agent.close();
    await rm(this.folder, { recursive: true });
  }

  // change rewrites the flags as a deployment does: the new file whole, in one step.
  async change(edit) {
    const document = JSON.parse(await readFile(this.flags, 'utf8'));
    edit(document.flags);
    await writeFile(this.flags + '.new', JSON.stringify(document));
    await rename(this.flags + '.new', this.flags);
  }

  // fetch is what providers are given as their fetchImplementation: it reaches the socket whatever the host. Providers call it with a
  // Request of Node's own, which undici's fetch does not know, so it is taken apart.
  fetch = async (request) => {
    const { url, method, headers } = request;
    const answer = await fetch(url, { method, headers: [...headers], body: await request.text(), dispatcher: this.agent });
    this.statuses.push(answer.status);
    return answer;
  };
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
