// Which Qdrant can read which snapshot: the same minor version or the next. Qdrant does not enforce it, and a snapshot
// does not say who made it; the manifest does.

import { FerryError } from '../../model/errors.js';
import { isAtLeast } from '../../model/stamp.js';

/**
 * `auto` onto a Qdrant before 1.17 is a push. A pull goes on when nobody hears of it, and to remove what it still fills a
 * waiting DELETE is sent: before 1.17 the whole node answers nobody until that recovery has ended. A push that is cut
 * ends at once.
 */
export function wayOnto<T extends 'auto' | 'pull' | 'push'>(target: string, via: T): T | 'push' {
  return via === 'auto' && !isAtLeast(target, '1.17.0') ? 'push' : via;
}

export function isReadable(made: string, target: string): boolean {
  const [from, to] = [minorOf(made), minorOf(target)];
  if (!from || !to || from.major !== to.major) return false;
  return to.minor - from.minor >= 0 && to.minor - from.minor <= 1;
}

export function refuseUnfitVersion(made: string, target: string, cluster: string): void {
  if (isReadable(made, target)) return;
  const happened = `The backup was taken from Qdrant ${made}, and "${cluster}" is Qdrant ${target}`;
  throw new FerryError('VersionUnfit', happened, { context: { cluster } });
}

function minorOf(version: string): { major: number; minor: number } | undefined {
  const [, major, minor] = /^(\d+)\.(\d+)/.exec(version) ?? [];
  return major === undefined || minor === undefined
    ? undefined
    : { major: Number(major), minor: Number(minor) };
}

/** For a snapshot whose settings are those of a certain version or a later one. */
export function refuseOlder(oldest: string, target: string, cluster: string): void {
  const [from, to] = [minorOf(oldest), minorOf(target)];
  if (from && to && (to.major > from.major || (to.major === from.major && to.minor >= from.minor))) return;
  const happened = `The snapshot was taken from Qdrant ${oldest} or a later one, and "${cluster}" is Qdrant ${target}`;
  throw new FerryError('VersionUnfit', happened, { context: { cluster } });
}
