// An HTTP proxy in front of a Qdrant that does what nginx and load balancers do with a call that takes long: the client
// is answered 504 with a page of HTML, and the call goes on behind it. The time runs from the end of the request's body,
// as nginx's proxy_read_timeout does. A body that the client broke off never becomes a whole request.

import { createServer, request as send, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Asked {
  method: string;
  /** Path and query. */
  url: string;
}

export interface GivenUp extends Asked {
  /** What Qdrant answered in the end, when nobody listened; absent while it is at work, 0 when it never answered. */
  status?: number;
}

export interface Gateway504 {
  url: string;
  /** Behind it. */
  target: string;
  /** The requests that were answered 504, in order. */
  givenUp: GivenUp[];
  /** After how many milliseconds a request is answered 504; undefined passes it on as it is. */
  plan: (request: Asked) => number | undefined;
  end(): Promise<void>;
}

const PAGE = `<html>
<head><title>504 Gateway Time-out</title></head>
<body>
<center><h1>504 Gateway Time-out</h1></center>
<hr><center>nginx</center>
</body>
</html>
`;

export async function gateway504(target: string): Promise<Gateway504> {
  const server = createServer((question, answer) => pass(gateway, question, answer));
  // An idle connection that is closed here just when it is used again would be a fault of ours.
  server.keepAliveTimeout = 0;
  server.requestTimeout = 0;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const gateway: Gateway504 = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    target,
    givenUp: [],
    plan: () => undefined,
    end: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return gateway;
}

/** A plan that gives up on `times` of the requests that `which` picks, after it has let `skip` of them pass. */
export function giveUpOn(
  which: (request: Asked) => boolean,
  { afterMs, skip = 0, times = 1 }: { afterMs: number; skip?: number; times?: number },
): Gateway504['plan'] {
  let seen = 0;
  return (request) => {
    if (!which(request)) return undefined;
    seen += 1;
    return seen > skip && seen <= skip + times ? afterMs : undefined;
  };
}

function pass(gateway: Gateway504, question: IncomingMessage, answer: ServerResponse): void {
  const { method = '', url = '', headers } = question;
  const afterMs = gateway.plan({ method, url });
  const onward = send(`${gateway.target}${url}`, { method, headers, agent: false });
  let over: GivenUp | undefined;
  let timer: NodeJS.Timeout | undefined;
  const giveUp = () => {
    over = { method, url };
    gateway.givenUp.push(over);
    answer.writeHead(504, { 'content-type': 'text/html', connection: 'close' }).end(PAGE);
  };
  if (afterMs !== undefined) question.once('end', () => (timer = setTimeout(giveUp, afterMs)));
  question.once('close', () => question.complete || onward.destroy());
  onward.once('close', () => clearTimeout(timer));
  onward.on('error', () => {
    if (over === undefined) answer.socket?.destroy();
    else over.status ??= 0;
  });
  onward.once('response', (passed) => {
    clearTimeout(timer);
    if (over !== undefined) {
      over.status = passed.statusCode ?? 0;
      return void passed.resume();
    }
    answer.writeHead(passed.statusCode ?? 500, passed.headers);
    passed.once('error', () => answer.socket?.destroy());
    answer.once('close', () => passed.destroy());
    passed.pipe(answer);
  });
  question.pipe(onward);
}
