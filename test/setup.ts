import type { TestProject } from 'vitest/node'
import { parseSelection, withUnwanted } from './servers/missing.js'
import { startServers } from './servers/start.js'
import type { Servers } from './servers/types.js'

declare module 'vitest' {
  export interface ProvidedContext {
    servers: Servers
  }
}

/** Vitest's global setup: the servers run before the first test and are gone after the last one. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const selection = parseSelection(process.env['MIGRATE_TEST_SERVERS'])
  const began = Date.now()
  const started = await startServers(selection)
  const servers = withUnwanted(started.servers)
  project.provide('servers', servers)
  report(servers, Date.now() - began)
  return async () => {
    await started.stop()
    reportMissing(servers)
    reportMongo(servers, project)
    reportSearch(project)
  }
}

/** What ran where: a feature that only MongoDB has is not tested by what speaks its protocol. */
function reportMongo({ present }: Servers, project: TestProject): void {
  const has = (name: string) => present.some((server) => server.name === name)
  const passed = project.vitest.state
    .getTestModules()
    .filter(({ relativeModuleId }) => relativeModuleId.includes('mongo'))
    .flatMap((module) => [...module.children.allTests('passed')])
  const atTheWire = passed.filter(({ name }) => name.startsWith('at the wire'))
  const against = (name: string): number =>
    passed.filter((test) => test.fullName.startsWith(`${name} > `) && !atTheWire.includes(test)).length
  if (has('documentdb'))
    say(
      `MongoDB's backend ran against DocumentDB${has('mongodb') ? '' : ' alone'}: ${against('documentdb')} tests passed`,
    )
  if (has('mongodb')) say(`MongoDB's backend ran against MongoDB: ${against('mongodb')} tests passed`)
  if (atTheWire.length === 0) return
  say(
    `${atTheWire.length} tests passed at the wire, with MongoDB's documented answers, and NOT against MongoDB:`,
  )
  for (const { name } of atTheWire) say(`  ${name.replace(/^at the wire, not MongoDB: /, '')}`)
}

/** The servers of these tests have not got the search module. */
function reportSearch(project: TestProject): void {
  const lead = 'at the wire, not the search module: '
  const names = project.vitest.state
    .getTestModules()
    .filter(({ relativeModuleId }) => relativeModuleId.includes('redis/search'))
    .flatMap((module) => [...module.children.allTests('passed')])
    .filter(({ name }) => name.startsWith(lead))
    .map(({ fullName }) => fullName.replace(lead, ''))
  if (names.length === 0) return
  say(
    `${names.length} tests passed at the wire, with the documented answers of the search module, and NOT against it:`,
  )
  for (const name of names) say(`  ${name}`)
}

function report(servers: Servers, ms: number): void {
  for (const { name, version, via, startedInMs } of servers.present) {
    say(`${name} ${version} (${via}, ${startedInMs} ms)`)
  }
  if (servers.present.length > 0) say(`${servers.present.length} up after ${ms} ms`)
  reportMissing(servers)
}

/** Said before the tests and again after them, where it is seen. */
function reportMissing({ missing }: Servers): void {
  const wanted = missing.filter((absence) => absence.wanted)
  if (wanted.length === 0) return
  say(`${wanted.length} MISSING, their tests do not run:`)
  for (const { name, reason } of wanted) say(`  ${name}: ${reason}`)
}

function say(line: string): void {
  process.stderr.write(`servers: ${line}\n`)
}
