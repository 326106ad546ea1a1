import { collectScripts, firstOf } from '../core/collect.js'
import { headerOf, isDefinition } from '../core/definition.js'
import type { Places } from '../core/operations.js'
import { MigrateError } from '../core/errors.js'
import { startOf } from '../core/position.js'
import type { RevisionHeader, RevisionScripts, RevisionSource } from '../core/revision.js'
import { readWhole } from './bytes.js'
import type { FolderFile } from './folder.js'
import { readCodeHeader } from './js-header.js'
import { messageOfName, readUnchanged } from './revision-sql.js'
import type { ModuleFile } from './module-loader.js'

const CODE = /(?<!\.d)\.[cm]?[jt]s$/i
const TYPESCRIPT = /\.[cm]?ts$/i

/** True for names of TypeScript and JavaScript files; declarations (`.d.ts`) are none. */
export function isCodeName(name: string): boolean {
  return CODE.test(name)
}

/**
 * Reads the headers of revisions in code, none of which is run. A TypeScript file and the JavaScript that was compiled
 * from it lie under one name with one id: they are one revision, and the TypeScript is it.
 * @throws MigrateError MIG-FILE-… when a file is no revision
 */
export function readCodeRevisions(files: readonly FolderFile[]): RevisionSource[] {
  const compiled = new Map<string, string>()
  const read = files.map((file) => {
    const source = readCodeRevision(file)
    if (TYPESCRIPT.test(file.name)) compiled.set(compiledName(file), source.id)
    return { file, source }
  })
  return read
    .filter(({ file, source }) => compiled.get(file.inside.toLowerCase()) !== source.id)
    .map(({ source }) => source)
}

/** Without the JavaScript beside which lies the TypeScript that it was compiled from. */
export function withoutCompiled(files: readonly FolderFile[]): readonly FolderFile[] {
  const compiled = new Set(files.filter(({ name }) => TYPESCRIPT.test(name)).map(compiledName))
  return files.filter(({ inside }) => !compiled.has(inside.toLowerCase()))
}

function compiledName(file: FolderFile): string {
  return file.inside.toLowerCase().replace(/ts$/, 'js')
}

function readCodeRevision(file: FolderFile): RevisionSource {
  const { path, shown } = file
  const { text, hash } = readWhole(path, shown)
  const header = readCodeHeader(text, shown)
  const message = header.message === '' ? messageOfName(file.name, header.id) : header.message
  return {
    ...header,
    message,
    file: shown,
    sourceHash: hash,
    downPlace: '"down(op) {}" below its up',
    load: async (dialect, signal) => loadScripts(path, shown, hash, header, firstOf(dialect), signal),
  }
}

async function loadScripts(
  path: string,
  shown: string,
  hash: string,
  header: RevisionHeader,
  dialect: string,
  signal: AbortSignal | undefined,
): Promise<RevisionScripts> {
  const file: ModuleFile = { path, shown, text: readUnchanged(path, shown, hash).text }
  const { importModule, placeOf, placeOfCall } = await import('./module-loader.js')
  const { EXTENSIONS } = await import('../schema/operations.js')
  const definition = await importModule(file, signal)
  if (!isDefinition(definition)) {
    throw new MigrateError('MIG-FILE-SHAPE', 'The file does not export a revision as its default.', {
      position: startOf(shown),
      hint: 'Write "export default defineRevision({ ... })", or "module.exports = defineRevision({ ... })" in CommonJS.',
    })
  }
  refuseOtherHeader(headerOf(definition), header, shown)
  const places: Places = { here: (text) => placeOfCall(file, text), of: (error) => placeOf(error, file) }
  return collectScripts(definition, dialect, places, EXTENSIONS)
}

/** The graph was built from what was read; what the code says when it runs must be the same. */
function refuseOtherHeader(ran: RevisionHeader, read: RevisionHeader, shown: string): void {
  for (const name of ['id', 'parents', 'dependsOn', 'labels', 'message'] as const) {
    const [found, expected] = [ran[name], read[name]].map((value) => JSON.stringify(value))
    if (found === expected) continue
    throw new MigrateError(
      'MIG-FILE-SHAPE',
      `"${name}" is ${found ?? ''} when the file runs, but reads as ${expected ?? ''} without running it.`,
      {
        position: startOf(shown),
        hint: `Write "${name}" as a literal in the object that is given to defineRevision(), above "up".`,
      },
    )
  }
}
