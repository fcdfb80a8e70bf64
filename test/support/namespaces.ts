// Networks of their own on this machine: a Qdrant in a network namespace that sees this machine over one pair of virtual
// cards, and nobody else. Needs the right to make them (root, or CAP_NET_ADMIN and CAP_SYS_ADMIN).

import { execFile, spawn } from 'node:child_process';
import { randomBytes, randomInt } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findBinary, type QdrantVersion } from '../../src/local/index.js';
import { pause } from './kill-watch.js';

const run = promisify(execFile);
const ip = (...args: string[]) => run('ip', args);

export async function mayMakeNamespaces(): Promise<boolean> {
  const name = `ferry-${randomBytes(3).toString('hex')}`;
  try {
    await ip('netns', 'add', name);
    await ip('netns', 'exec', name, 'true');
    return true;
  } catch {
    return false;
  } finally {
    await ip('netns', 'del', name).catch(() => undefined);
  }
}

export interface SecludedQdrant {
  /** From this machine; from its own namespace too, from no other. */
  url: string;
  grpcUrl: string;
  stop(): Promise<void>;
}

export async function startSecludedQdrant(version: QdrantVersion): Promise<SecludedQdrant> {
  const folder = await mkdtemp(join(tmpdir(), 'ferry-secluded-'));
  const network = await makeNetwork();
  const child = spawn('ip', ['netns', 'exec', network.name, await findBinary(`qdrant-${version}`)], {
    cwd: folder,
    stdio: 'ignore',
    env: {
      ...process.env,
      QDRANT__SERVICE__HOST: '0.0.0.0',
      QDRANT__TELEMETRY_DISABLED: 'true',
      QDRANT__LOG_LEVEL: 'WARN',
    },
  });
  const ended = new Promise((resolve) => child.once('close', resolve));
  const stop = async () => {
    child.kill('SIGKILL');
    await ended;
    await network.end();
    await rm(folder, { recursive: true, force: true });
  };
  // The namespace has ports of its own, so Qdrant's usual ones are free.
  const url = `http://${network.address}:6333`;
  try {
    await untilReady(url);
  } catch (error) {
    await stop();
    throw error;
  }
  return { url, grpcUrl: `http://${network.address}:6334`, stop };
}

async function makeNetwork() {
  const tag = randomBytes(3).toString('hex');
  const [name, card] = [`ferry-${tag}`, `ferry${tag}`];
  const subnet = `10.${randomInt(200, 250)}.${randomInt(256)}`;
  const end = async () => {
    await ip('link', 'del', card).catch(() => undefined);
    await ip('netns', 'del', name);
  };
  await ip('netns', 'add', name);
  try {
    await ip('link', 'add', card, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name);
    await ip('addr', 'add', `${subnet}.1/30`, 'dev', card);
    await ip('link', 'set', card, 'up');
    await ip('-n', name, 'addr', 'add', `${subnet}.2/30`, 'dev', 'eth0');
    for (const device of ['eth0', 'lo']) await ip('-n', name, 'link', 'set', device, 'up');
  } catch (error) {
    await end();
    throw error;
  }
  return { name, address: `${subnet}.2`, end };
}

async function untilReady(url: string): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      if ((await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(1_000) })).ok) return;
    } catch (error) {
      if (attempt === 100) throw error;
    }
    await pause(100);
  }
}
