// Which files are one backup of a collection: those that its nodes wrote at about one time, one of each origin. An origin
// is a peer, or the folder a file lies in where its name has no peer. Decided by the times in the names alone; where that
// leaves a choice, the choice is the user's. Whether a set holds every shard, only the files' content tells.

export interface DatedFile {
  /** With its folders. */
  key: string;
  at: number;
  peer?: string;
}

export interface DatedSet<File extends DatedFile> {
  files: File[];
  /** Why it cannot be told what belongs to it. */
  unclear?: string;
}

/** The nodes of one backup are asked one after the other, and a large one takes its time. */
const LONGEST_SPREAD_MS = 60 * 60_000;

/** Newest first. */
export function datedSets<File extends DatedFile>(files: readonly File[]): DatedSet<File>[] {
  const rest = [...files].sort((a, b) => b.at - a.at || (a.key < b.key ? -1 : 1));
  const sets: DatedSet<File>[] = [];
  while (rest.length > 0) {
    const taken = newestSet(rest);
    rest.splice(0, taken.length);
    const unclear = whatIsUnclear(taken, rest[0]);
    sets.push(unclear === undefined ? { files: taken } : { files: taken, unclear });
  }
  return sets;
}

/** From the newest on, until an origin comes again or too much time has passed. */
function newestSet<File extends DatedFile>(files: readonly File[]): File[] {
  const taken: File[] = [];
  const origins = new Set<string>();
  for (const file of files) {
    const newest = taken[0]?.at ?? file.at;
    if (origins.has(originOf(file)) || newest - file.at > LONGEST_SPREAD_MS) break;
    origins.add(originOf(file));
    taken.push(file);
  }
  return taken;
}

/** Sets must lie further apart than the files of one. */
function whatIsUnclear(taken: readonly DatedFile[], next: DatedFile | undefined): string | undefined {
  const oldest = taken.at(-1);
  if (oldest === undefined || next === undefined) return undefined;
  const gaps = taken.slice(1).map((file, at) => (taken[at]?.at ?? 0) - file.at);
  const widest = Math.max(0, ...gaps);
  const apart = oldest.at - next.at;
  if (taken.length === 1 ? apart > 0 : apart > widest) return undefined;
  return `${nameOf(oldest)} and ${nameOf(next)} are ${seconds(apart)} apart, but files that would form one backup are up to ${seconds(widest)} apart`;
}

function originOf({ key, peer }: DatedFile): string {
  return peer === undefined ? `folder ${key.slice(0, key.lastIndexOf('/') + 1)}` : `peer ${peer}`;
}

function nameOf({ key }: DatedFile): string {
  return `"${key}"`;
}

function seconds(ms: number): string {
  return `${Math.round(ms / 1_000)} s`;
}

/** A file's name, or a pattern with `*` and `?`; with a slash it is held against the whole path below the folder. */
export function isNamedBy(pattern: string, path: string): boolean {
  const text = pattern.includes('/') ? path : path.slice(path.lastIndexOf('/') + 1);
  const escaped = pattern.replace(/[.+^${}()|[\]\\]/g, String.raw`\$&`);
  return new RegExp(`^${escaped.replaceAll('*', '.*').replaceAll('?', '.')}$`, 's').test(text);
}
