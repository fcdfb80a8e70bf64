// A list of snapshots in pages that fit a workflow's history. Pure.

import type { ListedSnapshot } from '../contracts/snapshot-activities.js';

/** Of a page, as JSON. */
const MOST_CHARACTERS = 12_000;

export interface SnapshotPage {
  snapshots: ListedSnapshot[];
  next?: string;
}

/** By node, then by name, behind `after`; at least one, while there are any. */
export function pageOf(all: readonly ListedSnapshot[], after = ''): SnapshotPage {
  const behind = [...all]
    .sort((a, b) => compare(placeOf(a), placeOf(b)))
    .filter((one) => placeOf(one) > after);
  let room = MOST_CHARACTERS;
  const page = behind.filter((one, at) => {
    room -= JSON.stringify(one).length;
    return room >= 0 || at === 0;
  });
  const last = page.at(-1);
  if (last === undefined || page.length === behind.length) return { snapshots: page };
  return { snapshots: page, next: placeOf(last) };
}

function placeOf({ node, name }: ListedSnapshot): string {
  return `${node} ${name}`;
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
