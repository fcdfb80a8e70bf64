// JSON whose numbers stay as they are written. JSON.parse does the work: lossless-json reads character by character, and
// takes seconds for the pages of a collection with long texts.

import { randomUUID } from 'node:crypto';
import { LosslessNumber } from 'lossless-json';

/** No text that comes from a server begins with it. */
const MARK = randomUUID();
const STRING_OR_NUMBER = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d[\d.eE+-]*/g;

/** Numbers as LosslessNumber, at every depth. */
export function parseExactly(text: string): unknown {
  const marked = text.replace(STRING_OR_NUMBER, (token) =>
    token.startsWith('"') ? token : `"${MARK}${token}"`,
  );
  return JSON.parse(marked, (_, value: unknown) =>
    typeof value === 'string' && value.startsWith(MARK)
      ? new LosslessNumber(value.slice(MARK.length))
      : value,
  );
}
