// From a folder, a file or a URL to one set of snapshot files for each collection. Names say what a file may be; its
// content decides. The newest set that holds every shard is taken, and what was passed over is named. Where the names
// leave a choice nothing is guessed.

import { createHash } from 'node:crypto';
import { FerryError, hasTrait } from '../model/errors.js';
import { parseSnapshotName, isSnapshotFile, type SnapshotName } from '../model/externals/names.js';
import { datedSets, isNamedBy, type DatedSet } from '../model/externals/sets.js';
import { externalPlace, type ExternalFile, type ExternalSource } from '../model/externals/source.js';
import type { ResolveRecoveryInput } from '../model/contracts/recovery-activities.js';
import { listed } from '../model/collections.js';
import { stamp } from '../model/format/backup-names.js';
import type { Recovery, RecoveryOffer } from '../shards/recoverable-collection.js';
import { describedBy, notOfCollection } from './external-collection.js';
import type { StorageIndex } from '../qdrant/files/snapshot-index.js';
import type { SnapshotFiles, Where } from './snapshot-files.js';

/** A file that may be part of a backup of its collection. */
interface Candidate {
  file: ExternalFile;
  /** Below the folder that was named. */
  key: string;
  name: SnapshotName | undefined;
  at: number;
  peer?: string;
}

interface Looking {
  all: SnapshotFiles;
  where: Where;
  input: ResolveRecoveryInput & { external: ExternalSource };
  signal: AbortSignal;
}

/** What a collection may be recovered from, newest first, and the names that a full storage snapshot gives it. */
interface Choice {
  sets: DatedSet<Candidate>[];
  aliases?: string[];
}

export async function chooseSnapshots(
  all: SnapshotFiles,
  input: ResolveRecoveryInput,
  signal: AbortSignal,
): Promise<RecoveryOffer> {
  const { external, store } = input;
  if (!external) throw new FerryError('Internal', 'No folder, file or URL of snapshots is named');
  const where = { isUrl: external.url !== undefined, store };
  const looking: Looking = { all, where, input: { ...input, external }, signal };
  const { choices, nameless } = await choicesIn(looking);
  const find = (name: string) => newestComplete(looking, name, choices.get(name) ?? { sets: [] });
  return {
    names: wantedNames(looking, choices, nameless),
    notes: [],
    find: async (name) => ({ found: await find(name), notes: [] }),
  };
}

interface Offered {
  choices: Map<string, Choice>;
  /** Whose names say no collection. */
  nameless: Candidate[];
}

async function choicesIn(looking: Looking): Promise<Offered> {
  const { folder } = looking.input.external;
  const candidates = folder === undefined ? [await soleCandidate(looking)] : await inFolder(looking, folder);
  const storage = await storageAmong(looking, candidates);
  return storage ? { choices: storage, nameless: [] } : byCollection(looking, candidates);
}

async function soleCandidate({ all, where, input, signal }: Looking): Promise<Candidate> {
  const { file = '', url } = input.external;
  const found = await all.find(where, url ?? file, signal);
  return candidateOf(found, baseName(all.pathOf(where, found.path)));
}

async function inFolder({ all, where, input }: Looking, folder: string): Promise<Candidate[]> {
  const prefix = folder === '' || folder.endsWith('/') ? folder : `${folder}/`;
  const found: Candidate[] = [];
  for await (const { key, etag, bytes } of all.place(where).list(prefix)) {
    const path = key.slice(prefix.length);
    const isMapped = Object.keys(input.map ?? {}).some((pattern) => isNamedBy(pattern, path));
    if (isMapped || isSnapshotFile(key)) found.push(candidateOf({ path: key, etag, bytes }, path));
  }
  if (found.length > 0) return found;
  throw new FerryError('BackupNotFound', `There is no .snapshot file in ${externalPlace(input.external)}`);
}

function candidateOf(file: ExternalFile, path: string): Candidate {
  const name = parseSnapshotName(baseName(path));
  const peer = name?.peer === undefined ? {} : { peer: name.peer };
  return { file, key: path, name, at: name?.at ?? 0, ...peer };
}

/** Undefined unless there is a full storage snapshot, which then must be all there is. */
async function storageAmong(
  looking: Looking,
  candidates: Candidate[],
): Promise<Map<string, Choice> | undefined> {
  const { all, where, signal } = looking;
  const [only] = candidates;
  const isSole = candidates.length === 1 && only !== undefined && mappedTo(looking, only) === undefined;
  const named = candidates.filter(({ name }) => name?.kind === 'storage');
  const chosen = isSole ? only : newestStorage(candidates, named);
  if (!chosen) return undefined;
  const file = all.fileOf(where, chosen.file);
  const index = await all.index(where, chosen.file, file, signal);
  if (index.kind === 'storage') return insideStorage(chosen, index);
  if (index.kind === 'shard') throw notOfCollection(file, 'shard');
  return undefined;
}

function newestStorage(candidates: Candidate[], named: Candidate[]): Candidate | undefined {
  if (named.length === 0) return undefined;
  const other = candidates.find((one) => !named.includes(one));
  const [newest, next] = [...named].sort((a, b) => b.at - a.at);
  const clash = other ?? (newest?.at === next?.at ? next : undefined);
  if (!clash) return newest;
  const happened = `"${newest?.key}" is a snapshot of a whole storage, and "${clash.key}" is beside it: choose one with \`file\``;
  throw new FerryError('SnapshotsAmbiguous', happened);
}

function insideStorage(outer: Candidate, index: StorageIndex): Map<string, Choice> {
  const choices = new Map<string, Choice>();
  for (const [collection, inner] of index.collections) {
    const name = parseSnapshotName(inner);
    const file = { ...outer.file, inner };
    const peer = name?.peer === undefined ? {} : { peer: name.peer };
    const at = name?.at ?? outer.at;
    const aliases = [...index.aliases].filter(([, of]) => of === collection).map(([alias]) => alias);
    const sets = [{ files: [{ file, key: inner, name, at, ...peer }] }];
    choices.set(collection, { sets, aliases: aliases.sort() });
  }
  return choices;
}

function byCollection(looking: Looking, candidates: Candidate[]): Offered {
  const mapped = new Map<string, Candidate[]>();
  const named = new Map<string, Candidate[]>();
  const nameless: Candidate[] = [];
  for (const candidate of candidates) {
    const to = mappedTo(looking, candidate);
    const { name } = candidate;
    if (to !== undefined) mapped.set(to, [...(mapped.get(to) ?? []), candidate]);
    else if (name?.kind !== 'collection') nameless.push(candidate);
    else named.set(name.collection, [...(named.get(name.collection) ?? []), candidate]);
  }
  const choices = new Map<string, Choice>();
  for (const [name, files] of named) choices.set(name, { sets: datedSets(files) });
  // Whoever says of which collection a file is says also which files are its backup.
  for (const [name, files] of mapped) choices.set(name, { sets: [{ files }] });
  return { choices, nameless };
}

function mappedTo({ input }: Looking, { key }: Candidate): string | undefined {
  const found = Object.entries(input.map ?? {}).filter(([pattern]) => isNamedBy(pattern, key));
  const names = [...new Set(found.map(([, collection]) => collection))];
  if (names.length < 2) return names[0];
  const happened = `\`map\` (\`--map\`) assigns "${key}" to ${names.map((name) => `"${name}"`).join(' and to ')}`;
  throw new FerryError('SnapshotsAmbiguous', happened);
}

function wantedNames({ input }: Looking, choices: Map<string, Choice>, nameless: Candidate[]): string[] {
  const { collections, map } = input;
  const wanted = [...new Set(collections ?? choices.keys())].sort();
  const missing = [...wanted, ...Object.values(map ?? {})].find((name) => !choices.has(name));
  const isSaid = missing === undefined && wanted.length > 0;
  // What nobody asked for may have any name; all of a folder is meant where nothing was said.
  if (isSaid && (nameless.length === 0 || collections !== undefined || map !== undefined)) return wanted;
  if (nameless[0] && !wasMapped(missing, map)) throw withoutName(nameless[0]);
  const what = missing === undefined ? 'of any collection' : `of a collection "${missing}"`;
  const happened = `${externalPlace(input.external)} has no snapshot ${what}. It has: ${listed([...choices.keys()].sort())}`;
  throw new FerryError('BackupNotFound', happened);
}

/** A pattern of `map` that fits no file. */
function wasMapped(name: string | undefined, map: Record<string, string> | undefined): boolean {
  return name !== undefined && Object.values(map ?? {}).includes(name);
}

function withoutName({ key, name, file }: Candidate): FerryError {
  if (name?.kind === 'shard') return notOfCollection({ name: key }, 'shard');
  const happened = `The name of "${key}" does not tell which collection it belongs to`;
  return new FerryError('SnapshotsAmbiguous', happened, { context: { file: file.path } });
}

async function newestComplete(looking: Looking, name: string, { sets, aliases }: Choice): Promise<Recovery> {
  const { input } = looking;
  const target = (input.as && Object.hasOwn(input.as, name) ? input.as[name] : undefined) ?? name;
  const notes: string[] = [];
  let first: FerryError | undefined;
  for (const set of sets) {
    if (set.unclear !== undefined) throw first ?? unclearSet(name, set.unclear);
    const from = refOf(looking, name, set.files, { aliases, notes });
    const trouble = await troubleWith(looking, from);
    if (!(trouble instanceof FerryError)) return { from, target, points: 0, bytes: trouble };
    // No other set can be meant by a choice that was ambiguous.
    if (trouble.code === 'SnapshotsAmbiguous') throw trouble;
    first ??= trouble;
    notes.push(`Files of ${dateOf(set)} were passed over: ${trouble.happened}.`);
  }
  throw first ?? new FerryError('BackupNotFound', `There is no snapshot of "${name}"`);
}

/** Bytes of its shards, or what speaks against it. */
async function troubleWith(looking: Looking, from: Recovery['from']): Promise<number | FerryError> {
  const { all, where, signal } = looking;
  try {
    const { shards } = await describedBy(all, where, from, signal);
    return shards.reduce((sum, shard) => sum + shard.bytes, 0);
  } catch (error) {
    if (!(error instanceof FerryError) || error.retryable) throw error;
    if (error.code === 'StoreAccessDenied' || hasTrait(error.code, 'isCuredByKeys')) throw error;
    return error;
  }
}

function refOf(
  { where, input }: Looking,
  collection: string,
  candidates: readonly Candidate[],
  { aliases, notes }: { aliases: string[] | undefined; notes: string[] },
): Recovery['from'] {
  const files = candidates.map(({ file }) => file);
  const { qdrantVersion } = input.external;
  const newest = Math.max(0, ...candidates.map(({ at }) => at));
  const hash = createHash('sha256').update(JSON.stringify(files)).digest('hex');
  return {
    store: input.store,
    cluster: 'external',
    // a name of its own, the same whenever the same files are meant
    backup: `${stamp(new Date(newest))}-${hash.slice(0, 8)}`,
    collection,
    external: {
      ...(where.isUrl ? { isUrl: true } : {}),
      files,
      ...(aliases === undefined || aliases.length === 0 ? {} : { aliases }),
      ...(qdrantVersion === undefined ? {} : { qdrantVersion }),
      ...(notes.length === 0 ? {} : { notes: notes.slice(0, 5) }),
    },
  };
}

function unclearSet(name: string, unclear: string): FerryError {
  const happened = `It is unclear which snapshots of "${name}" are one backup: ${unclear}`;
  return new FerryError('SnapshotsAmbiguous', happened, { context: { collection: name } });
}

function dateOf({ files }: DatedSet<Candidate>): string {
  return files[0]?.at ? new Date(files[0].at).toISOString() : files.map(({ key }) => key).join(', ');
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
