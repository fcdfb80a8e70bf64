import type { Command } from 'commander';
import { loadConfig } from '../../config.js';
import { clusterFindings } from './doctor-clusters.js';
import { queueFindings } from './doctor-queues.js';
import { storeFindings } from './doctor-stores.js';
import { findingLine, type Finding } from './finding.js';
import { forgottenHoldBacks, mend } from './forgotten-hold-backs.js';
import { EXIT } from '../terminal/exit-codes.js';
import { outputOf, setExitCode, type GlobalOptions } from '../terminal/global-options.js';
import { openTemporal } from '../temporal.js';

export function registerDoctor(program: Command): void {
  const command = program
    .command('doctor')
    .description(
      'is everything there that a job needs: Temporal, workers, clusters, and stores as the workers see them?',
    )
    .option('--mend', 'put back indexing and strict mode where a job that is gone left them held back');
  command.action(async () => {
    const options = command.optsWithGlobals<GlobalOptions & { mend?: boolean }>();
    const output = outputOf(options);
    // The SDKs of Qdrant are heavy: other commands do without them.
    const { qdrantControls } = await import('../../qdrant/control.js');
    const config = loadConfig(options.config);
    const controls = qdrantControls(config.clusters);
    const temporal = openTemporal(config);
    const findings: Finding[] = [{ ok: true, what: 'configuration', says: config.path }];
    try {
      findings.push(...(await queueFindings(temporal, config)));
      // Who works on what only Temporal knows.
      const asksTemporal = findings.some(({ ok, what }) => ok && what === 'Temporal');
      const [ofStores, ofClusters] = await Promise.all([
        asksTemporal ? storeFindings(temporal, config) : [],
        clusterFindings(controls, config),
      ]);
      findings.push(...ofStores, ...ofClusters);
      const aliases = asksTemporal ? Object.keys(config.clusters) : [];
      const { forgotten, unread } = await forgottenHoldBacks(controls, temporal, aliases);
      findings.push(...unread);
      findings.push(...(await mend(controls, forgotten, options.mend ?? false)));
    } finally {
      await temporal.close();
    }
    const ok = findings.every((finding) => finding.ok);
    output.result({ ok, findings }, findings.map(findingLine(output.paint)));
    setExitCode(ok ? EXIT.done : EXIT.failed);
  });
}
