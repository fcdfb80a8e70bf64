// The full list of differences of one slice, as JSON lines in a file on the worker. Lines may repeat after a crash;
// none is lost, for a line is written before the cursor moves over its point.

import { appendFile, mkdir, readdir, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { CompareSliceInput, Difference } from '../model/contracts/slice-activities.js';
import type { DifferenceReport } from './compare-slice.js';

export interface NamedReport extends DifferenceReport {
  /** "file:///…/docs/pass-1-slice-3.jsonl" */
  readonly key: string;
}

export function openFileReport(
  folder: string,
  { job, collection, pass, slice }: CompareSliceInput['report'],
): NamedReport {
  const file = join(folder, safe(job), safe(collection), `pass-${pass}-slice-${slice}.jsonl`);
  return {
    key: pathToFileURL(file).href,
    append: (differences) => appendLines(file, differences),
  };
}

/** Reports of jobs that wrote nothing for so long. */
const KEPT_MS = 30 * 24 * 3_600_000;

/** Of every job the whole folder, by the youngest file in it. What cannot be read or removed stays. */
export async function removeOldReports(folder: string, now: number): Promise<void> {
  for (const job of await readdir(folder).catch(() => [])) {
    const files = await readdir(join(folder, job), { recursive: true }).catch(() => []);
    const times = await Promise.all(
      ['', ...files].map((file) =>
        stat(join(folder, job, file)).then(
          ({ mtimeMs }) => mtimeMs,
          () => now,
        ),
      ),
    );
    if (Math.max(...times) < now - KEPT_MS)
      await rm(join(folder, job), { recursive: true, force: true }).catch(() => undefined);
  }
}

async function appendLines(file: string, differences: readonly Difference[]): Promise<void> {
  if (differences.length === 0) return;
  await mkdir(dirname(file), { recursive: true });
  await appendFile(file, differences.map((difference) => `${JSON.stringify(difference)}\n`).join(''));
}

/** Workflow ids and collection names as one file name each: no separators, no dots in front, not too long. */
function safe(name: string): string {
  return encodeURIComponent(name).replace(/^\./, '%2E').replaceAll('*', '%2A').slice(0, 120);
}
