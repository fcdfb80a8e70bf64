// What must not grow with what comes from outside: waits, reads, folders, pages, and ids that must not meet.

import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { asFailure } from '../../src/activities/failure-interceptor.js';
import { pageFrom } from '../../src/backups/capture/plan-capture.js';
import { captureLockId } from '../../src/model/format/backup-names.js';
import { FerryError } from '../../src/model/errors.js';
import { ownBackupId, writeLockId } from '../../src/model/names.js';
import { slicesFor } from '../../src/model/state/walk.js';
import { readAtOnce } from '../../src/transfer/compare-slice.js';
import { removeOldReports } from '../../src/transfer/file-report.js';

const DAY_MS = 24 * 3_600_000;

it('waits no longer than two minutes, whatever `Retry-After` a proxy sends', () => {
  const delayOf = (retryAfterMs: number) => {
    const error = new FerryError('QdrantUnavailable', 'Qdrant answered 429', { retryAfterMs });
    return (asFailure(error, new AbortController().signal) as { nextRetryDelay?: unknown }).nextRetryDelay;
  };
  expect([delayOf(3_000), delayOf(DAY_MS)]).toEqual([3_000, 120_000]);
});

it('reads few suspects again at once where either side has large points', () => {
  const suspects = (bytes: number) =>
    Array.from({ length: 600 }, (_, id) => ({ id: String(id), kind: 'extra' as const, bytes }));
  const sizes = (bytes: number) => [...readAtOnce(suspects(bytes))].map((some) => some.length);
  expect(sizes(100)).toEqual([256, 256, 88]);
  expect(sizes(3_000_000)).toEqual(Array.from({ length: 300 }, () => 2));
  expect(sizes(20_000_000)).toEqual(Array.from({ length: 600 }, () => 1));
});

it('removes the reports of jobs that have written nothing for a month, and no others', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'ferry-reports-'));
  try {
    for (const job of ['old', 'new', 'half-old']) {
      await mkdir(join(folder, job, 'docs'), { recursive: true });
      await writeFile(join(folder, job, 'docs', 'pass-1-slice-0.jsonl'), '{}\n');
    }
    await writeFile(join(folder, 'half-old', 'docs', 'pass-1-slice-1.jsonl'), '{}\n');
    const then = new Date(Date.now() - 31 * DAY_MS);
    for (const file of ['docs/pass-1-slice-0.jsonl', 'docs', '']) {
      await utimes(join(folder, 'old', file), then, then);
      await utimes(join(folder, 'half-old', file), then, then);
    }
    await removeOldReports(folder, Date.now());
    expect((await readdir(folder)).sort()).toEqual(['half-old', 'new']);
    await removeOldReports(join(folder, 'none'), Date.now());
  } finally {
    await rm(folder, { recursive: true });
  }
});

it('pages shards by their ids, so that one dropped between two pages hides no other', () => {
  const shards = Array.from({ length: 2_000 }, (_, id) => ({ id, ordinal: id, peer: '1234567890123456' }));
  const first = pageFrom(shards, 0);
  const dropped = shards.filter(({ id }) => id !== 3);
  const seen = [...first.shards];
  for (let { next } = first; next !== undefined;) {
    const more = pageFrom(dropped, next);
    seen.push(...more.shards);
    next = more.next;
  }
  expect(seen.map(({ id }) => id)).toEqual(shards.map(({ id }) => id));
});

it('gives a backup that a job takes on its way an id that is no lock', () => {
  const job = writeLockId('target', 'docs');
  const ids = [ownBackupId(job, 'through'), ownBackupId(job, 'safety')];
  expect(ids).not.toContain(captureLockId('target', 'docs'));
});

it('cuts few points into few slices, and many into no more than a page can take', () => {
  const cut = [0, 10, 250, 251, 3_000, 1_000_000, 1_000_000_000].map((points) => slicesFor(points, 4));
  expect(cut).toEqual([1, 1, 1, 2, 4, 4, 64]);
});
