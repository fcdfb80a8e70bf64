// Keeps the bench from rotting: it runs, and every line has figures. How fast anything is, is not judged here.

import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Report } from '../../bench/report.js';
import { packageRoot } from '../../src/local/package-root.js';

let results: string;
let table: string;
let report: Report;

beforeAll(async () => {
  results = await mkdtemp(join(tmpdir(), 'ferry-bench-results-'));
  table = await quickBench(results);
  const [file] = await readdir(results);
  report = JSON.parse(await readFile(join(results, file!), 'utf8')) as Report;
});

afterAll(() => rm(results, { recursive: true, force: true }));

describe('npm run bench -- --quick', () => {
  it('shows a line for each contestant, with figures above zero', () => {
    const [comparison] = report.comparisons;
    const lines = comparison!.summaries.map(({ line }) => line);
    expect(lines).toEqual([
      'qdrant-ferry, copy',
      'qdrant-ferry, copy and full verification',
      'qdrant-ferry, whole workflow',
      "target's own ingest, ready requests",
      'plain loop, js-client-rest, batch 100',
    ]);
    for (const line of lines) expect(table).toContain(`| ${line} |`);
    for (const one of comparison!.summaries) {
      expect(one.pointsPerSecond.median).toBeGreaterThan(0);
      expect(one.megabytesPerSecond).toBeGreaterThan(0);
      expect(one.peakMegabytes).toBeGreaterThan(0);
    }
  });

  it('counts copying, proving and the whole workflow as one inside the other', () => {
    const [copy, proof, whole] = report.comparisons[0]!.summaries.map(({ seconds }) => seconds.median);
    expect(copy).toBeLessThan(proof!);
    expect(proof).toBeLessThan(whole!);
  });

  it('measures memory at one and at four times the points', () => {
    expect(report.memory.map(({ points }) => points)).toEqual([5_000, 20_000]);
    for (const { peakBytes } of report.memory) expect(peakBytes).toBeGreaterThan(0);
  });

  it('gives a verdict for every bar whose figures it has', () => {
    expect(report.bars).toHaveLength(6);
    for (const { what } of report.bars) expect(table).toContain(`| ${what} |`);
  });
});

/** Returns what it said on stdout. */
function quickBench(folder: string): Promise<string> {
  const main = join(packageRoot(), 'bench/run.mjs');
  const env = { ...process.env, QDRANT_MIGRATION_BIN: '' };
  const child = spawn(process.execPath, [main, '--quick', '--results', folder], { env });
  const said = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said.stderr += text));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => (code === 0 ? resolve(said.stdout) : reject(new Error(said.stderr))));
  });
}
