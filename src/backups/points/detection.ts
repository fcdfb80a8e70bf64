// How an increment finds what changed since its base. By `digest` nothing depends on the application. By `field` it depends
// on an application that stamps each write: so from time to time every point is compared, and what the field did not tell of
// is counted and named. Without a point that has the field, where a comparison is due, or where nothing shows that it is still
// the same collection, the digests decide.

import type { Detect, Detection } from '../../model/contracts/point-backup-activities.js';
import type { Pin } from '../../model/collections.js';
import { objectAt, textAt } from '../../model/json.js';
import type { CollectionManifest } from '../../model/format/manifest.js';
import type { FieldUnit, WrittenSince } from '../../model/format/written-since.js';
import type { ClusterControl } from '../../cluster/control-port.js';
import type { IdReader } from '../../cluster/points-port.js';

export interface FoundDetection {
  detect: Exclude<Detect, 'all'>;
  since?: WrittenSince;
  notes: string[];
}

export interface DetectionDeps {
  control: Pick<ClusterControl, 'info' | 'alias'>;
  ids: IdReader;
}

const HOUR_MS = 3_600_000;

/** What was asked for; or by digest, and why, where the collection may be another one than that of its base. */
export function trustedDetection(
  asked: Detection,
  base: Pick<CollectionManifest, 'collection' | 'creation'>,
  { creation }: Pick<Pin, 'creation'>,
): { detection: Detection; notes: string[] } {
  const isSame = creation !== undefined && creation === base.creation;
  if (isSame || asked.detect === 'digest') return { detection: asked, notes: [] };
  return {
    detection: { ...asked, detect: 'digest' },
    notes: [
      `No mark of ferry shows that "${base.collection}" is still the collection of the backup before (a key that may write sets one), so every point was compared instead.`,
    ],
  };
}

/** `chain`: what the increment continues, the newest first. */
export async function detectionFor(
  deps: DetectionDeps,
  { detect, overlapSeconds, digestEveryHours, ...asked }: Detection,
  chain: readonly [CollectionManifest, ...CollectionManifest[]],
  { signal, now }: { signal: AbortSignal; now: Date },
): Promise<FoundDetection> {
  if (detect === 'digest') return { detect, notes: [] };
  const [{ collection, startedAt }] = chain;
  const { field } = asked;
  const { payloadSchema } = await deps.control.info(collection, signal);
  const index = textAt(objectAt(payloadSchema[field]), 'data_type');
  const unit = await unitOf(deps.ids, collection, { ...asked, index }, signal);
  if (unit === undefined || unit === 'mixed') {
    const [why, remedy] =
      unit === 'mixed'
        ? [
            `The field "${field}" holds seconds in some points and milliseconds in others`,
            'Let the application write one of them',
          ]
        : [`No point has a time in its field "${field}"`, 'Correct `field` (`--field`)'];
    return {
      detect: 'digest',
      notes: [
        `${why}, so every point was compared instead. ${remedy}, or set \`detect: "digest"\` (\`--detect digest\`).`,
      ],
    };
  }
  const at = new Date(Date.parse(startedAt) - overlapSeconds * 1000).toISOString();
  const since = { field, unit, at };
  const notes = index === undefined ? [withoutIndex(deps.control.alias, collection, since)] : [];
  const compared = chain.find(({ capture }) => capture.method !== 'points' || capture.detect !== 'field');
  const isDue = Date.parse(compared?.startedAt ?? '') <= now.getTime() - digestEveryHours * HOUR_MS;
  return { detect: isDue ? 'digest' : 'field', since, notes };
}

interface AskedField extends Pick<Detection, 'field' | 'fieldUnit'> {
  index: string | undefined;
}

/** The values from here on are milliseconds: 1973 in milliseconds, the year 5138 in seconds. */
const LEAST_MILLISECONDS = 100_000_000_000;
/** Of 1973. What is less is no time of a write. */
const LEAST_SECONDS = LEAST_MILLISECONDS / 1000;
/** By so many points both are told apart: one odd value must not decide for all. */
const SAMPLE = 16;

/** As stated; else what the index is of; else what the values look like. Undefined where no point has one. */
async function unitOf(
  reader: IdReader,
  collection: string,
  { field, fieldUnit, index }: AskedField,
  signal: AbortSignal,
): Promise<FieldUnit | 'mixed' | undefined> {
  if (fieldUnit !== 'auto') return fieldUnit;
  if (index === 'datetime') return index;
  const some = async (unit: FieldUnit, seconds: number, maxPoints = 1): Promise<string> => {
    const at = new Date(seconds * 1000).toISOString();
    const range = { collection, maxPoints, signal, since: { field, unit, at } };
    for await (const ids of reader.ids(range)) return ids.slice(0, maxPoints).join();
    return '';
  };
  const milliseconds = await some('seconds', LEAST_MILLISECONDS, SAMPLE);
  if (milliseconds !== '')
    return milliseconds === (await some('seconds', LEAST_SECONDS, SAMPLE)) ? 'milliseconds' : 'mixed';
  if ((await some('seconds', 1)) !== '') return 'seconds';
  return (await some('datetime', 1)) === '' ? undefined : 'datetime';
}

function withoutIndex(cluster: string, collection: string, { field, unit }: WrittenSince): string {
  const type = unit === 'datetime' ? 'datetime' : 'integer';
  const body = JSON.stringify({ field_name: field, field_schema: type });
  return `The field "${field}" has no index, so Qdrant looks at every payload to find what was written. Make one: PUT /collections/${collection}/index on "${cluster}" with ${body}`;
}
