// Every setting and payload index of two collections, number texts kept; null counts as absent (1.17 shows settings
// as null that 1.16 does not know), and so does a strict mode that is off and has no limits. The stamp a migration leaves in the metadata is not compared.

import { isLosslessNumber, parse } from 'lossless-json';
import { collectionPath, rest, type RestSide } from './rest-text.js';

interface CollectionSide extends RestSide {
  collection: string;
}

export function compareSettings(a: Map<string, string>, b: Map<string, string>): string[] {
  const paths = [...new Set([...a.keys(), ...b.keys()])].sort();
  return paths
    .filter((path) => a.get(path) !== b.get(path))
    .map((path) => `${path}: ${a.get(path) ?? 'absent'} and ${b.get(path) ?? 'absent'}`);
}

export async function settingsOf(side: CollectionSide): Promise<Map<string, string>> {
  const text = await rest(side, 'GET', collectionPath(side.collection));
  const { config, payload_schema } = (parse(text) as { result: Record<string, unknown> }).result;
  const found = new Map<string, string>();
  flatten({ config, payload_schema }, [], found);
  for (const path of found.keys()) if (isBookkeeping(path)) found.delete(path);
  const strict = [...found.keys()].filter((path) => path.startsWith('config/strict_mode_config/'));
  const [only = ''] = strict;
  if (strict.length === 1 && only.endsWith('/enabled') && found.get(only) === 'false') found.delete(only);
  return found;
}

/** How many points an index covers is not a setting. */
function isBookkeeping(path: string): boolean {
  return path.startsWith('config/metadata/qdrant-ferry') || /^payload_schema\/.*\/points$/.test(path);
}

function flatten(value: unknown, path: string[], found: Map<string, string>): void {
  if (value === null || value === undefined) return;
  if (isLosslessNumber(value)) found.set(path.join('/'), value.value);
  else if (typeof value !== 'object') found.set(path.join('/'), JSON.stringify(value));
  else {
    if (Array.isArray(value)) found.set([...path, 'length'].join('/'), String(value.length));
    for (const [key, inner] of Object.entries(value)) flatten(inner, [...path, key], found);
  }
}
