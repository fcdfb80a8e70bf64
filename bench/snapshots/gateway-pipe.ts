// What a recovery that goes from the gateway through our worker is held against: the same bytes on the same way, read
// from the gateway by one curl and sent to the target by another.

import { overShards } from './curl.js';
import { layOutForms, pipeThrough } from './form-pipe.js';
import { plainKey, sizeOf } from './pipes.js';
import { presignedGet } from './presigned.js';
import type { SnapshotContestant } from './snapshot-contestant.js';

export const GATEWAY_PIPE = 'plain pipe from the gateway into the target, curl';

/** Of what the plain PUT left in the gateway. */
export const gatewayPipe: SnapshotContestant = {
  lines: [GATEWAY_PIPE],
  target: 'empty',
  run: async (course) => {
    const { stage, from, left } = course;
    const signed = left.files.map((_, shard) => presignedGet(stage.gateway, plainKey(from, shard)));
    const forms = await layOutForms(course, await Promise.all(signed));
    const move = (shard: number) => pipeThrough(course, forms[shard]!);
    return { [GATEWAY_PIPE]: await overShards(course, () => sizeOf(course), move) };
  },
};
