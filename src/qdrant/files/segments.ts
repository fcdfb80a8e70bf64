// The segments inside a shard's snapshot: whether they can be unpacked, and how many points they hold by their own lists of
// ids, without anything of Qdrant's. Points are counted only when a shard came out empty, to tell an empty one from a
// loss; undefined where the lists are of a form that is not known here (RocksDB, before 1.14).

import { FerryError } from '../../model/errors.js';
import type { ShardEntries } from './snapshot-index.js';
import { readAll, walkTar, type ByteFile, type TarEntry } from './tar-walk.js';

const LARGEST_LIST = 256 * 1024 ** 2;

/** At least so many; a point that was moved between segments may be counted twice. */
export async function pointsInShard(
  file: ByteFile,
  { entries }: ShardEntries,
  signal: AbortSignal,
): Promise<number | undefined> {
  try {
    return await counted(file, entries, signal);
  } catch (error) {
    if (error instanceof FerryError && error.code === 'SnapshotUnreadable') return undefined;
    throw error;
  }
}

async function counted(
  file: ByteFile,
  entries: ShardEntries['entries'],
  signal: AbortSignal,
): Promise<number | undefined> {
  let points = 0;
  for (const { name, entry } of entries) {
    if (!isSegment(name)) continue;
    const found = await pointsInSegment(within(file, name, entry), signal);
    if (found === undefined) return undefined;
    points += found;
  }
  return points;
}

/**
 * Every segment by its headers alone. A node that is sent a broken one unpacks what came before it, answers with a failure
 * of its own that looks as if it might pass, and keeps the memory.
 */
export async function walkSegments(
  file: ByteFile,
  { entries }: ShardEntries,
  signal: AbortSignal,
): Promise<void> {
  for (const { name, entry } of entries) {
    if (!isSegment(name)) continue;
    const inside = walkTar(within(file, name, entry), signal, { mayLackEnd: true });
    while (!(await inside.next()).done);
  }
}

function isSegment(name: string): boolean {
  return /^segments\/[^/]+\.tar$/.test(name);
}

/** A file inside a tar, as a file. */
export function within(file: ByteFile, name: string, { dataAt, bytes }: TarEntry): ByteFile {
  return {
    name: `${file.name}/${name}`,
    bytes,
    read: (from, to, signal) => file.read(dataAt + from, dataAt + to, signal),
  };
}

async function pointsInSegment(segment: ByteFile, signal: AbortSignal): Promise<number | undefined> {
  const lists = new Map<string, TarEntry>();
  let isOld = false;
  for await (const entry of walkTar(segment, signal, { mayLackEnd: true })) {
    const list = /(?:^|\/)((?:mutable_)?id_tracker\.(?:mappings|deleted))$/.exec(entry.name)?.[1];
    if (list !== undefined) lists.set(list, entry);
    if (/(?:^|\/)CURRENT$/.test(entry.name)) isOld = true;
  }
  if (isOld) return undefined;
  const read = async (name: string) => {
    const entry = lists.get(name);
    if (!entry || entry.hasHoles || entry.bytes > LARGEST_LIST) return undefined;
    return readAll(segment, entry.dataAt, entry.dataAt + entry.bytes, signal);
  };
  const log = await read('mutable_id_tracker.mappings');
  const fixed = await read('id_tracker.mappings');
  const deleted = fixed && (await read('id_tracker.deleted'));
  if (lists.size > 0 && !log && !fixed) return undefined;
  return (log ? aliveInLog(log) : 0) + (fixed ? aliveInTable(fixed, deleted) : 0);
}

/** What each record begins with, and how many bytes of id and of position follow. */
const RECORDS: Record<number, { idBytes: number; rest: number; isAdded: boolean }> = {
  1: { idBytes: 8, rest: 4, isAdded: true },
  2: { idBytes: 16, rest: 4, isAdded: true },
  3: { idBytes: 8, rest: 0, isAdded: false },
  4: { idBytes: 16, rest: 0, isAdded: false },
};

function aliveInLog(log: Buffer): number {
  const alive = new Set<string>();
  for (let at = 0; at < log.length;) {
    const record = RECORDS[log[at] ?? 0];
    // Preallocated, or of a later form: what was read so far is there all the same.
    if (!record) break;
    const id = log.toString('latin1', at + 1, at + 1 + record.idBytes);
    if (record.isAdded) alive.add(id);
    else alive.delete(id);
    at += 1 + record.idBytes + record.rest;
  }
  return alive.size;
}

/** The number of points stands first; the other file has a bit for each, set where it was deleted. */
function aliveInTable(table: Buffer, deleted: Buffer | undefined): number {
  if (table.length < 8) return 0;
  let gone = 0;
  for (let byte of deleted ?? []) for (; byte > 0; byte &= byte - 1) gone += 1;
  return Math.max(0, Number(table.readBigUInt64LE(0)) - gone);
}
