// What the name of a snapshot file that ferry did not make says: whose it is, and when it was taken. Read from the right,
// for a collection's name may hold hyphens, underscores and numbers. A name is a claim; the file's content is held
// against it later.
//
//   docs-193757618734320-2026-01-01-02-00-00.snapshot     Qdrant's own: collection, peer, time
//   docs-2026-01-01-02-00-00.snapshot                     without the peer
//   docs_20260101_020000.snapshot                         scripts
//   docs-shard-1-2026-01-01-02-00-00.snapshot             one shard, Qdrant's own
//   docs_20260101_020000.shard-1.snapshot                 one shard, scripts
//   docs_20260101_020000.shard-1.1f0c33aa.snapshot        one shard, ferry
//   full-snapshot-2026-01-01-02-00-00.snapshot            the whole storage of a node
//   cluster_20260101_020000.node.1f0c33aa.snapshot        the same, as ferry names it

export interface SnapshotName {
  kind: 'collection' | 'shard' | 'storage';
  /** Of a full storage snapshot: empty. */
  collection: string;
  /** Milliseconds; the names are in UTC. */
  at: number;
  /** Decimal text: beyond 2^53. */
  peer?: string;
  shard?: number;
}

const DASHED = String.raw`(\d{4}-\d\d-\d\d-\d\d-\d\d-\d\d)`;
const UNDERSCORED = String.raw`(\d{8}_\d{6})`;
/** Of ferry's own: which upload it was. */
const NONCE = String.raw`\.[0-9a-f]{8}`;
const STORAGE = new RegExp(
  `^(?:full-snapshot-${DASHED}|.*_${UNDERSCORED}\\.node(?:${NONCE})?)\\.snapshot$`,
  's',
);
/** Peers are random numbers of many digits, shards count from 0. */
const SHARD_DASHED = new RegExp(`^(.+)-shard-(\\d{1,6})-${DASHED}\\.snapshot$`, 's');
const SHARD_UNDERSCORED = new RegExp(`^(.+)_${UNDERSCORED}\\.shard-(\\d{1,6})(?:${NONCE})?\\.snapshot$`, 's');
const PEER = new RegExp(`^(.+)-(\\d{1,20})-${DASHED}\\.snapshot$`, 's');
const PLAIN = new RegExp(`^(.+)(?:-${DASHED}|_${UNDERSCORED})\\.snapshot$`, 's');

/** Of a file's own name, without folders; undefined when it says nothing of the kind. */
export function parseSnapshotName(file: string): SnapshotName | undefined {
  return storageOf(file) ?? shardOf(file) ?? collectionOf(file);
}

export function isSnapshotFile(file: string): boolean {
  return file.endsWith('.snapshot');
}

function storageOf(file: string): SnapshotName | undefined {
  const [, dashed, underscored] = STORAGE.exec(file) ?? [];
  return named('storage', '', dashed ?? underscored);
}

function shardOf(file: string): SnapshotName | undefined {
  const [, dashedName, dashedShard, dashed] = SHARD_DASHED.exec(file) ?? [];
  const [, name, underscored, shard] = SHARD_UNDERSCORED.exec(file) ?? [];
  const found = named('shard', dashedName ?? name ?? '', dashed ?? underscored);
  return found && { ...found, shard: Number(dashedShard ?? shard) };
}

function collectionOf(file: string): SnapshotName | undefined {
  const [, owner, peer, time] = PEER.exec(file) ?? [];
  const whole = named('collection', owner ?? '', time);
  if (whole && peer !== undefined) return { ...whole, peer };
  const [, collection, dashed, underscored] = PLAIN.exec(file) ?? [];
  return named('collection', collection ?? '', dashed ?? underscored);
}

function named(kind: SnapshotName['kind'], collection: string, time: string | undefined) {
  const at = time === undefined ? undefined : timeOf(time);
  return at === undefined ? undefined : { kind, collection, at };
}

/** Undefined for a 31st of February, or an hour 25. */
function timeOf(text: string): number | undefined {
  const digits = text.replace(/\D/g, '');
  const [, year, month, day, hour, minute, second] =
    /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)$/.exec(digits) ?? [];
  const iso = `${year}-${month}-${day}T${hour}:${minute}:${second}.000Z`;
  const at = Date.parse(iso);
  return Number.isNaN(at) || new Date(at).toISOString() !== iso ? undefined : at;
}
