// What ferry leaves in the metadata of a collection, under STAMP_KEY. `creation` makes a collection one thing and not a
// name: it is random, and gone with the collection. `work` says which job fills it, from where, what is held back until
// the end, and whether the job has succeeded. Both outlive this code: docs/decisions/0009-stamp-and-identity.md.
//
//   open    a job is filling it; what is in it came from that job, and may be deleted by it
//   closed  the job succeeded; its owner works with it: compared with, never deleted from

import {
  isObject,
  numberAt,
  objectAt,
  parseJson,
  textAt,
  valueAt,
  writeJson,
  type JsonObject,
} from './json.js';
import { LosslessNumber } from 'lossless-json';
import type { HeldBack } from './collections.js';
import type { RangeDigest } from './format/digest.js';
import { STAMP_KEY } from './names.js';

export interface Stamp {
  /** Random id of this very collection. */
  creation: string;
  /** Absent on a collection that ferry has only marked, to know it again. */
  work?: StampedWork;
}

export interface StampedWork {
  kind: 'migration' | 'recovery';
  /** `migrationName` or `recoveryName`: the same whenever the same is asked for. */
  name: string;
  /** Workflow id of the job that opened it. */
  job: string;
  state: 'open' | 'closed';
  /** When a job last worked on it, ISO 8601. */
  renewedAt: string;
  /** Identity of the cluster that the points come from: peer ids; empty where there is none. */
  source: string[];
  heldBack?: HeldBack;
  /** Aliases of the collection that a recovery replaced: deleting it dropped them. */
  replacedAliases?: string[];
  /** Somebody else created it, and it was empty: resumed like our own, but its settings and surplus points are not ours. */
  isAdopted?: boolean;
  /** Every shard came as a snapshot: what is left is the proof. */
  isMoved?: boolean;
  /** What was recovered differs from its proof, and was left to its owner: no job deletes it by itself. */
  isKept?: boolean;
  /** Of a closed one: what it held when it was proved. */
  verified?: RangeDigest;
}

const STAMP_VERSION = '2';

/** A threshold in KiB a segment that holds indexing back. 0 means "never" too; a terabyte needs no special meaning. */
export const NO_INDEXING = new LosslessNumber('1000000000');

export function stampOf(config: JsonObject): Stamp | undefined {
  const stamp = objectAt(config, 'metadata', STAMP_KEY);
  const creation = textAt(stamp, 'creation');
  if (creation === undefined) return undefined;
  const work = workOf(stamp);
  return { creation, ...(work === undefined ? {} : { work }) };
}

/** The work that a collection's stamp tells of, if any. */
export function workIn(config: JsonObject): StampedWork | undefined {
  return stampOf(config)?.work;
}

function workOf(stamp: JsonObject): StampedWork | undefined {
  const work = valueAt(stamp, 'work');
  if (!isObject(work)) return undefined;
  const { held_back: held } = work;
  const verified = valueAt(work, 'verified');
  const replaced = textsOf(work.replaced_aliases);
  return {
    kind: textAt(work, 'kind') === 'recovery' ? 'recovery' : 'migration',
    name: textAt(work, 'name') ?? '',
    job: textAt(work, 'job') ?? '',
    state: textAt(work, 'state') === 'closed' ? 'closed' : 'open',
    renewedAt: textAt(work, 'renewed_at') ?? '',
    source: textsOf(work.source),
    ...(isObject(held) ? { heldBack: heldBackOf(held) } : {}),
    ...(replaced.length === 0 ? {} : { replacedAliases: replaced }),
    ...(work.adopted === true ? { isAdopted: true } : {}),
    ...(work.moved === true ? { isMoved: true } : {}),
    ...(work.kept === true ? { isKept: true } : {}),
    ...(isObject(verified)
      ? { verified: { count: numberAt(verified, 'count') ?? 0, sum: textAt(verified, 'sum') ?? '' } }
      : {}),
  };
}

/** For a create request or a patch: `{ metadata: stampMetadata(stamp) }`. Qdrant keeps the other keys of the metadata. */
export function stampMetadata(stamp: Stamp): JsonObject {
  return { [STAMP_KEY]: stampJson(stamp) };
}

export function stampJson({ creation, work }: Stamp): JsonObject {
  const stamp: JsonObject = { version: new LosslessNumber(STAMP_VERSION), creation };
  if (work) stamp.work = workJson(work);
  return stamp;
}

function workJson(work: StampedWork): JsonObject {
  const { kind, name, job, state, renewedAt, source, heldBack, replacedAliases, verified } = work;
  return {
    kind,
    name,
    job,
    state,
    renewed_at: renewedAt,
    source,
    ...(heldBack === undefined ? {} : { held_back: heldBackJson(heldBack) }),
    ...(replacedAliases === undefined || replacedAliases.length === 0
      ? {}
      : { replaced_aliases: replacedAliases }),
    ...(work.isAdopted ? { adopted: true } : {}),
    ...(work.isMoved ? { moved: true } : {}),
    ...(work.isKept ? { kept: true } : {}),
    ...(verified === undefined
      ? {}
      : { verified: { count: new LosslessNumber(String(verified.count)), sum: verified.sum } }),
  };
}

function textsOf(json: unknown): string[] {
  return Array.isArray(json) ? json.filter((one) => typeof one === 'string') : [];
}

function heldBackOf(held: JsonObject): HeldBack {
  const strict = valueAt(held, 'strict_mode_config') ?? null;
  const aliases = textsOf(held.aliases);
  return {
    indexingThreshold: writeJson(valueAt(held, 'indexing_threshold') ?? null),
    ...(strict === null ? {} : { strictMode: writeJson(strict) }),
    ...(aliases.length === 0 ? {} : { aliases }),
  };
}

function heldBackJson({ indexingThreshold, strictMode, aliases }: HeldBack): JsonObject {
  return {
    indexing_threshold: parseJson(indexingThreshold),
    ...(strictMode === undefined ? {} : { strict_mode_config: parseJson(strictMode) }),
    ...(aliases === undefined ? {} : { aliases }),
  };
}
