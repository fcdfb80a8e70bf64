// What a version of Qdrant can do: the only place that parses and compares versions. A new Qdrant that behaves
// differently is one more row in SINCE. Where `ferry` is run against which version: docs/compatibility.md.

import { FerryError } from './errors.js';

/** The first version with each capability, and the source of that. "measured": tests run against both sides of it. */
const SINCE = {
  /** A collection has metadata, where ferry keeps its stamp. qdrant#7123, measured. */
  metadata: '1.16.0',
  /** Other requests are served while a client reads a shard's stream slowly, or not at all. qdrant#8072, measured. */
  unblockedStreams: '1.17.0',
  /** Other requests are served while a DELETE waits for a recovery of the same collection. Measured. */
  unblockedDeletes: '1.17.0',
  /** A recovery puts 6 letters after the names of its files, not `-.tmp` and 12. Measured, byte by byte. */
  shortRecoveryNames: '1.17.0',
  /** A shard's stream that nobody reads for five minutes is ended; it arrives as a truncated tar. qdrant#9239, read. */
  endsUnreadStreams: '1.18.2',
} as const;

export type QdrantCapability = keyof typeof SINCE;

export function can(version: string, capability: QdrantCapability): boolean {
  return isAtLeast(version, SINCE[capability]);
}

/** Compares "1.16.3" with "1.9.0" by their numbers. */
export function isAtLeast(version: string, wanted: string): boolean {
  const [a, b] = [version, wanted].map((text) => text.split('.').map((part) => Number.parseInt(part, 10)));
  for (let i = 0; i < 3; i++) {
    const gap = (a?.[i] || 0) - (b?.[i] || 0);
    if (gap !== 0) return gap > 0;
  }
  return true;
}

/** How `auto` captures a shard: a reader that stalls must not block the whole node. */
export function captureModeFor(version: string): 'stream' | 'stored' {
  return can(version, 'unblockedStreams') ? 'stream' : 'stored';
}

/** For the result, where somebody chose to stream from a node that a stalled reader blocks. */
export function captureNotes(mode: 'stream' | 'stored', version: string): string[] {
  if (mode === 'stored' || can(version, 'unblockedStreams')) return [];
  return [
    `Streamed from Qdrant ${version}: if the reader stalls, the node blocks (fixed in ${SINCE.unblockedStreams})`,
  ];
}

/**
 * `auto` pulls, except onto a Qdrant that is blocked by a waiting DELETE. A pull continues when its client is gone, and
 * a DELETE is sent to remove what it still fills. A push ends when its connection is cut.
 */
export function recoveryWay<T extends 'auto' | 'pull' | 'push'>(target: string, via: T): T | 'push' {
  return via === 'auto' && !can(target, 'unblockedDeletes') ? 'push' : via;
}

/**
 * Qdrant reads snapshots of its own minor version and of the one before. It does not enforce that, and a snapshot does
 * not name the version that made it; ferry's manifest does.
 */
export function canReadSnapshot(made: string, reader: string): boolean {
  const [from, to] = [minorOf(made), minorOf(reader)];
  if (!from || !to || from.major !== to.major) return false;
  return to.minor === from.minor || to.minor === from.minor + 1;
}

export function requireReadable(made: string, target: string, cluster: string): void {
  if (canReadSnapshot(made, target)) return;
  const happened = `The backup was taken from Qdrant ${made}, and "${cluster}" is Qdrant ${target}`;
  throw new FerryError('VersionUnfit', happened, { context: { cluster } });
}

/** For a snapshot of which only the oldest version that can have made it is known. */
export function requireNotOlder(oldest: string, target: string, cluster: string): void {
  const from = minorOf(oldest);
  if (from && minorOf(target) && isAtLeast(target, `${from.major}.${from.minor}.0`)) return;
  const happened = `The snapshot was taken from Qdrant ${oldest} or newer, and "${cluster}" is Qdrant ${target}`;
  throw new FerryError('VersionUnfit', happened, { context: { cluster } });
}

function minorOf(version: string): { major: number; minor: number } | undefined {
  const [, major, minor] = /^(\d+)\.(\d+)/.exec(version) ?? [];
  if (major === undefined || minor === undefined) return undefined;
  return { major: Number(major), minor: Number(minor) };
}
