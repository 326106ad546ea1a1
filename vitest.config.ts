import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/setup.ts'],
    testTimeout: 60_000,
    hookTimeout: 300_000,
    pool: 'forks',
    // Much of a test's time is a server's or another process': two of them share even a small machine well.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    reporters: ['default'],
  },
})
