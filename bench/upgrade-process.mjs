// node upgrade-process.mjs '{"url": …, "cwd": …}': an upgrade of the built library. Prints how long it took, and the longest
// time from one batch of a backfill to the next, in milliseconds.
import { performance } from 'node:perf_hooks'
import process from 'node:process'
import { createMigrator } from '../dist/index.js'

const began = performance.now()
let batchMs = 0
let last
const migrator = createMigrator({
  ...JSON.parse(process.argv[2]),
  onEvent: (event) => {
    if (event.type !== 'backfill') return
    const now = performance.now()
    if (last !== undefined) batchMs = Math.max(batchMs, now - last)
    last = now
  },
})
await migrator.upgrade()
process.stdout.write(JSON.stringify({ ms: performance.now() - began, batchMs }))
