// How much a store holds, by what belongs to full backups and what to increments, and how much is written to it a day. One
// list of everything, and backup.json of its newest runs. A folder's disk is measured too.

import { statfs } from 'node:fs/promises';
import { hostname } from 'node:os';
import { readRun } from '../backups/catalogue/read-run.js';
import type { CheckedDisk, CheckedStore } from '../model/contracts/check-activities.js';
import { isBackupId, timeOfBackup } from '../model/format/backup-names.js';
import { mapInOrder } from '../model/map-in-order.js';
import type { ObjectStore } from '../storage/object-store.js';

const DAY_MS = 86_400_000;
const GROWTH_DAYS = 7;
/** Of older ones it is not asked what they are. */
const MOST_RUNS = 1_000;
const AT_ONCE = 8;

interface MeasuredRun {
  cluster: string;
  backup: string;
  bytes: number;
}

export async function measureStore(
  store: ObjectStore,
  { now, folder }: { now: Date; folder?: string | undefined },
  signal: AbortSignal,
): Promise<CheckedStore> {
  const { runs, bytes } = await measureRuns(store, signal);
  const newest = [...runs].sort((a, b) => (a.backup < b.backup ? 1 : -1)).slice(0, MOST_RUNS);
  const byKind = { full: 0, increment: 0, other: 0 };
  const kinds = await mapInOrder(newest, AT_ONCE, async ({ cluster, backup }) => {
    signal.throwIfAborted();
    return (await readRun(store, cluster, backup, { signal })).document?.kind ?? 'other';
  });
  newest.forEach((run, at) => (byKind[kinds[at] ?? 'other'] += run.bytes));
  byKind.other = bytes - byKind.full - byKind.increment;
  const growth = growthOf(runs, now);
  const disk = folder === undefined ? undefined : await diskOf(folder);
  return {
    ...{ store: store.alias, bytes, byKind },
    ...(growth === undefined ? {} : { growthBytesPerDay: growth }),
    ...(disk === undefined ? {} : { disk }),
    ...(disk === undefined || !growth ? {} : { daysUntilFull: Math.floor(disk.freeBytes / growth) }),
  };
}

async function measureRuns(
  store: ObjectStore,
  signal: AbortSignal,
): Promise<{ runs: MeasuredRun[]; bytes: number }> {
  const runs = new Map<string, MeasuredRun>();
  let bytes = 0;
  for await (const object of store.list('')) {
    signal.throwIfAborted();
    bytes += object.bytes;
    const [cluster = '', backup = ''] = object.key.split('/');
    if (!isBackupId(backup)) continue;
    const run = runs.get(`${cluster}/${backup}`) ?? { cluster, backup, bytes: 0 };
    run.bytes += object.bytes;
    runs.set(`${cluster}/${backup}`, run);
  }
  return { runs: [...runs.values()], bytes };
}

/** A store that is younger than the days that are looked at is judged by its own days, at least one. */
function growthOf(runs: readonly MeasuredRun[], now: Date): number | undefined {
  const ages = runs.map(({ backup, bytes }) => ({
    bytes,
    ms: now.getTime() - (timeOfBackup(backup)?.getTime() ?? now.getTime()),
  }));
  const recent = ages.filter(({ ms }) => ms <= GROWTH_DAYS * DAY_MS);
  if (recent.length === 0) return undefined;
  const oldestMs = ages.reduce((oldest, { ms }) => Math.max(oldest, ms), 0);
  const days = Math.min(GROWTH_DAYS, Math.max(1, oldestMs / DAY_MS));
  return Math.round(recent.reduce((sum, { bytes }) => sum + bytes, 0) / days);
}

/** As `df` counts it: what is reserved for root is neither used nor free. */
async function diskOf(
  path: string,
): Promise<{ totalBytes: number; freeBytes: number; usedPercent: number } | undefined> {
  const { blocks, bfree, bavail, bsize } = await statfs(path);
  const used = blocks - bfree;
  if (blocks === 0) return undefined;
  return {
    totalBytes: blocks * bsize,
    freeBytes: bavail * bsize,
    usedPercent: Math.round((1_000 * used) / (used + bavail)) / 10,
  };
}

/** Of this machine: each folder that is there, with what its disk has left. */
export async function lookAtDisks(
  folders: readonly { place: string; path: string }[],
): Promise<CheckedDisk[]> {
  return Promise.all(
    folders.map(async ({ place, path }) => {
      const here = { place, host: hostname(), path };
      try {
        const disk = await diskOf(path);
        return disk === undefined
          ? { ...here, unknown: 'its file system tells no size' }
          : { ...here, ...disk };
      } catch (error) {
        const code = (error as NodeJS.ErrnoException).code ?? 'it cannot be read';
        return { ...here, unknown: code === 'ENOENT' ? 'there is no such folder yet' : code };
      }
    }),
  );
}
