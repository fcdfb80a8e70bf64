// A disk of some MB in memory, to be filled: a file system of its own, because nothing else makes a server hear "No space left
// on device". Mounting takes root, or sudo without a password.

import { execFile } from 'node:child_process';
import { appendFile, mkdtemp, rm, statfs, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const MB = 1024 ** 2;

export interface SmallDisk {
  folder: string;
  /** Fills it but for some MB. */
  fillBut(megabytes: number): Promise<void>;
  /** Takes away what `fillBut` put there. */
  free(): Promise<void>;
  /** Settings for a Qdrant that keeps everything there. */
  qdrantEnv: Record<string, string>;
  remove(): Promise<void>;
}

export async function mayMountDisks(): Promise<boolean> {
  try {
    await (await mountSmallDisk(1)).remove();
    return true;
  } catch {
    return false;
  }
}

export async function mountSmallDisk(megabytes: number): Promise<SmallDisk> {
  const folder = await mkdtemp(join(tmpdir(), 'ferry-disk-'));
  const owner = `uid=${process.getuid?.()},gid=${process.getgid?.()},mode=0700`;
  await asRoot('mount', '-t', 'tmpfs', '-o', `size=${megabytes}m,${owner}`, 'tmpfs', folder);
  const ballast = join(folder, 'ballast');
  return {
    folder,
    fillBut: async (left) => {
      const { bavail, bsize } = await statfs(folder);
      await appendFile(ballast, Buffer.alloc(Math.max(0, bavail * bsize - left * MB)));
    },
    free: async () => truncate(ballast, 0),
    qdrantEnv: {
      QDRANT__STORAGE__STORAGE_PATH: join(folder, 'storage'),
      QDRANT__STORAGE__SNAPSHOTS_PATH: join(folder, 'snapshots'),
      QDRANT__STORAGE__TEMP_PATH: join(folder, 'temp'),
    },
    remove: async () => {
      await asRoot('umount', '-l', folder);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function asRoot(command: string, ...args: string[]): Promise<void> {
  if (process.getuid?.() === 0) await run(command, args);
  else await run('sudo', ['-n', command, ...args]);
}
