// The filter for points written since a time, on both wires. Qdrant evaluates it: docs of "Filtering", `range` and
// `datetime_range`; without an index of the field it looks at every payload.

import type { MessageInitShape } from '@bufbuild/protobuf';
import { fieldTime, type WrittenSince } from '../../model/format/written-since.js';
import type { FilterSchema } from './gen/points_pb.js';

type WireFilter = MessageInitShape<typeof FilterSchema>;

export function wireFilter(since: WrittenSince | undefined): { filter?: WireFilter } {
  if (since === undefined) return {};
  const { field: key } = since;
  const least = fieldTime(since);
  const field =
    typeof least === 'number'
      ? { key, range: { gte: least } }
      : { key, datetimeRange: { gte: timestamp(least) } };
  return { filter: { must: [{ field }] } };
}

function timestamp(text: string): { seconds: string; nanos: number } {
  const milliseconds = Date.parse(text);
  const seconds = Math.floor(milliseconds / 1000);
  return { seconds: String(seconds), nanos: (milliseconds - seconds * 1000) * 1_000_000 };
}

/** With a comma before it, to follow the fields of a request. */
export function textFilter(since: WrittenSince | undefined): string {
  if (since === undefined) return '';
  const condition = { key: since.field, range: { gte: fieldTime(since) } };
  return `,"filter":${JSON.stringify({ must: [condition] })}`;
}
