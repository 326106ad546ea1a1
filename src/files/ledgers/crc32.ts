const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? 0xed_b8_83_20 ^ (value >>> 1) : value >>> 1
  return value
})

/** Of a text's UTF-8, unsigned; Node has one of its own from 22.2 on. */
export function crc32(text: string): number {
  let value = 0xff_ff_ff_ff
  for (const byte of Buffer.from(text, 'utf8')) value = (TABLE[(value ^ byte) & 0xff] ?? 0) ^ (value >>> 8)
  return (value ^ 0xff_ff_ff_ff) >>> 0
}
