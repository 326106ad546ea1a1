import { runSweep } from '../test/fuzz/fork.js'

const SIZE = 10_000_000
/** For one case: what is far from linear would take hours. */
const DEADLINE_MS = 120_000
/** What a case may take. */
const AIM_MS = 5_000

/**
 * Every reader of what others wrote, with 10 MB of every pattern that a careless one is slow at: what took longest.
 * @param only words of readers' names; none for all, which is some 9,000 cases
 */
export async function hostileTexts(only: readonly string[]): Promise<void> {
  const options = { seed: 1, size: SIZE, large: Number.MAX_SAFE_INTEGER, small: 0, mutations: 0, only }
  let slowest = { ms: 0, what: 'nothing' }
  const { results, hung } = await runSweep(options, DEADLINE_MS, (result) => {
    const { subject, cases, characters, ms, longestMs, longest, finds } = result
    if (longestMs > slowest.ms) slowest = { ms: longestMs, what: `${subject}: ${longest}` }
    const each = (ms / (characters / 1e6)).toFixed(0)
    process.stdout.write(
      `${subject}\n  ${cases} texts, ${(characters / 1e6).toFixed(0)} MB, ${each} ms/MB; longest ` +
        `${(longestMs / 1e3).toFixed(2)} s (aim ${AIM_MS / 1e3}, ${longestMs <= AIM_MS ? 'within' : 'OVER'}): ${longest}\n`,
    )
    for (const find of finds) process.stdout.write(`  read wrongly: ${find}\n`)
  })
  const cases = results.reduce((sum, result) => sum + result.cases, 0)
  process.stdout.write(
    `${cases} texts on ${results.length} readers; slowest ${(slowest.ms / 1e3).toFixed(2)} s: ${slowest.what}\n`,
  )
  if (hung !== null) process.stdout.write(`HUNG: ${hung}\n`)
  if (hung !== null || results.some(({ finds }) => finds.length > 0)) process.exitCode = 1
}
