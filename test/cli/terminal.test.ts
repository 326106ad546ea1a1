import { spawn, spawnSync } from 'node:child_process'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { BIN, CliProject, sqlRevision } from './project.js'

const A = 'aaaa00000001'

/** util-linux's script(1) gives a program a terminal of its own. */
const hasTerminals =
  process.platform === 'linux' && spawnSync('script', ['--version'], { encoding: 'utf8' }).status === 0

let project: CliProject
beforeEach(() => {
  project = new CliProject({
    'migrations/a.sql': sqlRevision(A, 'CREATE TABLE users (id integer PRIMARY KEY);', {
      down: 'DROP TABLE users;',
    }),
  })
  project.run('upgrade')
})
afterEach(() => project.remove())

/** Runs the command on a terminal; types the answer when the question is there. */
async function onTerminal(args: string, dialogue?: { readonly question: string; readonly answer: string }) {
  const command = `stty cols 100 rows 30; "${process.execPath}" "${BIN}" ${args}`
  const child = spawn('script', ['-qec', command, '/dev/null'], {
    cwd: project.folder,
    env: { PATH: process.env['PATH'], HOME: project.folder, TERM: 'xterm' },
  })
  let text = ''
  let answered = dialogue === undefined
  child.stdout.on('data', (data: Buffer) => {
    text += data.toString()
    if (dialogue !== undefined && !answered && text.includes(dialogue.question)) {
      answered = true
      child.stdin.write(dialogue.answer)
    }
  })
  const code = await new Promise<number | null>((settle) => child.on('close', settle))
  return { code, text }
}

const goOn = (answer: string) => ({ question: 'Go on?', answer })
const applied = (): unknown =>
  (JSON.parse(project.run('current', '--json').stdout) as { applied: unknown }).applied

describe.runIf(hasTerminals)('on a terminal', () => {
  it('a downgrade that loses data shows what it throws away, and no is no', async () => {
    const { code, text } = await onTerminal('downgrade', goOn('n'))
    expect(text).toContain('DROP TABLE users')
    expect(text).toContain('MIG-CANCELLED')
    expect(code).toBe(1)
    expect(applied()).toEqual([A])
  })

  it('yes goes on', async () => {
    const { code } = await onTerminal('downgrade', goOn('y'))
    expect(code).toBe(0)
    expect(applied()).toEqual([])
  })

  it('Ctrl-C at the question changes nothing', async () => {
    const { code } = await onTerminal('downgrade', goOn('\u0003'))
    expect(code).toBe(1)
    expect(applied()).toEqual([A])
  })

  it('with --yes and with --json nothing is asked', async () => {
    for (const args of ['redo --yes', 'redo --json']) {
      const { code, text } = await onTerminal(args)
      expect(code).toBe(0)
      expect(text).not.toContain('Go on?')
    }
    expect(applied()).toEqual([A])
  })

  it('a message that is missing is asked for', async () => {
    const question = 'What does the revision do?'
    const { code, text } = await onTerminal('revision', { question, answer: 'create orders\r' })
    expect(code).toBe(0)
    expect(text).toContain('_create_orders.sql')
  })

  it('there are colours', async () => {
    expect((await onTerminal('history')).text).toContain('\u001b[32mapplied')
  })

  it('a long run has a line of progress, which is gone when the run ends', async () => {
    let parents = A
    for (let number = 10; number < 40; number++) {
      const id = `bbbb000000${number}`
      project.write({
        [`migrations/${id}.sql`]: sqlRevision(id, `CREATE TABLE t${number} (id integer);`, { parents }),
      })
      parents = id
    }
    const { code, text } = await onTerminal('upgrade')
    expect(code).toBe(0)
    expect(text).toContain('━')
    expect(text).toContain('30 revisions applied')
    expect(text.slice(text.lastIndexOf('━'))).toContain('\u001b[K')
  })
})
