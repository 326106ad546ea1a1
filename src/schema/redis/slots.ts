const SLOTS = 16_384

/** The slot of a cluster that a key belongs to: CRC16 (XMODEM) of the key, or of what its first braces hold. */
export function slotOf(key: Uint8Array): number {
  const open = key.indexOf(123)
  const close = open === -1 ? -1 : key.indexOf(125, open + 1)
  const hashed = close > open + 1 ? key.subarray(open + 1, close) : key
  let crc = 0
  for (const byte of hashed) {
    crc ^= byte << 8
    for (let bit = 0; bit < 8; bit += 1) crc = (crc & 0x8000) === 0 ? crc << 1 : (crc << 1) ^ 0x1021
    crc &= 0xffff
  }
  return crc % SLOTS
}
