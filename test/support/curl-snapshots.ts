// Snapshots as people without ferry make them: asked for and fetched with plain curl, one node after the other.

import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

async function curl(...args: string[]): Promise<string> {
  const { stdout } = await run('curl', ['--silent', '--show-error', '--fail', ...args], {
    maxBuffer: 64 * 1024 ** 2,
  });
  return stdout;
}

export interface CurledSnapshot {
  /** Qdrant's own. */
  name: string;
  /** Where the node gives it out. */
  url: string;
  sha256: string;
}

/** Of a collection, of one of its shards ("docs/shards/1"), or of the node's whole storage. */
export async function makeSnapshot(node: { url: string }, what?: string): Promise<CurledSnapshot> {
  const at = `${node.url}${what === undefined ? '' : `/collections/${what}`}/snapshots`;
  const answer = await curl('-X', 'POST', `${at}?wait=true`);
  const { result } = JSON.parse(answer) as { result: { name: string; checksum: string } };
  return { name: result.name, url: `${at}/${result.name}`, sha256: result.checksum };
}

export async function fetchTo(path: string, url: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await curl('--output', path, url);
}

/** From every node into one folder, under Qdrant's own names. */
export async function snapshotInto(
  folder: string,
  nodes: readonly { url: string }[],
  collection: string,
): Promise<string[]> {
  const names: string[] = [];
  for (const node of nodes) {
    const { name, url } = await makeSnapshot(node, collection);
    await fetchTo(join(folder, name), url);
    names.push(name);
  }
  return names;
}
