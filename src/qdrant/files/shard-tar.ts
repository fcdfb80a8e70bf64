// A shard out of a collection's snapshot, as the shard's own snapshot: the entries of its folder as a tar, each under the
// name it has there. Made while it is sent: every byte but the headers passes through as it is, and how long the whole
// will be is known before. Memory does not grow with the shard.

import { BLOCK, renamed } from './tar-headers.js';
import type { Passing } from '../../shards/recoverable-collection.js';
import type { ShardEntries } from './snapshot-index.js';
import type { ByteFile, TarEntry } from './tar-walk.js';

/** A tar ends with two empty blocks. */
const END = Buffer.alloc(2 * BLOCK);

interface Piece {
  header: Buffer;
  /** In the file: the list of holes, and the bytes. */
  from: number;
  to: number;
}

export function shardTarBytes({ entries }: ShardEntries): number {
  const bytes = entries.map(pieceOf).map(({ header, from, to }) => header.length + to - from);
  return bytes.reduce((sum, more) => sum + more, END.length);
}

export async function* shardTar(
  file: ByteFile,
  { entries }: ShardEntries,
  passing: Passing,
): AsyncGenerator<Uint8Array> {
  for (const run of runsOf(entries)) yield* runBytes(file, run, passing);
  yield END;
}

function pieceOf({ name, entry }: ShardEntries['entries'][number]): Piece {
  return { header: renamed(entry.header, name, entry.bytes), from: entry.bodyAt, to: entry.end };
}

/** Entries that follow each other are read as one: a request for each would cost a store's delay each time. */
function runsOf(entries: ShardEntries['entries']): Piece[][] {
  const runs: Piece[][] = [];
  let last: TarEntry | undefined;
  for (const one of entries) {
    const run = last?.end === one.entry.at ? runs.at(-1) : undefined;
    if (run) run.push(pieceOf(one));
    else runs.push([pieceOf(one)]);
    last = one.entry;
  }
  return runs;
}

async function* runBytes(
  file: ByteFile,
  run: readonly Piece[],
  { signal, onBytes }: Passing,
): AsyncGenerator<Uint8Array> {
  const [first, last] = [run[0], run.at(-1)];
  if (!first || !last) return;
  let next = 0;
  let at = first.from;
  if (last.to > first.from) {
    for await (const chunk of file.read(first.from, last.to, signal)) {
      await onBytes?.(chunk.length);
      // What lies between two pieces is the old header, and left out.
      for (; next < run.length && (run[next]?.from ?? 0) < at + chunk.length; next += 1) {
        const piece = run[next] as Piece;
        if (piece.from >= at) yield piece.header;
        if (piece.from < piece.to) yield chunk.subarray(Math.max(0, piece.from - at), piece.to - at);
        if (piece.to > at + chunk.length) break;
      }
      at += chunk.length;
    }
  }
  for (const piece of run.slice(next)) yield piece.header;
}
