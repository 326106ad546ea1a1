import { runInNewContext } from 'node:vm'

/** With so many revisions, a run is kept small at the cost of a few hundredths of its time. */
export const LARGE = 2000

/** What the engine does by itself, which compiled code is kept for. */
const USUAL = ['--semi-space-growth-factor=2', '--heap-growing-percent=0']

/**
 * On a machine with much memory V8 gives 48 MB to what is young, and copies most of it out in vain. To be called once all
 * code that a command needs has been loaded: kept code counts only with the flags that it was compiled with.
 */
export async function keepYoungSmall(): Promise<void> {
  const { setFlagsFromString } = await import('node:v8')
  setFlagsFromString('--semi-space-growth-factor=1')
  process.prependOnceListener('exit', () => {
    for (const flag of USUAL) setFlagsFromString(flag)
  })
}

/** V8 also lets garbage grow to four times what is in use: 240 MB with 10,000 revisions, of which 30 are needed. */
export async function keepSmall(): Promise<void> {
  const { setFlagsFromString } = await import('node:v8')
  setFlagsFromString('--heap-growing-percent=30')
  // It counts from the next collection on.
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  setFlagsFromString('--no-expose-gc')
  collect()
}
