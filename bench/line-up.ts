import type { Contestant } from './contestants/contestant.js';
import { ingest } from './contestants/ingest.js';
import { OFFICIAL_DEFAULTS, OFFICIAL_TUNED, officialTool } from './contestants/official-tool.js';
import { ours } from './contestants/ours.js';
import { plainLoop } from './contestants/plain-loop.js';
import type { BenchOptions } from './options.js';

export function lineUp({ only, tool }: BenchOptions): Contestant[] {
  const official =
    tool === undefined
      ? []
      : [
          officialTool(tool, OFFICIAL_DEFAULTS, []),
          officialTool(tool, OFFICIAL_TUNED, ['--migration.batch-size=500']),
        ];
  const entries = { ours: [ours], ingest: [ingest], tool: official, loop: [plainLoop] };
  return only.flatMap((key) => entries[key]);
}
