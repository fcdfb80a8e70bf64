// `ferry notify test`: one message to a notifier of ferry.yaml, from this machine, with the answer of whoever takes it.

import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import { loadConfig } from '../config.js';
import type { Notification } from '../model/contracts/health-activities.js';
import { requireNotifier } from '../notify/announce.js';
import { sendNotification } from '../notify/send-notification.js';
import { addExample, outputOf, stopOnInterrupt, type GlobalOptions } from './terminal/output.js';

export function registerNotify(program: Command): void {
  const notify = program.command('notify').description('the notifiers of ferry.yaml, which checks tell');
  addExample(notify, 'ferry notify test ops');
  const test = notify
    .command('test')
    .description('send a test message from this machine, and show the answer')
    .argument('<NAME>', 'in `notifiers` of ferry.yaml');
  addExample(test, 'ferry notify test ops');
  test.action(async (name: string) => {
    const options = test.optsWithGlobals<GlobalOptions>();
    const notifier = requireNotifier(loadConfig(options.config).notifiers, name);
    const { signal, release } = stopOnInterrupt();
    try {
      const id = `msg_${randomUUID().replaceAll('-', '')}`;
      const { answer, said } = await sendNotification(notifier, id, testMessage(), signal);
      const shown = said.trim() === '' ? [] : [said.trim()];
      outputOf(options).result({ notifier: name, id, answer, said }, [
        `${name} took the test message ${id}: ${answer}`,
        ...shown,
      ]);
    } finally {
      release();
    }
  });
}

function testMessage(): Notification {
  return {
    reason: 'test',
    status: 'ok',
    previous: null,
    changes: { begun: [], ended: [] },
    findings: [],
    policy: null,
    checkedAt: new Date().toISOString(),
  };
}
