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
import { chooseRun, droppedSince, homesOf, isOfAll, type Choice } from './choose-run.js';
import type { Run } from './catalogue/read-run.js';
import { readProofs, recordedProof } from './proofs.js';
import { collectionFolder } from '../model/format/backup-names.js';
import { isSelected, matchesName } from '../model/name-patterns.js';

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
  const homes = await homesOf(runs, choice);
  const { wanted, notes } = await wantedNames(runs, { choice, homes, input });
  const resolving = { runs, choice, homes, input, signal };
  return {
    names: wanted,
    notes: [...choice.notes, ...notes],
    ...runOf(cluster, choice),
    isProved: (found) => isProved(resolving, found),
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
  const there = input.before === undefined ? `. It has: ${listed(ids)}` : '';
  throw notFound(input, `has no ${which} of "${runs.cluster}"${when}${there}`);
}

function runOf(cluster: string, { going: [newest, ...more] }: Choice): Pick<RecoveryOffer, 'run'> {
  if (newest === undefined) return {};
  const backups = more.map(({ backup }) => backup);
  return { run: { cluster, backup: newest.backup, ...(backups.length === 0 ? {} : { more: backups }) } };
}

interface Wanting {
  choice: Choice;
  homes: ReadonlyMap<string, Run>;
  input: ResolveRecoveryInput;
}

async function wantedNames(runs: Runs, wanting: Wanting): Promise<{ wanted: string[]; notes: string[] }> {
  const { input } = wanting;
  const { collections } = input;
  if (collections !== undefined && !isOfAll(input)) {
    const wanted = [...new Set(collections)].sort();
    if (input.backup !== undefined) await refuseAbsent(runs, input, wanted);
    return { wanted, notes: [] };
  }
  const { names, notes } = await allNames(runs, wanting);
  const wanted = names.filter((name) => isSelected(input, name)).sort();
  const unmatched = (collections ?? []).filter((one) => !names.some((name) => matchesName(one, name)));
  const lacking = unmatched.map((one) => `No backup matches "${one}".`);
  const ofThem = ({ name }: Note) => name === undefined || isSelected(input, name);
  return { wanted, notes: [...notes.filter(ofThem).map(({ text }) => text), ...lacking] };
}

/** About one collection, or about all. */
interface Note {
  name?: string;
  text: string;
}

async function allNames(
  runs: Runs,
  { choice, homes, input }: Wanting,
): Promise<{ names: string[]; notes: Note[] }> {
  const [newest] = choice.going;
  if (newest === undefined) return { names: await namesOfAll(runs, choice), notes: [] };
  const names = [...homes.keys()];
  const { includeDropped: all = false } = input;
  if (input.backup !== undefined || (input.run !== undefined && !all)) return { names, notes: [] };
  const { dropped, notes } = await droppedSince(runs, choice, { all, there: homes });
  const told = notes.map((text) => ({ text }));
  if (all) return { names: [...names, ...dropped.keys()], notes: told };
  const named = [...dropped].sort().map(([name, id]) => ({ name, text: droppedText(name, id, choice) }));
  return { names, notes: [...told, ...named] };
}

function droppedText(name: string, id: string, { going }: Choice): string {
  const remedy = 'To recover it too, set `includeDropped`.';
  if (going.length === 1)
    return `${name} is in ${id} and not in ${going[0]?.backup}, so it had been dropped in between. ${remedy}`;
  return `${name} is in ${id}, and in the newest run of no policy: it was dropped, or no policy covers it. ${remedy}`;
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
  homes: ReadonlyMap<string, Run>;
  input: ResolveRecoveryInput;
  signal?: AbortSignal | undefined;
}

async function search(resolving: Resolving, name: string): Promise<Search> {
  const { input } = resolving;
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
  const backup = broken ?? homeOf(resolving, name)?.backup;
  if (backup === undefined || (broken === undefined && !isOfAll(input))) throw await noneOf(resolving, name);
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
  resolving: Resolving,
  backup: string,
  name: string,
  state: ReadBackup,
): Promise<string | typeof ABSENT | undefined> {
  const { runs } = resolving;
  const home = homeOf(resolving, name);
  if (state.state === 'incomplete' && !state.found) {
    const { document } = home?.backup === backup ? home : {};
    const line = document?.collections.find(({ collection }) => collection === name);
    if (line === undefined) return ABSENT;
    const pruned = await errorOfPruned(runs.store, { cluster: runs.cluster, backup, collection: name });
    return line.error ?? pruned?.happened ?? state.reason;
  }
  const reason = onlyByName(state);
  if (reason !== undefined) return reason;
  // An archived one is meant all the same: an older one in its place would be a surprise. Its plan lists the objects.
  if (state.error !== undefined && state.state !== 'archived') return state.reason;
  if (backup !== home?.backup && (await runs.read(backup)).isFuture) return 'it is dated in the future';
  return undefined;
}

/** Of all collections: the chosen run first. By name: every run, newest first. */
async function* statesOf(
  resolving: Resolving,
  name: string,
): AsyncIterable<{ backup: string; state: ReadBackup }> {
  const { runs, input } = resolving;
  const base = isOfAll(input) ? homeOf(resolving, name)?.backup : undefined;
  if (base !== undefined) yield { backup: base, state: await stateIn(resolving, base, name) };
  const ids = await runs.ids();
  const rest = ids.filter((id) => id !== base);
  for (let at = 0, ahead = 1; at < rest.length; at += ahead, ahead = RUNS_AHEAD) {
    const some = rest.slice(at, at + ahead);
    const states = await mapInOrder(some, COLLECTIONS_AT_ONCE, (id) => stateIn(resolving, id, name));
    for (const [position, state] of states.entries()) yield { backup: some[position] ?? '', state };
  }
}

function homeOf({ homes, choice }: Resolving, name: string): Run | undefined {
  return homes.get(name) ?? (choice.going.length === 1 ? choice.going[0] : undefined);
}

/** It holds the digest of its own content, or a rehearsal or a quiet source gave it one. */
async function isProved({ runs, signal }: Resolving, { from }: Recovery): Promise<boolean> {
  const state = await readBackup(runs.store, from, { signal });
  if (state.found === undefined) return false;
  if (recordedProof(state.found.manifest) !== undefined) return true;
  const keys: string[] = [];
  const folder = collectionFolder(from.cluster, from.backup, from.collection);
  for await (const { key } of runs.store.list(`${folder}proof-`)) keys.push(key);
  return (await readProofs(runs.store, from, state.found.sha256, keys, signal)).best !== undefined;
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
  const what = `has no backup of a collection "${name}"`;
  for await (const run of runs.newest()) {
    const names = await runs.namesIn(run);
    const ref = { cluster: runs.cluster, backup: run.backup };
    const removed = await mapInOrder(names, COLLECTIONS_AT_ONCE, (collection) =>
      errorOfPruned(runs.store, { ...ref, collection }),
    );
    const there = names.filter((_name, at) => removed[at] === undefined);
    if (there.length > 0)
      return notFound(input, `${what}. The newest, ${run.backup}, has: ${listed(there.sort())}`);
  }
  return notFound(input, what);
}

function notFound(input: ResolveRecoveryInput, what: string): FerryError {
  return new FerryError('BackupNotFound', `The store "${input.store}" ${what}`, {
    context: { store: input.store },
  });
}
