// A TCP proxy in front of any server, which loses it and finds it again, as networks do. It never looks at the bytes.
// While a connection is frozen the proxy reads nothing and passes nothing, also of what it has read before; what the
// kernel took in by itself counts as on its way. One piece, at most 64 KiB, may have been handed on just before.

import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export type Cut =
  /** Connections stay open and silent, also new ones. */
  | 'freeze'
  /** As a firewall that forgot its flows: what is connected is silent, new connections pass. */
  | 'freeze-existing'
  /** Connections are reset, also new ones. */
  | 'refuse';

export interface CutOptions {
  /** What was on its way at the cut is lost: at `heal()` such a connection is reset instead of going on. */
  dropBuffered?: boolean;
}

/** Of each connection. `up` is towards the server. */
export interface Rates {
  up: number;
  down: number;
}

export interface CutProxy {
  port: number;
  /** "127.0.0.1:4711" */
  address: string;
  /** Bytes that have passed, over all connections. */
  passed: Rates;
  /** How many connections are open. */
  connections(): number;
  cut(how?: Cut, options?: CutOptions): void;
  heal(): void;
  /** Of all connections, open and to come. Infinity is no limit. */
  limit(bytesPerSecond: Partial<Rates>): void;
  /** Of those that are open; new ones have the general limit. */
  limitExisting(bytesPerSecond: Partial<Rates>): void;
  end(): Promise<void>;
}

/** `target` is "127.0.0.1:6333", or a URL with a port. */
export async function cutProxy(target: string): Promise<CutProxy> {
  const { hostname, port } = new URL(target.includes('://') ? target : `tcp://${target}`);
  const flows = new Set<Flow>();
  const rates: Rates = { up: Infinity, down: Infinity };
  const passed: Rates = { up: 0, down: 0 };
  let newcomers: 'pass' | 'hang' | 'refuse' = 'pass';
  const server = createServer({ allowHalfOpen: true }, (client) => {
    if (newcomers === 'refuse') return void client.resetAndDestroy();
    const upstream = () => connect({ host: hostname, port: Number(port), allowHalfOpen: true });
    const flow = new Flow(client, upstream, { ...rates }, passed);
    if (newcomers === 'hang') flow.freeze(false);
    flows.add(flow);
    void flow.run().then(() => flows.delete(flow));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const listening = (server.address() as AddressInfo).port;
  return {
    port: listening,
    address: `127.0.0.1:${listening}`,
    passed,
    connections: () => flows.size,
    cut: (how = 'freeze', { dropBuffered = false } = {}) => {
      newcomers = ({ freeze: 'hang', 'freeze-existing': 'pass', refuse: 'refuse' } as const)[how];
      for (const flow of flows) {
        if (how === 'refuse') flow.reset();
        else flow.freeze(dropBuffered);
      }
    },
    heal: () => {
      newcomers = 'pass';
      for (const flow of flows) flow.thaw();
    },
    limit: (given) => {
      Object.assign(rates, given);
      for (const flow of flows) Object.assign(flow.rates, given);
    },
    limitExisting: (given) => {
      for (const flow of flows) Object.assign(flow.rates, given);
    },
    end: async () => {
      newcomers = 'refuse';
      for (const flow of flows) flow.reset();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Bytes are passed in pieces of a twentieth of a second, so that a cut or another limit takes effect at once. */
const PIECE_SECONDS = 0.05;
const LARGEST_PIECE = 65_536;

class Flow {
  readonly rates: Rates;
  readonly #client: Socket;
  readonly #connect: () => Socket;
  readonly #passed: Rates;
  #upstream: Socket | undefined;
  #over = false;
  #isLost = false;
  /** Unset while the connection is not frozen. */
  #frozen: { until: Promise<void>; thaw: () => void } | undefined;

  constructor(client: Socket, upstream: () => Socket, rates: Rates, passed: Rates) {
    this.#client = silent(client);
    this.#connect = upstream;
    this.rates = rates;
    this.#passed = passed;
  }

  /** Resolves when both directions have ended. */
  async run(): Promise<void> {
    await this.#untilThawed();
    if (this.#over) return;
    const upstream = silent(this.#connect());
    this.#upstream = upstream;
    await Promise.all([this.#pump(this.#client, upstream, 'up'), this.#pump(upstream, this.#client, 'down')]);
    this.#client.destroy();
    upstream.destroy();
  }

  freeze(isLost: boolean): void {
    this.#isLost ||= isLost;
    if (this.#frozen !== undefined) return;
    let thaw = (): void => undefined;
    const until = new Promise<void>((resolve) => (thaw = resolve));
    this.#frozen = { until, thaw };
  }

  thaw(): void {
    if (this.#isLost) return this.reset();
    this.#frozen?.thaw();
    this.#frozen = undefined;
  }

  reset(): void {
    this.#over = true;
    this.#client.resetAndDestroy();
    this.#upstream?.resetAndDestroy();
    this.#frozen?.thaw();
    this.#frozen = undefined;
  }

  async #pump(from: Socket, to: Socket, way: keyof Rates): Promise<void> {
    try {
      const chunks = from.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
      for await (const chunk of chunks) await this.#pass(chunk, to, way);
      await this.#untilThawed();
      to.end();
    } catch {
      // One side is gone. The other hears of it when it can hear something.
      await this.#untilThawed();
      this.reset();
    }
  }

  async #pass(chunk: Buffer, to: Socket, way: keyof Rates): Promise<void> {
    for (let at = 0; at < chunk.byteLength;) {
      await this.#untilThawed();
      const rate = this.rates[way];
      const piece = chunk.subarray(at, at + pieceSize(rate));
      await write(to, piece);
      this.#passed[way] += piece.byteLength;
      at += piece.byteLength;
      if (rate < Infinity) await sleep((piece.byteLength / rate) * 1_000);
    }
  }

  async #untilThawed(): Promise<void> {
    while (this.#frozen !== undefined) await this.#frozen.until;
  }
}

const pieceSize = (rate: number) => Math.max(1, Math.min(LARGEST_PIECE, Math.floor(rate * PIECE_SECONDS)));

function write(to: Socket, piece: Buffer): Promise<void> {
  return new Promise((resolve, reject) => to.write(piece, (error) => (error ? reject(error) : resolve())));
}

/** Whoever reads or writes hears of an error; between the two nobody does. */
function silent(socket: Socket): Socket {
  return socket.setNoDelay(true).on('error', () => undefined);
}
