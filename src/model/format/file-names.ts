// A key of the store as a path on any disk, and back. Letters, digits and a few signs stay readable; every other byte
// becomes %XX. A name over 255 bytes goes on in a folder of its beginning, which ends in "%~", so that it stays
// reversible without a list beside it. Never "..", never an absolute or a hidden path.

import { FerryError } from '../errors.js';

/** A disk takes 255 bytes a name; some room is left for temporary endings. */
const LONGEST_NAME = 240;
const GOES_ON = '%~';
const EMPTY = '%-';

/** Relative, "/" between folders. */
export function fileNameFor(key: string): string {
  if (key === '') throw new FerryError('StoreRejected', 'An object needs a key that is not empty');
  return key.split('/').map(nameFor).join('/');
}

/** `undefined` for a path that no key has. */
export function keyOfFileName(path: string): string | undefined {
  const joined = path.replaceAll(`${GOES_ON}/`, '');
  const names = joined.split('/').map((name) => (name === EMPTY ? '' : name));
  try {
    const key = names.map(decodeURIComponent).join('/');
    return fileNameFor(key) === path ? key : undefined;
  } catch {
    return undefined;
  }
}

function nameFor(segment: string): string {
  if (segment === '') return EMPTY;
  const escaped = escape(segment, /^\./);
  if (escaped.length <= LONGEST_NAME) return escaped;
  // With every dot escaped no piece can be "." or "..".
  const pieces = escape(segment, /\./g).match(new RegExp(`.{1,${LONGEST_NAME}}`, 'g')) ?? [];
  return pieces.join(`${GOES_ON}/`);
}

function escape(segment: string, dots: RegExp): string {
  return encoded(segment)
    .replace(/[!'()*~]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`)
    .replace(dots, '%2E');
}

function encoded(segment: string): string {
  try {
    return encodeURIComponent(segment);
  } catch (cause) {
    throw new FerryError('StoreRejected', 'A key must be valid Unicode', { cause });
  }
}
