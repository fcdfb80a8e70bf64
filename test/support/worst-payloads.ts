// Payloads that were seen, or may be feared, to change on their way. JSON text: never through JSON.stringify.

const nested = (depth: number): string =>
  depth === 0 ? '[1, 1.0, null]' : `{"level":{"${depth}":${nested(depth - 1)}}}`;

export const WORST_PAYLOADS: readonly string[] = [
  // whole numbers at every border, flat and nested
  '{"n":9007199254740993}',
  '{"n":9223372036854775807}',
  '{"n":-9223372036854775808}',
  '{"n":9223372036854775808}',
  '{"n":18446744073709551615}',
  '{"list":[9007199254740993,9223372036854775808,18446744073709551615,-9223372036854775808]}',
  '{"deep":{"list":[{"n":18446744073709551615},[[9223372036854775809]]]}}',
  '{"n":18446744073709551615,"nothing":null,"o":{"nothing":null},"list":[null,{}],"empty":{}}',
  '{"n":9223372036854775808,"__proto__":{"n":18446744073709551615},"\\u00e9":1.0,"e\\u0301":1}',
  '{"n":0,"zero":[0,0.0,-0.0,-0]}',
  // doubles, in that range too
  '{"x":1e19}',
  '{"x":18446744073709551616.0}',
  '{"x":1.8446744073709552e19,"n":18446744073709551615}',
  '{"x":9223372036854775808.0,"n":9223372036854775808}',
  '{"x":-9223372036854775808.0,"y":-9.3e18}',
  '{"one":1,"also":1.0,"list":[1,1.0,[1.0,1]],"o":{"a":1.0,"b":1}}',
  '{"x":-0.0}',
  '{"x":[5e-324,1.7976931348623157e308,0.1,0.30000000000000004,1e-7,123456789.123456789,1e21,1e22]}',
  // nothing, in its several forms
  '{"nothing":null}',
  '{"nothing":[null,null,[]],"o":{"nothing":null}}',
  '{"empty":"","list":[],"object":{},"lists":[[],[[]]],"objects":[{},{"a":{}}]}',
  '{"true":true,"false":false,"list":[true,false]}',
  // keys and texts
  '{"ключ":"значение","鍵":"値","مفتاح":"قيمة","🦀":"𝒳𝓎𝓏","👩‍👩‍👧‍👦":"family"}',
  '{"\\u00e9":"one code point","e\\u0301":"two code points"}',
  '{"\\u212b":"angstrom","\\u00c5":"A with ring","A\\u030a":"A and ring"}',
  '{"quote\\"backslash\\\\":"line\\nfeed\\ttab\\rreturn\\u0001\\u001f\\u007f\\u2028\\ufeff\\ufffd"}',
  '{"nul":"a\\u0000b"}',
  '{"__proto__":{"polluted":true},"constructor":1,"toString":"x","hasOwnProperty":null}',
  '{"a.b":1,"a":{"b":2},"a[]":[3],"a[0]":4," ":5,"1":6,"10":7,"9":8}',
  '{"B":1,"a":2,"A":3,"b":4,"\\ud83e\\udd80":5,"\\uffee":6}',
  `{"text":"${'ä𝄞'.repeat(300)}"}`,
  nested(12),
  // looks like something else
  '{"number":"1","float":"1.0","null":"null","date":"2024-02-30T25:61:00Z","id":"12345678-1234-1234-1234-123456789abc"}',
  '{"lat":91,"place":{"lat":-90,"lon":180},"places":[{"lat":0.1,"lon":-0.0},{"lat":90,"lon":-180}]}',
  '{}',
];

/** A string of several megabytes, with characters of one to four bytes. */
export function largePayload(megabytes: number): string {
  const chunk = 'qdrant ferry \\"größe\\" 札幌 🦀 ';
  const chunkBytes = Buffer.byteLength(chunk);
  return `{"large":"${chunk.repeat(Math.ceil((megabytes * 1_048_576) / chunkBytes))}","megabytes":${megabytes},"n":${18_446_744_073_709_551_610n + BigInt(megabytes)}}`;
}
