// Keeps the bench from rotting: it runs, and every line has figures. How fast anything is, is not judged here.

import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Report } from '../../bench/report.js';
import type { SnapshotReport } from '../../bench/snapshots/snapshot-report.js';
import { packageRoot } from '../../src/local/package-root.js';

describe('npm run bench -- --quick', () => {
  let table: string;
  let report: Report;

  beforeAll(async () => {
    ({ table, report } = await quickBench<Report>());
  });

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
    // One more where the machine could give the target a core of its own.
    const apart = report.comparisons.filter(({ ownCore }) => ownCore).length;
    expect(report.bars).toHaveLength(6 + apart);
    for (const { what } of report.bars) expect(table).toContain(`| ${what} |`);
  });
});

describe('npm run bench -- --quick --snapshots', () => {
  let table: string;
  let report: SnapshotReport;

  beforeAll(async () => {
    ({ table, report } = await quickBench<SnapshotReport>('--snapshots'));
  });

  it('measures captures and recoveries of ours, and the plain way beside them', () => {
    const [comparison] = report.comparisons;
    const lines = comparison!.summaries.map(({ line }) => line);
    for (const line of [
      'plain pipe to the disk, curl',
      'plain PUT of the file to the gateway, curl',
      'plain upload of the file to the target, curl',
      'qdrant-ferry, capture to the gateway',
      'qdrant-ferry, capture to the disk',
      'qdrant-ferry, recovery from the gateway, pull',
      'qdrant-ferry, recovery from the gateway, push',
      'qdrant-ferry, recovery from the disk, push',
    ])
      expect(lines).toContain(line);
    for (const { line, megabytesPerSecond, peakMegabytes } of comparison!.summaries) {
      expect(megabytesPerSecond.least).toBeGreaterThan(0);
      // A curl with so little to do can be over before anybody looked at its memory.
      if (line.startsWith('qdrant-ferry')) expect(peakMegabytes).toBeGreaterThan(0);
    }
  });

  it('moves the same snapshot whichever way', () => {
    const { bytes, summaries } = report.comparisons[0]!;
    for (const one of summaries) expect(Math.abs(one.bytes / bytes - 1)).toBeLessThan(0.01);
  });

  it('gives a verdict for each capture, each recovery, and memory', () => {
    expect(report.bars).toHaveLength(6);
    for (const { what } of report.bars) expect(table).toContain(`| ${what} |`);
  });
});

/** What it said on stdout, and the figures. */
async function quickBench<R>(...more: string[]): Promise<{ table: string; report: R }> {
  const results = await mkdtemp(join(tmpdir(), 'ferry-bench-results-'));
  try {
    const table = await runBench(['--quick', '--results', results, ...more]);
    const [file] = await readdir(results);
    return { table, report: JSON.parse(await readFile(join(results, file!), 'utf8')) as R };
  } finally {
    await rm(results, { recursive: true, force: true });
  }
}

/** Returns what it said on stdout. */
function runBench(args: string[]): Promise<string> {
  const main = join(packageRoot(), 'bench/run.mjs');
  const env = { ...process.env, QDRANT_MIGRATION_BIN: '' };
  const child = spawn(process.execPath, [main, ...args], { env });
  const said = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said.stderr += text));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => (code === 0 ? resolve(said.stdout) : reject(new Error(said.stderr))));
  });
}
