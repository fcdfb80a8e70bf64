// What a manifest's configuration becomes on the target: the create request, and what only a living collection can be
// told. Takes Qdrant's text as it is; no number of it is changed.

import { splitSettings, wholeSettings } from '../../model/settings/collection-settings.js';
import { FerryError } from '../../model/errors.js';
import { objectAt, parseJson, type Json, type JsonObject } from '../../model/json.js';
import type { CollectionManifest } from '../../model/format/manifest.js';

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

export function settingsIn(manifest: CollectionManifest): RecoveredSettings {
  const info = infoOf(manifest);
  // As the collection is meant to be: what a job held back while the backup was taken is in its stamp.
  const settings = wholeSettings(objectAt(info, 'config'));
  if (settings.vectors === undefined && settings.sparse_vectors === undefined) throw unreadable(manifest);
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

function infoOf(manifest: CollectionManifest): Json {
  try {
    return parseJson(manifest.info);
  } catch {
    throw unreadable(manifest);
  }
}

function unreadable({ collection, backup }: CollectionManifest): FerryError {
  const happened = `The configuration in the manifest of "${collection}" cannot be read`;
  return new FerryError('ManifestInvalid', happened, { context: { collection, backup } });
}
