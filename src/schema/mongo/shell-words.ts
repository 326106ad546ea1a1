/** How extended JSON writes what has a word of its own in the shell, and in JavaScript. */
const IN_EXTENDED_JSON: ReadonlyMap<string, string> = new Map([
  ['ObjectId', '{"$oid": "0123456789abcdef01234567"}'],
  ['ISODate', '{"$date": "2026-01-01T00:00:00Z"}'],
  ['Date', '{"$date": "2026-01-01T00:00:00Z"}'],
  ['new', '{"$date": "2026-01-01T00:00:00Z"}'],
  ['NumberInt', '5'],
  ['Int32', '5'],
  ['NumberLong', '{"$numberLong": "5"}'],
  ['Long', '{"$numberLong": "5"}'],
  ['Double', '{"$numberDouble": "5"}'],
  ['NumberDecimal', '{"$numberDecimal": "0.10"}'],
  ['Decimal128', '{"$numberDecimal": "0.10"}'],
  ['UUID', '{"$uuid": "00112233-4455-6677-8899-aabbccddeeff"}'],
  ['BinData', '{"$binary": {"base64": "AQI=", "subType": "00"}}'],
  ['Binary', '{"$binary": {"base64": "AQI=", "subType": "00"}}'],
  ['Timestamp', '{"$timestamp": {"t": 1, "i": 1}}'],
  ['MinKey', '{"$minKey": 1}'],
  ['MaxKey', '{"$maxKey": 1}'],
  ['NaN', '{"$numberDouble": "NaN"}'],
  ['Infinity', '{"$numberDouble": "Infinity"}'],
  ['-Infinity', '{"$numberDouble": "-Infinity"}'],
  ['undefined', 'null'],
  ['/', '{"$regularExpression": {"pattern": "^a", "options": "i"}}'],
])

/** A sentence for whoever wrote a word of the shell's; undefined for any other. */
export function inExtendedJson(word: string): string | undefined {
  const written = IN_EXTENDED_JSON.get(/^-?\w+|^\//.exec(word)?.[0] ?? '')
  return written === undefined ? undefined : `Extended JSON writes it so: ${written}.`
}
