import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Random } from './random.js'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const FOLDERS = [
  'migrations-example',
  'test/corpus/bases',
  'test/cli/transcripts',
  'test/sql',
  'src/files',
  'src/schemas',
]
const LARGEST = 64 * 1024

/** Files that somebody really wrote: revisions, schemas, configurations, transcripts, code. */
export function realFiles(): readonly string[] {
  const paths = FOLDERS.flatMap((folder) =>
    readdirSync(join(ROOT, folder)).map((name) => join(ROOT, folder, name)),
  )
  return [...paths, join(ROOT, '.migraterc.example'), join(ROOT, 'package.json'), join(ROOT, 'compose.yaml')]
    .filter((path) => statSync(path).isFile() && statSync(path).size <= LARGEST)
    .map((path) => readFileSync(path, 'latin1'))
}

type Mutation = (text: string, random: Random, others: readonly string[]) => string

const slice = (text: string, random: Random): readonly [number, number] => {
  const start = random.below(text.length + 1)
  return [start, Math.min(text.length, start + 1 + random.below(random.of([2, 20, 400])))]
}

const MUTATIONS: readonly Mutation[] = [
  // a bit turned
  (text, random) => {
    const at = random.below(text.length)
    const turned = text.charCodeAt(at) ^ (1 << random.below(8))
    return text.slice(0, at) + String.fromCharCode(turned) + text.slice(at + 1)
  },
  // a piece lost
  (text, random) => {
    const [start, end] = slice(text, random)
    return text.slice(0, start) + text.slice(end)
  },
  // a piece twice or many times
  (text, random) => {
    const [start, end] = slice(text, random)
    return text.slice(0, end) + text.slice(start, end).repeat(1 + random.below(8)) + text.slice(end)
  },
  // a piece of another file in it
  (text, random, others) => {
    const other = random.of(others)
    const [start, end] = slice(other, random)
    const at = random.below(text.length + 1)
    return text.slice(0, at) + other.slice(start, end) + text.slice(at)
  },
  // a character that means something
  (text, random) => {
    const at = random.below(text.length + 1)
    const sign = random.of([
      "'",
      '"',
      '`',
      '$$',
      '$a$',
      '\\',
      '/*',
      '*/',
      '--',
      ';',
      '\r',
      '\n',
      '(',
      '}',
      '\0',
      '\ufeff',
      '${',
      '@',
      ':',
      '-- migrate:up\n',
    ])
    return text.slice(0, at) + sign + text.slice(at)
  },
  // cut off
  (text, random) => text.slice(0, random.below(text.length + 1)),
]

/** A real file, changed in one to six places; as bytes that need not be UTF-8 any more. */
export function mutated(files: readonly string[], random: Random): Buffer {
  let text = random.of(files)
  for (let left = 1 + random.below(6); left > 0 && text !== ''; left -= 1) {
    text = random.of(MUTATIONS)(text, random, files)
  }
  return Buffer.from(text, 'latin1')
}
