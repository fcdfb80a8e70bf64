import type { Command } from 'commander';
import { asking } from '../terminal/asking.js';
import { EXIT } from '../terminal/exit-codes.js';
import { outputOf, setExitCode, type GlobalOptions } from '../terminal/global-options.js';
import { describeJob } from '../watch/job-details.js';
import { detailsText, listText } from '../watch/status-text.js';
import { runningJobs } from '../watch/running-jobs.js';

export function registerStatus(program: Command): void {
  const command = program
    .command('status')
    .description('what runs, or how one job stands')
    .argument('[ID]', 'id of a workflow; without it, all that run');
  command.action(async (id: string | undefined) => {
    const options = command.optsWithGlobals<GlobalOptions>();
    const output = outputOf(options);
    const code = await asking(options, output, async ({ temporal, ask }) => {
      if (id === undefined) {
        const jobs = await ask(() => runningJobs(temporal));
        output.result(jobs, listText(jobs));
      } else {
        const details = await ask(() => describeJob(temporal, id), id);
        output.result(details, detailsText(details));
      }
      return EXIT.done;
    });
    setExitCode(code);
  });
}
