import { serverNames, type MissingServer, type ServerName, type Servers } from './types.js'

/** The value of MIGRATE_TEST_SERVERS: unset is all, `none` is none, else names with commas between. */
export function parseSelection(value: string | undefined): readonly ServerName[] {
  const words = (value ?? '').split(',').flatMap((word) => (word.trim() === '' ? [] : [word.trim()]))
  if (words.length === 0 || words.includes('all')) return serverNames
  if (words.includes('none')) return []
  const unknown = words.filter((word) => !serverNames.some((name) => name === word))
  if (unknown.length > 0) {
    throw new Error(
      `MIGRATE_TEST_SERVERS: no server ${unknown.join(', ')}; there are ${serverNames.join(', ')}`,
    )
  }
  return serverNames.filter((name) => words.includes(name))
}

/** Servers that nobody asked for are missing too, so that every test can say what it lacks. */
export function withUnwanted(servers: Servers): Servers {
  const known = new Set([...servers.present, ...servers.missing].map(({ name }) => name))
  const unwanted = serverNames
    .filter((name) => !known.has(name))
    .map((name) => ({ name, reason: 'left out by MIGRATE_TEST_SERVERS', wanted: false }))
  return { present: servers.present, missing: [...servers.missing, ...unwanted] }
}

/** A laptop without a server skips its tests, loudly; CI fails, for a skipped test there is a test not run. */
export function verdictOnMissing(missing: MissingServer, ci: string | undefined): 'skip' | 'fail' {
  return missing.wanted && ci === 'true' ? 'fail' : 'skip'
}
