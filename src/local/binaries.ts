// Finds the programs of the local stack, and fetches or builds what is missing, once.

import { access, constants } from 'node:fs/promises';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cacheDir, namedBinary, searchPath } from '../config.js';
import { FerryError } from '../model/errors.js';
import { binaries, type Binary, type BinaryName } from './binary-catalogue.js';
import { installBinary } from './install-binary.js';
import { withLock } from './lock.js';

export type { BinaryName } from './binary-catalogue.js';
export type OnProgress = (line: string) => void;

const run = promisify(execFile);
const quiet: OnProgress = () => undefined;

/** Path of the program, from the first place that has it. */
export async function findBinary(name: BinaryName, onProgress: OnProgress = quiet): Promise<string> {
  const binary = binaries[name];
  const cached = cachedPath(binary);
  const found = (await named(binary)) ?? (await onPath(binary, onProgress)) ?? (await runnable(cached));
  if (found !== undefined) return found;
  // One installer at a time: two builds at once would only slow each other down.
  return withLock(
    join(cacheDir(), 'install.lock'),
    () => onProgress('waiting for another ferry that installs'),
    async () => {
      if ((await runnable(cached)) === undefined) await installBinary(binary, cached, onProgress);
      return cached;
    },
  );
}

export const allBinaries = Object.keys(binaries) as BinaryName[];

/** One after another, before anything is started. */
export async function findBinaries(names: BinaryName[], onProgress: OnProgress = quiet): Promise<void> {
  for (const name of names) await findBinary(name, onProgress);
}

function cachedPath(binary: Binary): string {
  return join(cacheDir(), 'bin', `${binary.command}-${binary.version}`);
}

async function named(binary: Binary): Promise<string | undefined> {
  const path = namedBinary(binary.variable);
  if (path === undefined || (await runnable(path)) !== undefined) return path;
  throw new FerryError('StackFailed', `${binary.variable} names a file that cannot be run`, {
    context: { path },
    remedy: `Set ${binary.variable} to an executable ${binary.command}, or unset it: ferry then searches PATH and downloads one.`,
  });
}

async function onPath(binary: Binary, onProgress: OnProgress): Promise<string | undefined> {
  for (const folder of searchPath()) {
    const path = await runnable(join(folder, binary.command));
    if (path === undefined) continue;
    const version = await versionOf(path);
    if (binary.accepts(version)) return path;
    onProgress(`${path} is ${version || 'of unknown version'}, not used: ${binary.version} is wanted`);
  }
  return undefined;
}

async function versionOf(path: string): Promise<string> {
  const said = await run(path, ['--version'], { timeout: 10_000 }).catch(() => ({ stdout: '' }));
  return /\d+\.\d+\.\d+/.exec(said.stdout)?.[0] ?? '';
}

async function runnable(path: string): Promise<string | undefined> {
  return access(path, constants.X_OK).then(
    () => path,
    () => undefined,
  );
}
