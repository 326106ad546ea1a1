import { createServer, type AddressInfo } from 'node:net'
import { expect, it } from 'vitest'
import { mongodb } from '../../src/backends/mongo/index.js'

it('who is interrupted while the driver looks for a server is not kept until it has given up', async () => {
  const stop = new AbortController()
  // Taken, and never answered: the driver has been there, and goes on looking.
  const mute = createServer((socket) => {
    socket.on('error', () => undefined)
    stop.abort()
  })
  await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve))
  const { port } = mute.address() as AddressInfo
  try {
    await expect(
      mongodb.connect({
        url: `mongodb://127.0.0.1:${port}/shop`,
        metadata: { prefix: 'migrate_' },
        applicationName: 'migrate test',
        // Longer than the test may take.
        connectTimeoutMs: 600_000,
        signal: stop.signal,
      }),
    ).rejects.toMatchObject({ code: 'MIG-INTERRUPTED' })
  } finally {
    mute.close()
  }
})
