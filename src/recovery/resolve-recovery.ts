// From what a user asked for to one backup for each collection, a page at a time: as many as fit into one answer.

import { FerryError } from '../model/errors.js';
import { mapInOrder } from '../model/map-in-order.js';
import type { ResolveRecoveryInput, ResolveRecoveryResult } from '../model/contracts/recovery-activities.js';
import type { Recovery, RecoveryOffer, RecoverySource } from '../shards/recoverable-collection.js';

const PAGE_BYTES = 10_240;
const MOST_NOTES = 10;
const COLLECTIONS_AT_ONCE = 8;

export async function resolveRecovery(
  source: RecoverySource,
  input: ResolveRecoveryInput,
  signal: AbortSignal,
): Promise<ResolveRecoveryResult> {
  const offer = await source.offer(input, signal);
  refuseUnusedNames(input, offer.names);
  const rest = offer.names.filter((name) => input.after === undefined || name > input.after);
  const page = await pageOf(rest, offer.find);
  const last = page.found.at(-1)?.from.collection;
  const notes = [...(input.after === undefined ? offer.notes : []), ...page.notes];
  return {
    recoveries: page.found,
    ...(page.found.length < rest.length && last !== undefined ? { next: last } : {}),
    ...(offer.run === undefined ? {} : { run: offer.run }),
    notes: notes.slice(0, MOST_NOTES),
  };
}

async function pageOf(names: readonly string[], find: RecoveryOffer['find']) {
  const [found, notes]: [Recovery[], string[]] = [[], []];
  let bytes = 0;
  for (let at = 0; at < names.length; at += COLLECTIONS_AT_ONCE) {
    const some = names.slice(at, at + COLLECTIONS_AT_ONCE);
    for (const one of await mapInOrder(some, COLLECTIONS_AT_ONCE, find)) {
      bytes += Buffer.byteLength(JSON.stringify(one.found)) + 1;
      if (found.length > 0 && bytes > PAGE_BYTES) return { found, notes };
      found.push(one.found);
      notes.push(...one.notes);
    }
  }
  return { found, notes };
}

function refuseUnusedNames({ as }: ResolveRecoveryInput, wanted: readonly string[]): void {
  const unused = Object.keys(as ?? {}).filter((name) => !wanted.includes(name));
  if (unused.length > 0) {
    const happened = `\`as\` names "${unused.slice(0, 10).join('", "')}", which this job does not include`;
    throw new FerryError('InvalidInput', happened);
  }
  const targets = wanted.map((name) => as?.[name] ?? name);
  const twice = targets.find((name, at) => targets.indexOf(name) !== at);
  if (twice !== undefined)
    throw new FerryError('InvalidInput', `Two collections would both be written to "${twice}"`);
}
