// From what the file system said to a FerryError that names folder and key.

import { FerryError, type ErrorCode } from '../model/errors.js';

const BY_CODE: Readonly<Record<string, ErrorCode>> = {
  EACCES: 'StoreAccessDenied',
  EPERM: 'StoreAccessDenied',
  EROFS: 'StoreAccessDenied',
  ENOENT: 'ObjectMissing',
  ENOSPC: 'StoreFull',
  EDQUOT: 'StoreFull',
  EFBIG: 'StoreFull',
  ENOTDIR: 'StoreRejected',
  EISDIR: 'StoreRejected',
  ENAMETOOLONG: 'StoreRejected',
  ELOOP: 'StoreRejected',
};
const HAPPENED: Partial<Record<ErrorCode, string>> = {
  StoreAccessDenied: 'The disk refused access',
  StoreUnreachable: 'The disk failed',
  StoreFull: 'The disk is full',
  StoreRejected: 'This name conflicts with an existing file or folder',
  ObjectMissing: 'The object does not exist',
};

/** `root` stands where other stores have their bucket. */
export function fileFailure(error: unknown, root: string, key: string): FerryError {
  if (error instanceof FerryError) return error;
  const said = codeOf(error);
  const code = BY_CODE[said] ?? 'StoreUnreachable';
  return new FerryError(code, `${HAPPENED[code]} (${said || String(error)})`, {
    cause: error,
    context: { bucket: root, key },
  });
}

export function isErrno(error: unknown, ...codes: string[]): boolean {
  return codes.includes(codeOf(error));
}

function codeOf(error: unknown): string {
  const { code } = (error ?? {}) as { code?: unknown };
  return typeof code === 'string' ? code : '';
}
