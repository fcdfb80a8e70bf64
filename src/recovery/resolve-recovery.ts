// From what a user asked for to one backup for each collection, a page at a time: as many as fit into one answer.

import { createHash } from 'node:crypto';
import { listed } from '../model/collections.js';
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
  const chosen = input.sample === undefined ? undefined : await sampleOf(offer, input, input.sample);
  const names = chosen?.names ?? offer.names;
  const rest = names.filter((name) => input.after === undefined || name > input.after);
  const page = await pageOf(rest, offer, input);
  const notes = [
    ...(input.after === undefined ? [...offer.notes, ...(chosen?.notes ?? [])] : []),
    ...page.notes,
  ];
  return {
    recoveries: page.found,
    ...(page.next === undefined ? {} : { next: page.next }),
    ...(offer.run === undefined ? {} : { run: offer.run }),
    ...(chosen === undefined ? {} : { chosen: chosen.names }),
    notes: notes.slice(0, MOST_NOTES),
  };
}

/** In the order of a hash, so that a repeated attempt chooses the same ones. */
async function sampleOf(
  { names, find, isProved }: RecoveryOffer,
  { onlyUnproven }: ResolveRecoveryInput,
  { count, seed }: NonNullable<ResolveRecoveryInput['sample']>,
): Promise<{ names: string[]; notes: string[] }> {
  const drawn = [...names].sort((a, b) => lot(seed, a).localeCompare(lot(seed, b)));
  const chosen: string[] = [];
  for (const name of drawn) {
    if (chosen.length === count) break;
    const isLeftOut = onlyUnproven && ((await isProved?.((await find(name)).found)) ?? false);
    if (!isLeftOut) chosen.push(name);
  }
  chosen.sort();
  const what = onlyUnproven ? 'that have no proof' : `of ${names.length}`;
  const note = `Chosen at random: ${chosen.length} ${what}: ${listed(chosen)}.`;
  return { names: chosen, notes: chosen.length === 0 ? [] : [note] };
}

function lot(seed: string, name: string): string {
  return createHash('sha256').update(`${seed}/${name}`).digest('hex');
}

async function pageOf(
  names: readonly string[],
  { find, isProved }: RecoveryOffer,
  { onlyUnproven, sample }: ResolveRecoveryInput,
) {
  const [found, notes]: [Recovery[], string[]] = [[], []];
  let [bytes, proved] = [0, 0];
  const look = async (name: string) => {
    const one = await find(name);
    const isLeftOut = onlyUnproven && sample === undefined && (await isProved?.(one.found));
    return { ...one, name, isLeftOut: isLeftOut ?? false };
  };
  let last: string | undefined;
  for (let at = 0; at < names.length; at += COLLECTIONS_AT_ONCE) {
    const some = names.slice(at, at + COLLECTIONS_AT_ONCE);
    for (const one of await mapInOrder(some, COLLECTIONS_AT_ONCE, look)) {
      const size = one.isLeftOut ? 0 : Buffer.byteLength(JSON.stringify(one.found)) + 1;
      if (found.length > 0 && bytes + size > PAGE_BYTES)
        return { found, notes: [...notes, ...provedText(proved)], next: last };
      bytes += size;
      last = one.name;
      if (one.isLeftOut) proved += 1;
      else found.push(one.found);
      if (!one.isLeftOut) notes.push(...one.notes);
    }
  }
  return { found, notes: [...notes, ...provedText(proved)] };
}

function provedText(count: number): string[] {
  return count === 0 ? [] : [`Left out, because their backups are proved: ${count}.`];
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
