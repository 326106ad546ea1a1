import { describe, expect, it } from 'vitest'
import { chosenOptions } from '../../src/cli/chosen.js'
import { createView, typed } from '../../src/report/view.js'

describe('what is to be typed next means the same database and files', () => {
  it.each([
    [['upgrade'], ''],
    [['-n', 'production', 'upgrade', '--plan'], '-n production'],
    [['upgrade', '-nproduction', '--json'], '-n production'],
    [['status', '--url=sqlite:a.db', '--dir', 'my files'], "--url sqlite:a.db --dir 'my files'"],
    [['-c', "it's.yaml", 'status'], String.raw`-c 'it'\''s.yaml'`],
    [['status', '--url', 'postgres://ada:s3cret@db/shop'], "--url 'postgres://ada:***@db/shop'"],
    [['revision', '-m', '-n', '--', '--url', 'x'], ''],
    [['status', '--env'], ''],
    [['upgrade', '--role', 'app owner'], "--role 'app owner'"],
  ])('%j', (args, chosen) => {
    expect(chosenOptions(args)).toBe(chosen)
  })

  it('where words name a command', () => {
    const view = createView({ colour: false, chosen: '-n production' })
    expect(typed('Mend a.sql, then type: migrate upgrade +1', view)).toBe(
      'Mend a.sql, then type: migrate -n production upgrade +1',
    )
    expect(typed('type "migrate resolve a --done" or "migrate resolve a --retry"', view)).toBe(
      'type "migrate -n production resolve a --done" or "migrate -n production resolve a --retry"',
    )
    expect(typed('See migrate upgrade --help, or migrate --help', view)).toBe(
      'See migrate upgrade --help, or migrate --help',
    )
    expect(typed('migrate upgrade', createView({ colour: false }))).toBe('migrate upgrade')
  })
})
