// From what a user asked for to one backup for each collection. All collections: those of one run, the newest that
// covered them all; what failed in it comes from the newest other run that has it complete (a collection that failed at
// night may have been backed up by name in the morning), and is named. Collections by name: the newest complete backup of
// each. With a backup named, all of it is taken, and what is broken fails later, by itself. Reads documents and sizes,
// never by listing: a store of thousands of runs is listed once.

import { FerryError } from '../model/errors.js';
import type { CollectionBackupRef } from '../model/contracts/backup-catalogue.js';
import type { ResolveRecoveryInput } from '../model/contracts/recovery-activities.js';
import { mapInOrder } from '../model/map-in-order.js';
import { listed } from '../model/collections.js';
import type { CollectionManifest } from '../model/format/manifest.js';
import type { ObjectStore } from '../storage/object-store.js';
import type { Recovery, RecoveryOffer } from '../shards/recoverable-collection.js';
import { Runs } from './runs.js';
import { errorOfPruned, readBackup, type ReadBackup } from './read-backup.js';
import { chooseRun, droppedSince, type Choice } from './choose-run.js';

const MOST_NOTES = 10;
const COLLECTIONS_AT_ONCE = 8;
/** Runs in which a collection is looked for side by side, once the first was not the one. */
const RUNS_AHEAD = 16;

type Search = Awaited<ReturnType<RecoveryOffer['find']>>;

export async function chooseBackups(
  store: ObjectStore,
  input: ResolveRecoveryInput,
  signal: AbortSignal,
  now = new Date(),
): Promise<RecoveryOffer> {
  const cluster = input.run?.cluster ?? (await clusterOf(store, input));
  const before = input.before === undefined ? undefined : new Date(input.before);
  const runs = new Runs(store, cluster, { before, now, signal });
  if (input.run === undefined) await refuseUnknown(runs, input);
  const choice = await chooseRun(runs, input);
  const { wanted, notes } = await wantedNames(runs, choice, input);
  const resolving = { runs, choice, input, signal };
  return {
    names: wanted,
    notes: [...choice.notes, ...notes],
    ...(choice.base === undefined ? {} : { run: { cluster, backup: choice.base.backup } }),
    find: (name) => search(resolving, name),
  };
}

async function clusterOf(store: ObjectStore, input: ResolveRecoveryInput): Promise<string> {
  const there: string[] = [];
  // No alias begins with a dot: that is what a probe could not delete.
  for await (const name of store.folders('')) if (!name.startsWith('.')) there.push(name);
  if (input.cluster !== undefined) {
    if (there.includes(input.cluster)) return input.cluster;
    throw notFound(
      input,
      `has no backup of the cluster "${input.cluster}". It has backups of: ${listed(there)}`,
    );
  }
  const only = there.length === 1 ? there[0] : there.find((name) => name === input.target);
  if (only !== undefined) return only;
  if (there.length === 0) throw notFound(input, 'has no backup at all');
  throw notFound(
    input,
    `has backups of several clusters: ${listed(there)}. Name one with \`cluster\` (\`--cluster\`)`,
  );
}

async function refuseUnknown(runs: Runs, input: ResolveRecoveryInput): Promise<void> {
  const ids = await runs.ids();
  if (input.backup === undefined ? ids.length > 0 : ids.includes(input.backup)) return;
  const which = input.backup === undefined ? 'backup' : `backup ${input.backup}`;
  const when = input.before === undefined ? '' : ` before ${input.before}`;
  throw notFound(input, `has no ${which} of "${runs.cluster}"${when}. It has: ${listed(ids)}`);
}

async function wantedNames(
  runs: Runs,
  choice: Choice,
  input: ResolveRecoveryInput,
): Promise<{ wanted: string[]; notes: string[] }> {
  const { base } = choice;
  if (input.collections !== undefined) {
    const wanted = [...new Set(input.collections)].sort();
    if (base !== undefined && input.backup !== undefined) await refuseAbsent(runs, input, wanted);
    return { wanted, notes: [] };
  }
  if (base === undefined) return { wanted: await namesOfAll(runs, choice), notes: [] };
  const names = await runs.namesIn(base);
  if (input.backup !== undefined) return { wanted: names.sort(), notes: [] };
  if (input.run !== undefined && !input.includeDropped) return { wanted: names.sort(), notes: [] };
  const { dropped, notes } = await droppedSince(runs, choice, { all: input.includeDropped ?? false });
  if (input.includeDropped) return { wanted: [...names, ...dropped.keys()].sort(), notes };
  const named = [...dropped].map(
    ([name, id]) =>
      `${name} is in ${id} and not in ${base.backup}, so it had been dropped in between. To recover it too, set \`includeDropped\`.`,
  );
  return { wanted: names.sort(), notes: [...notes, ...named.sort()] };
}

async function refuseAbsent(runs: Runs, input: ResolveRecoveryInput, wanted: string[]): Promise<void> {
  const there = await runs.namesIn(await runs.read(input.backup ?? ''));
  const missing = wanted.find((name) => !there.includes(name));
  if (missing === undefined) return;
  throw notFound(input, `has no "${missing}" in the backup ${input.backup}. It has: ${listed(there.sort())}`);
}

async function namesOfAll(runs: Runs, { same }: Choice): Promise<string[]> {
  const names = new Set<string>();
  for await (const run of runs.newest()) {
    if (!same.has((run.document ?? run.started)?.clusterIdentity ?? [])) continue;
    for (const name of await runs.namesIn(run)) names.add(name);
  }
  return [...names].sort();
}

interface Resolving {
  runs: Runs;
  choice: Choice;
  input: ResolveRecoveryInput;
  signal?: AbortSignal | undefined;
}

async function search(resolving: Resolving, name: string): Promise<Search> {
  const { choice, input } = resolving;
  if (input.backup !== undefined) return inNamedRun(resolving, input.backup, name);
  const notes: string[] = [];
  let broken: string | undefined;
  for await (const { backup, state } of statesOf(resolving, name)) {
    const reason = await whyNot(resolving, backup, name, state);
    if (reason === undefined)
      return { found: foundIn(resolving, name, backup, state.found?.manifest), notes };
    if (reason === ABSENT) continue;
    broken ??= backup;
    if (notes.length < MOST_NOTES) notes.push(`${name}: passed over ${backup}: ${reason}.`);
  }
  const backup = broken ?? choice.base?.backup;
  if (backup === undefined || (broken === undefined && input.collections !== undefined))
    throw await noneOf(resolving, name);
  // Tried as it is: its own workflow says what is wrong.
  return { found: foundIn(resolving, name, backup), notes };
}

async function inNamedRun(resolving: Resolving, backup: string, name: string): Promise<Search> {
  const state = await stateIn(resolving, backup, name);
  const found = foundIn(resolving, name, backup, state.found?.manifest);
  const why = onlyByName(state);
  return { found, notes: why === undefined ? [] : [`${name}: ${backup}: ${why}.`] };
}

const ABSENT = Symbol('the run does not hold it');

/** Why it is recovered only by its id. */
function onlyByName({ state, reason = '' }: ReadBackup): string | undefined {
  if (state === 'partial') return `it is partial: ${reason}`;
  return state === 'otherCluster' ? reason : undefined;
}

/** Undefined for one that can be taken without being named. */
async function whyNot(
  { runs, choice }: Resolving,
  backup: string,
  name: string,
  state: ReadBackup,
): Promise<string | typeof ABSENT | undefined> {
  if (state.state === 'incomplete' && !state.found) {
    const { document } = choice.base?.backup === backup ? choice.base : {};
    const line = document?.collections.find(({ collection }) => collection === name);
    if (line === undefined) return ABSENT;
    const pruned = await errorOfPruned(runs.store, { cluster: runs.cluster, backup, collection: name });
    return line.error ?? pruned?.happened ?? state.reason;
  }
  const reason = onlyByName(state);
  if (reason !== undefined) return reason;
  // An archived one is meant all the same: an older one in its place would be a surprise. Its plan lists the objects.
  if (state.error !== undefined && state.state !== 'archived') return state.reason;
  if (backup !== choice.base?.backup && (await runs.read(backup)).isFuture)
    return 'it is dated in the future';
  return undefined;
}

/** Of all collections: the chosen run first. By name: every run, newest first. */
async function* statesOf(
  resolving: Resolving,
  name: string,
): AsyncIterable<{ backup: string; state: ReadBackup }> {
  const { runs, choice, input } = resolving;
  const base = input.collections === undefined ? choice.base?.backup : undefined;
  if (base !== undefined) yield { backup: base, state: await stateIn(resolving, base, name) };
  const ids = await runs.ids();
  const rest = ids.filter((id) => id !== base);
  for (let at = 0, ahead = 1; at < rest.length; at += ahead, ahead = RUNS_AHEAD) {
    const some = rest.slice(at, at + ahead);
    const states = await mapInOrder(some, COLLECTIONS_AT_ONCE, (id) => stateIn(resolving, id, name));
    for (const [position, state] of states.entries()) yield { backup: some[position] ?? '', state };
  }
}

function stateIn(
  { runs, choice, signal }: Resolving,
  backup: string,
  collection: string,
): Promise<ReadBackup> {
  const { store, cluster } = runs;
  const head = (key: string) => store.head(key);
  return readBackup(store, { cluster, backup, collection }, { head, identity: choice.same.peers, signal });
}

function foundIn(
  { runs, choice, input }: Resolving,
  name: string,
  backup: string,
  manifest?: CollectionManifest,
): Recovery {
  const { as = {} } = input;
  const aliases = choice.aliases?.filter((one) => one.collection === name).map((one) => one.alias);
  const from: CollectionBackupRef = {
    store: input.store,
    cluster: runs.cluster,
    backup,
    collection: name,
    ...(aliases === undefined ? {} : { aliases: aliases.sort() }),
  };
  const bytes = manifest?.shards.reduce((sum, shard) => sum + shard.bytes, 0) ?? 0;
  const target = (Object.hasOwn(as, name) ? as[name] : undefined) ?? name;
  return { from, target, points: manifest?.points ?? 0, bytes };
}

async function noneOf({ runs, input }: Resolving, name: string): Promise<FerryError> {
  const [newest] = await runs.ids();
  const there = newest === undefined ? [] : await runs.namesIn(await runs.read(newest));
  return notFound(
    input,
    `has no backup of a collection "${name}". The newest, ${newest}, has: ${listed(there.sort())}`,
  );
}

function notFound(input: ResolveRecoveryInput, what: string): FerryError {
  return new FerryError('BackupNotFound', `The store "${input.store}" ${what}`, {
    context: { store: input.store },
  });
}
