// The command against a real Temporal server without workers: what it decides by itself, and how it waits.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTemporal, type TemporalServer } from '../../src/local/index.js';
import { ferry, startFerry, type RunningFerry } from '../support/ferry-command.js';

let folder: string;
let temporal: TemporalServer;
let place: { config: string; folder: string };

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ferry-cli-'));
  temporal = await startTemporal({ dbFile: join(folder, 'temporal.db'), ui: false });
  const config = join(folder, 'ferry.yaml');
  await writeFile(
    config,
    `temporal: { address: "${temporal.address}" }\n` +
      'clusters:\n  a: { url: "http://127.0.0.1:1" }\n  b: { url: "http://127.0.0.1:2", apiKey: "s3cr3t" }\n',
  );
  place = { config, folder };
});

afterAll(async () => {
  await temporal?.stop();
  await rm(folder, { recursive: true, force: true });
});

async function said(running: RunningFerry, text: string): Promise<void> {
  while (!running.said().includes(text)) {
    const over = await Promise.race([running.ended, sleep(50, undefined)]);
    if (over)
      throw new Error(`It ended (${over.code}) before it said "${text}":\n${over.stdout}${over.stderr}`);
  }
}

describe('what the command detects without a job', () => {
  it.each([
    ['an alias that ferry.yaml does not have', 'UnknownAlias', ['migrate', 'a', 'nowhere']],
    ['an unknown alias to verify with', 'UnknownAlias', ['verify', 'nowhere', 'b']],
    ['a value outside its range', 'InvalidInput', ['migrate', 'a', 'b', '--slices', '1000']],
    ['a value of another type', 'InvalidInput', ['migrate', 'a', 'b', '--slices', 'many']],
    ['a missing argument', 'InvalidInput', ['migrate', 'a']],
    ['a flag that does not exist', 'InvalidInput', ['verify', 'a', 'b', '--fast']],
    ['a URL with credentials', 'InvalidInput', ['migrate', 'a', 'b', '--as', 'http://me:s3cr3t@host']],
    ['an input file that is not there', 'InvalidInput', ['migrate', '--input', '/nowhere.json']],
  ])('exits 2 over %s, with one JSON document on stdout', async (_, code, args) => {
    const run = await ferry(place, ...args, '--json');
    expect(run.code).toBe(2);
    expect(run.stdout.trim().split('\n')).toHaveLength(1);
    const document = JSON.parse(run.stdout) as { error: { code: string } };
    expect(document.error.code).toBe(code);
    expect(run.stdout + run.stderr).not.toContain('s3cr3t');
  });

  it('leaves stdout empty without --json, and names the aliases there are', async () => {
    const run = await ferry(place, 'migrate', 'a', 'nowhere');
    expect(run).toMatchObject({ code: 2, stdout: '' });
    expect(run.stderr).toContain('it has: a, b');
  });

  it('exits 2 over a ferry.yaml that cannot be read', async () => {
    const run = await ferry(
      { ...place, config: join(folder, 'missing.yaml') },
      'migrate',
      'a',
      'b',
      '--json',
    );
    expect(run.code).toBe(2);
    expect((JSON.parse(run.stdout) as { error: { code: string } }).error.code).toBe('InvalidConfig');
  });

  it('exits 1 over a job that does not exist', async () => {
    const run = await ferry(place, 'pause', 'never-started', '--json');
    expect(run.code).toBe(1);
    expect((JSON.parse(run.stdout) as { error: { code: string } }).error.code).toBe('JobNotFound');
  });
});

describe('a job that nobody works on', () => {
  it('is started and left alone with --detach', async () => {
    const run = await ferry(place, 'migrate', 'a', 'b', 'docs', '--id', 'left alone', '--detach', '--json');
    expect(run.code).toBe(0);
    expect(JSON.parse(run.stdout)).toMatchObject({ workflowId: 'left alone' });
    const list = await ferry(place, 'status', '--json');
    const rows = JSON.parse(list.stdout) as { workflowId: string; type: string }[];
    expect(rows).toContainEqual(
      expect.objectContaining({ workflowId: 'left alone', type: 'scrollMigration' }),
    );
  });

  it('is not started twice under one id', async () => {
    await ferry(place, 'verify', 'a', 'b', '--id', 'once', '--detach');
    const again = await ferry(place, 'verify', 'a', 'b', '--id', 'once', '--json');
    expect(again.code).toBe(2);
    expect((JSON.parse(again.stdout) as { error: { message: string } }).error.message).toContain(
      'is already running',
    );
  });

  it('is waited for, and the missing workers are named', async () => {
    const running = startFerry(place, 'migrate', 'a', 'b', '--id', 'waits');
    await said(running, 'No worker polls ferry-control');
    running.kill();
    await running.ended;
  });
});

describe('while the Temporal server is unavailable', () => {
  it('says so once, starts the job when it is back, and starts it once', async () => {
    await temporal.kill();
    const running = startFerry(place, 'migrate', 'a', 'b', '--id', 'patient', '--detach', '--json');
    await said(running, 'is unavailable (ECONNREFUSED). The job is not started yet. Retrying.');
    await temporal.start();
    const run = await running.ended;
    expect(run.code).toBe(0);
    expect(JSON.parse(run.stdout)).toMatchObject({ workflowId: 'patient' });
    expect(run.stderr.match(/is unavailable/g)).toHaveLength(1);
  });

  it('keeps watching a job that lives on there', async () => {
    const running = startFerry(place, 'migrate', 'a', 'b', '--id', 'lives on');
    await said(running, 'No worker polls ferry-control');
    await temporal.kill();
    await said(running, 'The job is stored there and continues when Temporal is available again. Retrying.');
    await temporal.start();
    await said(running, 'is available again.');
    const status = await ferry(place, 'status', 'lives on', '--json');
    expect(JSON.parse(status.stdout)).toMatchObject({ workflowId: 'lives on', status: 'RUNNING' });
    running.kill();
    await running.ended;
  });
});

describe('the doctor', () => {
  it('names what is missing, and exits 1 with one JSON document', async () => {
    const run = await ferry(place, 'doctor', '--json');
    expect(run.code).toBe(1);
    const { findings } = JSON.parse(run.stdout) as {
      findings: { ok: boolean; what: string; says: string }[];
    };
    const state = Object.fromEntries(findings.map(({ what, ok }) => [what, ok]));
    expect(state).toEqual({
      configuration: true,
      Temporal: true,
      'queue ferry-control': false,
      'queue ferry-data': false,
      'cluster a, REST': false,
      'cluster a, gRPC': false,
      'cluster b, REST': false,
      'cluster b, gRPC': false,
    });
    expect(run.stdout + run.stderr).not.toContain('s3cr3t');
  });
});
