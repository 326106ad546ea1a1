import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { ERROR_CODES } from '../../src/core/errors.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const page = readFileSync(join(root, 'docs', 'errors.md'), 'utf8')
const codes = Object.entries(ERROR_CODES)

describe('docs/errors.md', () => {
  it('has a section for every code, in the order of the codes, and no other', () => {
    const sections = [...page.matchAll(/^### (.+)$/gm)].map(([, heading]) => heading)
    expect(sections).toEqual(codes.map(([code]) => code))
  })

  it.each(codes)('says of %s with which code the process exits, what stands and what to do', (code, exit) => {
    const section = page.split(`\n### ${code}\n`)[1]?.split('\n#')[0] ?? ''
    expect(section).toContain(`- **Exit code:** ${exit}\n`)
    expect(section).toMatch(/^- \*\*What stands:\*\* \S/m)
    expect(section).toMatch(/^- \*\*What to do:\*\* \S/m)
  })

  it('is about codes that are raised', () => {
    const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
      .filter(
        (name) => name.endsWith('.ts') && name !== join('core', 'errors.ts') && !name.startsWith('testing'),
      )
      .map((name) => readFileSync(join(root, 'src', name), 'utf8'))
      .join('\n')
    const unraised = codes.filter(([code]) => !sources.includes(`'${code}'`)).map(([code]) => code)
    expect(unraised).toEqual([])
  })
})
