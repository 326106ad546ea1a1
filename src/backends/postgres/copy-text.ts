/** A row of COPY's text format. */
export type Values = readonly (string | null)[]

const LETTERS: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' }

/** Decodes a line that the server wrote; it ends with a line feed. */
export function decodeLine(line: Buffer): Values {
  const text = line.toString('utf8', 0, line.length - 1)
  const values = text.split('\t')
  return text.includes('\\') ? values.map(decodeValue) : values
}

function decodeValue(value: string): string | null {
  if (value === '\\N') return null
  if (!value.includes('\\')) return value
  return value.replace(/\\(.)/gs, (_, letter: string) => LETTERS[letter] ?? letter)
}
