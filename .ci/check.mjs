// All checks, as `npm test` runs them: build, then types, lint, format, layers, unused code and the package, two at
// a time, then the tests. Every check runs even when another has failed; what failed is said again at the end.
//   node .ci/check.mjs [vitest's arguments]
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

process.chdir(fileURLToPath(new URL('..', import.meta.url)))
const tool = (path, ...args) => [process.execPath, [`node_modules/${path}`, ...args]]

const CHECKS = {
  eslint: tool('eslint/bin/eslint.js', '.'),
  types: tool('typescript/bin/tsc', '--noEmit', '-p', '.'),
  format: tool('prettier/bin/prettier.cjs', '--check', '--log-level', 'warn', '.'),
  layers: tool('dependency-cruiser/bin/dependency-cruise.mjs', 'src', '--config', '.dependency-cruiser.cjs'),
  unused: tool('knip/bin/knip.js'),
  publint: tool('publint/src/cli.js', '--strict'),
  'types of the package': tool('@arethetypeswrong/cli/dist/index.js', '--pack', '.', '--profile', 'esm-only'),
}
const AT_ONCE = 2
/** Lines of a failed test's message that are told at the end. */
const LINES_OF_A_MESSAGE = 12

const failed = []

/** Resolves with the exit code; the output is shown as it comes, or only when the check has failed. */
function run([program, args], { show }) {
  return new Promise((settle) => {
    const output = []
    const child = spawn(program, args, { stdio: show ? 'inherit' : ['ignore', 'pipe', 'pipe'] })
    child.stdout?.on('data', (data) => output.push(data))
    child.stderr?.on('data', (data) => output.push(data))
    child.on('close', (code) => settle({ ok: code === 0, output: Buffer.concat(output).toString() }))
  })
}

async function check(name, command, options = { show: false }) {
  const began = Date.now()
  const { ok, output } = await run(command, options)
  if (!ok) failed.push(name)
  console.log(`${ok ? 'ok    ' : 'FAILED'} ${name} (${((Date.now() - began) / 1000).toFixed(1)} s)`)
  if (!ok && output !== '') console.log(output)
  return ok
}

/** The failed tests of a file; or the file itself, where it could not be loaded or set up. */
function failedOf({ name, status, message, assertionResults }) {
  const told = (what, text) => {
    const lines = text.split('\n').filter((line) => !line.includes('/node_modules/'))
    return `  ${relative('.', name)}${what}\n${lines
      .slice(0, LINES_OF_A_MESSAGE)
      .map((line) => `    ${line}`)
      .join('\n')}`
  }
  const failures = assertionResults.filter((each) => each.status === 'failed')
  if (status === 'failed' && failures.length === 0) return [told('', message)]
  return failures.map((each) => told(` > ${each.fullName}`, each.failureMessages.join('\n')))
}

const built = await check('build', [process.execPath, ['.ci/build.mjs']])
// The checks of the package pack it, and that would build it once more.
if (built) process.env['MIGRATE_BUILT'] = '1'
const waiting = Object.entries(CHECKS)
await Promise.all(
  Array.from({ length: AT_ONCE }, async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await check(...next)
  }),
)

const scratch = mkdtempSync(join(tmpdir(), 'revgraph-check-'))
const report = join(scratch, 'vitest.json')
const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
let tests = { passed: 0, failed: 0, which: [] }
if (built) {
  await check('tests', tool('vitest/vitest.mjs', 'run', ...reporters, ...process.argv.slice(2)), {
    show: true,
  })
  try {
    const { numPassedTests, numFailedTests, testResults } = JSON.parse(readFileSync(report, 'utf8'))
    tests = { passed: numPassedTests, failed: numFailedTests, which: testResults.flatMap(failedOf) }
  } catch {
    console.log('vitest left no report')
  }
}
rmSync(scratch, { recursive: true, force: true })

if (failed.length > 0) {
  // Once more at the end: of a long log often only that is kept.
  console.log(`\nfailed: ${[failed.join(', '), ...tests.which].join('\n')}`)
  process.exitCode = 1
}
console.log(`${tests.passed} passed, ${tests.failed} failed`)
