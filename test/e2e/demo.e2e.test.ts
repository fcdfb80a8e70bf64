// The demo as a stranger runs it, and as a stranger stops it.

import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { stackStatus, type StackStatus } from '../../src/local/index.js';
import type { DemoResult } from '../../demo/result.js';

let folder: string;
let demo: ChildProcess | undefined;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ferry-demo-'));
});

afterEach(async () => {
  demo?.kill('SIGKILL');
  await rm(folder, { recursive: true, force: true });
});

interface Run {
  child: ChildProcess;
  said: () => string;
  ended: Promise<{ code: number | null; stdout: string; stderr: string }>;
}

function startDemo(): Run {
  const child = spawn(process.execPath, ['demo/run.mjs', '--json'], {
    env: { ...process.env, FERRY_STATE_DIR: folder },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  demo = child;
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const ended = new Promise<Awaited<Run['ended']>>((resolve) => {
    child.once('close', (code) => resolve({ code, stdout, stderr }));
  });
  return { child, said: () => stderr, ended };
}

/** The members of the stack, once they are up. */
async function membersOf(run: Run): Promise<StackStatus['members']> {
  while (!run.said().includes('Temporal UI at') && run.child.exitCode === null) await sleep(100);
  const status = await stackStatus(join(folder, 'demo'));
  if (!status) throw new Error(`no stack came up:\n${run.said()}`);
  return status.members;
}

function living(members: StackStatus['members']): string[] {
  return members.filter(({ pid }) => isThere(pid)).map(({ name }) => name);
}

function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

it('moves, is killed half way, continues, proves it, and leaves nothing behind', async () => {
  const run = startDemo();
  const members = await membersOf(run);
  const { code, stdout, stderr } = await run.ended;
  const result = JSON.parse(stdout) as DemoResult;
  expect(
    result.checks?.filter((check) => !check.passed),
    `${stderr}\n${stdout}`,
  ).toEqual([]);
  expect(code, stderr).toBe(0);
  expect(result.kill?.slices.length).toBe(result.kill?.working);
  expect(result.searches.map((search) => search.alike)).toEqual([true, true, true]);
  expect(stderr).toContain('SIGKILL to the data worker');
  expect(living(members)).toEqual([]);
  expect(isThere(result.kill?.newPid ?? 0)).toBe(false);
});

it('takes everything down on Ctrl-C', async () => {
  const run = startDemo();
  const members = await membersOf(run);
  run.child.kill('SIGINT');
  const { code, stdout } = await run.ended;
  expect(code).toBe(130);
  expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'Interrupted' } });
  expect(living(members)).toEqual([]);
});
