// The steps after which something is on the disk even if the power fails: contents first, then the name, then the
// folder that holds the name. Knows no keys.

import { link, mkdir, open, rename, rm, rmdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { isErrno } from './file-failures.js';

export async function syncFolder(folder: string): Promise<void> {
  const opened = await open(folder, 'r');
  try {
    await opened.sync();
  } catch (error) {
    // Some network disks cannot; they keep names safe by themselves.
    if (!isErrno(error, 'EINVAL', 'ENOTSUP', 'EBADF')) throw error;
  } finally {
    await opened.close();
  }
}

/** With all folders above it. Not mkdir's own `recursive`: where a disk takes no folders at all, that never ends. */
export async function makeFolder(folder: string): Promise<void> {
  if (await isFolder(folder)) return;
  await makeFolder(dirname(folder));
  await mkdir(folder).catch((error: unknown) => {
    if (!isErrno(error, 'EEXIST')) throw error;
  });
  await syncFolder(dirname(folder));
}

/** Throws ENOTDIR where a file stands in its place. */
async function isFolder(path: string): Promise<boolean> {
  const found = await stat(path).catch((error: unknown) => {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw error;
  });
  if (found === undefined || found.isDirectory()) return found !== undefined;
  throw Object.assign(new Error('a file is where a folder must be'), { code: 'ENOTDIR' });
}

/** A new file; there must be none. */
export async function writeDurably(path: string, body: Uint8Array): Promise<void> {
  const file = await open(path, 'wx');
  try {
    await file.writeFile(body);
    await file.sync();
  } finally {
    await file.close();
  }
}

/**
 * Gives a finished file its name, beside the one it has. Whole or not at all, at every moment; `onlyIfAbsent` fails with
 * EEXIST. Folders may vanish meanwhile, when another empties them: so twice.
 */
export async function publish(finished: string, path: string, onlyIfAbsent: boolean): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    await makeFolder(dirname(path));
    try {
      await (onlyIfAbsent ? nameNew(finished, path) : replace(finished, path));
      return await syncFolder(dirname(path));
    } catch (error) {
      if (!isErrno(error, 'ENOENT') || attempt === 3) throw error;
    }
  }
}

const NO_LINKS = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'];

/** Whether this disk gives a file two names; without, "only if absent" cannot be told at the same moment. */
export async function hasHardLinks(file: string): Promise<boolean> {
  try {
    await link(file, `${file}.linked`);
    await rm(`${file}.linked`);
    return true;
  } catch (error) {
    if (isErrno(error, ...NO_LINKS)) return false;
    throw error;
  }
}

async function nameNew(finished: string, path: string): Promise<void> {
  try {
    await link(finished, path);
  } catch (error) {
    if (!isErrno(error, ...NO_LINKS)) throw error;
    if (await exists(path)) throw Object.assign(new Error('exists'), { code: 'EEXIST' });
    await rename(finished, path);
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

async function replace(finished: string, path: string): Promise<void> {
  const second = `${finished}.named`;
  await rm(second, { force: true });
  try {
    await link(finished, second);
  } catch (error) {
    if (!isErrno(error, ...NO_LINKS)) throw error;
    return rename(finished, path);
  }
  await rename(second, path);
  // Renaming a file to another name of itself does nothing at all.
  await rm(second, { force: true });
}

/** Removes folders from `folder` upwards as long as they are empty, never `root` itself. */
export async function removeEmptyFolders(folder: string, root: string): Promise<void> {
  for (let at = folder; at.length > root.length; at = dirname(at)) {
    try {
      await rmdir(at);
    } catch (error) {
      if (isErrno(error, 'ENOTEMPTY', 'EEXIST', 'ENOENT', 'EBUSY')) return;
      throw error;
    }
  }
}
