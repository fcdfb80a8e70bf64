// `ms` ships its types only for CommonJS resolution; without this, Temporal's Duration strings become `any`.
declare module 'ms' {
  export type StringValue = `${number}` | `${number}${string}` | `${number} ${string}`;
}
