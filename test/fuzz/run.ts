// The long sweep: 10 MB of patterns, drawn by the seed, through everything that reads what others wrote, with all of them at 100 kB, and changed real files.
//   npm run test:fuzz                    seed of the day
//   npm run test:fuzz -- 4711            that seed
//   npm run test:fuzz -- 4711 1000000    and patterns of that many characters
import { runSweep } from './fork.js'

const say = (line: string): void => void process.stdout.write(`${line}\n`)

const seed = Number(process.argv[2] ?? Math.floor(Date.now() / 86_400_000))
const size = Number(process.argv[3] ?? 10_000_000)
const options = { seed, size, large: 8, small: 1_000_000, mutations: 500 }
say(`seed ${seed}, patterns of ${size} characters, ${options.mutations} changed files each`)
say(
  `${'subject'.padEnd(28)} ${'cases'.padStart(7)} ${'MB'.padStart(7)} ${'s'.padStart(7)} ${'longest s'.padStart(10)}  finds`,
)
const began = performance.now()
const { results, hung } = await runSweep(options, 120_000, (result) => {
  const { subject, cases, characters, ms, longestMs, finds } = result
  const figures = [
    String(cases).padStart(7),
    (characters / 1e6).toFixed(0).padStart(7),
    (ms / 1e3).toFixed(1).padStart(7),
  ]
  say(
    `${subject.padEnd(28)} ${figures.join(' ')} ${(longestMs / 1e3).toFixed(2).padStart(10)}  ${finds.length}`,
  )
  for (const find of finds) say(`  ${find}`)
})
const cases = results.reduce((sum, result) => sum + result.cases, 0)
const finds = results.reduce((sum, result) => sum + result.finds.length, 0)
say(`${cases} cases in ${((performance.now() - began) / 1e3).toFixed(0)} s, ${finds} finds`)
if (hung !== null) say(`HUNG: ${hung}`)
if (hung !== null || finds > 0) process.exitCode = 1
