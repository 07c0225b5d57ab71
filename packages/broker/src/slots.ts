/**
 * The hash slot that Redis Cluster keeps a key or a shard channel in: CRC16 of what stands between its first braces, or of
 * all of it when they hold nothing (Redis Cluster specification, "Key distribution model").
 */
export function slotOf(key: string): number {
  return crc16(Buffer.from(hashed(key))) % 16_384;
}

function hashed(key: string): string {
  const open = key.indexOf("{");
  const close = open === -1 ? -1 : key.indexOf("}", open);
  return close > open + 1 ? key.slice(open + 1, close) : key;
}

/** CRC-16/XMODEM. Bit by bit: it is asked for a few times at the start, never per message. */
function crc16(bytes: Uint8Array): number {
  let crc = 0;
  for (const byte of bytes) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000 ? ((crc << 1) ^ 0x1021) & 0xffff : crc << 1;
  }
  return crc;
}
