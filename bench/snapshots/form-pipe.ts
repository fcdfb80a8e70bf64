// From one curl into another, with a pipe between them and no disk: what the first reads, the second sends to the target
// as a form. The form is made by hand, for `curl --form` would keep all of it in memory first.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Measured } from '../contestants/contestant.js';
import { runProgram } from '../contestants/run-child.js';
import { curl, PLAINLY } from './curl.js';
import { uploadUrl } from './pipes.js';
import type { SnapshotCourse } from './snapshot-contestant.js';

const BOUNDARY = 'a-boundary-of-the-bench';
const HEAD =
  `--${BOUNDARY}\r\nContent-Disposition: form-data; name="snapshot"; filename="plain.snapshot"\r\n` +
  'Content-Type: application/octet-stream\r\n\r\n';
const TAIL = `\r\n--${BOUNDARY}--\r\n`;

/** Of one shard: what is sent, in this order, and the pipe it goes through. */
export interface Form {
  shard: number;
  urls: string[];
  pipe: string;
}

/** `addresses`: where the snapshot of each shard is read. */
export async function layOutForms({ stage }: SnapshotCourse, addresses: readonly string[]): Promise<Form[]> {
  const [head, tail] = [join(stage.pipes, 'form-head'), join(stage.pipes, 'form-tail')];
  await Promise.all([writeFile(head, HEAD), writeFile(tail, TAIL)]);
  const form = async (address: string, shard: number): Promise<Form> => {
    const pipe = join(stage.pipes, `${shard}.pipe`);
    await runProgram('sh', ['-c', 'test -p "$0" || mkfifo "$0"', pipe]);
    return { shard, pipe, urls: [pathToFileURL(head).href, address, pathToFileURL(tail).href] };
  };
  return Promise.all(addresses.map(form));
}

export async function pipeThrough(course: SnapshotCourse, { shard, urls, pipe }: Form): Promise<Measured> {
  const reads = runProgram('sh', ['-c', 'exec curl "$@" >"$0"', pipe, ...PLAINLY, ...urls]);
  const sends = curl([
    ...['--output', '/dev/null', '--request', 'POST', '--upload-file', pipe],
    ...['--header', `content-type: multipart/form-data; boundary=${BOUNDARY}`],
    uploadUrl(course, shard),
  ]);
  const [read, sent] = await Promise.all([reads, sends]);
  return {
    seconds: Math.max(read.seconds, sent.seconds),
    cpuSeconds: read.cpuSeconds + sent.cpuSeconds,
    peakBytes: read.peakBytes + sent.peakBytes,
  };
}
