import { expect, test } from 'vitest'
import { runSweep } from './fork.js'

const OPTIONS = { seed: 20_260_101, size: 2_000_000, large: 2, small: 20, mutations: 40 }

test(
  'what others wrote is read or refused, whatever it is, and never for long',
  { timeout: 600_000 },
  async () => {
    const { results, hung } = await runSweep(OPTIONS, 60_000)
    const cases = results.reduce((sum, result) => sum + result.cases, 0)
    const ms = results.reduce((sum, result) => sum + result.ms, 0)
    process.stderr.write(`fuzz: ${cases} cases on ${results.length} readers, ${(ms / 1000).toFixed(0)} s\n`)
    expect(hung).toBeNull()
    expect(results.flatMap(({ subject, finds }) => finds.map((find) => `${subject}: ${find}`))).toEqual([])
  },
)
