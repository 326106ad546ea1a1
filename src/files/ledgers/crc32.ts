/** Made when it is first asked for: few commands do. */
let table: Uint32Array | undefined

const makeTable = (): Uint32Array =>
  Uint32Array.from({ length: 256 }, (_, byte) => {
    let value = byte
    for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? 0xed_b8_83_20 ^ (value >>> 1) : value >>> 1
    return value
  })

/** Of a text's UTF-8, unsigned; Node has one of its own from 22.2 on. */
export function crc32(text: string): number {
  table ??= makeTable()
  let value = 0xff_ff_ff_ff
  for (const byte of Buffer.from(text, 'utf8')) value = (table[(value ^ byte) & 0xff] ?? 0) ^ (value >>> 8)
  return (value ^ 0xff_ff_ff_ff) >>> 0
}
