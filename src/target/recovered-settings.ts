// What a recorded configuration becomes on the target: the create request, and what only an existing collection can be
// given. Takes Qdrant's text as it is; no number of it is changed.

import { splitSettings, wholeSettings } from '../model/settings/collection-settings.js';
import { FerryError } from '../model/errors.js';
import { objectAt, parseJson, type Json, type JsonObject } from '../model/json.js';

type Configured = { collection: string; info: string };

export interface RecoveredSettings {
  /** All of them, as they shall be at the end. */
  wanted: JsonObject;
  /** For the create request; strict mode is not among it. */
  create: JsonObject;
  params: JsonObject;
  strictMode: Json | undefined;
  metadata: JsonObject;
  indexes: [field: string, schema: Json][];
}

export function recoveredSettings(collection: Configured): RecoveredSettings {
  const info = infoOf(collection);
  // As the collection is meant to be: what a job held back while the backup was taken is in its stamp.
  const settings = wholeSettings(objectAt(info, 'config'));
  if (settings.vectors === undefined && settings.sparse_vectors === undefined) throw unreadable(collection);
  const { create, params } = splitSettings(settings);
  const { strict_mode_config: strictMode, metadata, ...rest } = create;
  return {
    wanted: settings,
    create: rest,
    params,
    strictMode,
    metadata: objectAt(metadata),
    indexes: Object.entries(objectAt(info, 'payload_schema')),
  };
}

function infoOf(collection: Configured): Json {
  try {
    return parseJson(collection.info);
  } catch {
    throw unreadable(collection);
  }
}

function unreadable({ collection }: Configured): FerryError {
  const happened = `The configuration in the backup of "${collection}" cannot be read`;
  return new FerryError('ManifestInvalid', happened, { context: { collection } });
}
