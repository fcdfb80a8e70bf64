import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { identify, isAlive, startTemporal, type TemporalServer } from '../../src/local/index.js';

const cli = join(import.meta.dirname, '../../dist/cli.js');
let folder: string;
let config: string;
let temporal: TemporalServer;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ferry-worker-'));
  config = join(folder, 'ferry.yaml');
  temporal = await startTemporal({ dbFile: join(folder, 'temporal.db'), ui: false });
  await writeFile(
    config,
    `temporal: { address: "${temporal.address}" }\nclusters: { a: { url: "http://127.0.0.1:1", taskQueue: near-a } }\n`,
  );
});
afterAll(async () => {
  await temporal.stop();
  await rm(folder, { recursive: true, force: true });
});

interface Worker {
  child: ChildProcess;
  stdout(): string;
  says(pattern: RegExp): Promise<RegExpExecArray>;
  ended: Promise<number | NodeJS.Signals | null>;
}

function worker(...args: string[]): Worker {
  const child = spawn(process.execPath, [cli, 'worker', '--config', config, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk) => (said.stdout += chunk));
  child.stderr.on('data', (chunk) => (said.stderr += chunk));
  return {
    child,
    stdout: () => said.stdout,
    ended: new Promise((resolve) => child.once('exit', (code, signal) => resolve(signal ?? code))),
    says: async (pattern) => {
      for (;;) {
        const found = pattern.exec(said.stderr);
        if (found !== null) return found;
        if (child.exitCode !== null) throw new Error(`ended without saying it:\n${said.stderr}`);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    },
  };
}

describe('ferry worker', () => {
  it('polls its queues, says nothing on stdout, and ends in order on SIGTERM', async () => {
    const data = worker('--role', 'data');
    await data.says(/data worker polls ferry-data, near-a at 127/);
    data.child.kill('SIGTERM');
    expect(await data.ended).toBe(0);
    expect(data.stdout()).toBe('');
  });

  it('polls only the queues it is given', async () => {
    const data = worker('--role', 'data', '--queue', 'near-a');
    await data.says(/data worker polls near-a at/);
    data.child.kill('SIGINT');
    expect(await data.ended).toBe(0);
  });

  it('refuses a ferry.yaml it cannot read, by exit status 2', async () => {
    const lost = worker('--role', 'data', '--config', join(folder, 'nowhere.yaml'));
    expect(await lost.ended).toBe(2);
  });

  it('with both roles starts a killed data worker again, and takes both with it when it ends', async () => {
    const readyFile = join(folder, 'ready');
    const both = worker('--role', 'all', '--ready-file', readyFile);
    await both.says(/control worker polls/);
    await both.says(/data worker polls/);
    const first = await pidIn(`${readyFile}.data`);
    process.kill(first, 'SIGKILL');
    await both.says(/data worker ended \(SIGKILL\); starting it again in 1 s\n(.|\n)*data worker polls/);
    const pids = [await pidIn(`${readyFile}.data`), await pidIn(`${readyFile}.control`)];
    expect(pids).not.toContain(first);
    both.child.kill('SIGTERM');
    expect(await both.ended).toBe(0);
    expect(await Promise.all(pids.map(identify))).toEqual([undefined, undefined]);
  });

  it('with both roles leaves none behind when it is killed with SIGKILL', async () => {
    const readyFile = join(folder, 'ready-2');
    const both = worker('--role', 'all', '--ready-file', readyFile);
    await both.says(/control worker polls/);
    await both.says(/data worker polls/);
    const pids = [await pidIn(`${readyFile}.data`), await pidIn(`${readyFile}.control`)];
    const children = await Promise.all(pids.map(identify));
    both.child.kill('SIGKILL');
    for (const child of children) {
      while (child !== undefined && (await isAlive(child))) await new Promise((done) => setTimeout(done, 20));
    }
    expect(children).not.toContain(undefined);
  });
});

async function pidIn(file: string): Promise<number> {
  return Number(await readFile(file, 'utf8'));
}
