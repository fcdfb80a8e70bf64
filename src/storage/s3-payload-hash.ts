// The signature of a request covers the SHA-256 of its body. We have it already: without this the SDK would hash each
// part a second time, on the main thread. And so even a store that knows no checksums refuses a damaged part.

interface Hashed {
  middlewareStack: {
    add(
      middleware: (next: (args: never) => Promise<never>) => (args: never) => Promise<never>,
      options: { step: 'build'; name: string },
    ): void;
  };
}

export function withPayloadHash<C extends object>(command: C, sha256: string): C {
  (command as unknown as Hashed).middlewareStack.add(
    (next) => (args) => {
      const { request } = args as { request: { headers: Record<string, string> } };
      request.headers['x-amz-content-sha256'] = sha256;
      return next(args);
    },
    { step: 'build', name: 'knownPayloadHash' },
  );
  return command;
}
