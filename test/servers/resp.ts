/** One command as clients write it, an array of bulk strings; null when it has not come in whole. */
export function commandsIn(buffer: Buffer): { words: string[]; raw: Buffer; end: number } | null {
  const end = lengthOfReply(buffer)
  if (end === null) return null
  const words: string[] = []
  let at = lineEnd(buffer, 0)
  while (at < end) {
    const begin = lineEnd(buffer, at)
    const length = Number(buffer.toString('latin1', at + 1, begin - 2))
    words.push(buffer.toString('utf8', begin, begin + length))
    at = begin + length + 2
  }
  return { words, raw: buffer.subarray(0, end), end }
}

/** How many bytes the first answer (RESP 2) takes; null when it has not come in whole. */
export function lengthOfReply(buffer: Buffer, from = 0): number | null {
  const begin = lineEnd(buffer, from)
  if (begin === -1) return null
  const number = Number(buffer.toString('latin1', from + 1, begin - 2))
  switch (String.fromCharCode(buffer[from] ?? 0)) {
    case '$': {
      const end = number < 0 ? begin : begin + number + 2
      return end <= buffer.length ? end : null
    }
    case '*': {
      let at: number | null = begin
      for (let index = 0; index < number && at !== null; index += 1) at = lengthOfReply(buffer, at)
      return at
    }
    default:
      return begin
  }
}

/** Behind the end of the line that begins there; -1 when it has none yet. */
function lineEnd(buffer: Buffer, from: number): number {
  const at = buffer.indexOf('\r\n', from, 'latin1')
  return at === -1 ? -1 : at + 2
}
