import type { JsonObject } from './json.js'

/** Commands of the tool's own, which servers do not have. */
export const RETIRE = 'retireIndex'
export const RESTORE = 'restoreIndex'

export const isOwnCommand = (name: string): boolean => name === RETIRE || name === RESTORE

const UNITS: ReadonlyMap<string, number> = new Map([
  ['s', 1_000],
  ['m', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
  ['w', 604_800_000],
])

/** A hundred years. */
const LONGEST = 36_525 * 86_400_000

/** `90m`, `12h`, `7d`, `2w` in milliseconds; null for what is none of these. */
export function parsePeriod(text: unknown): number | null {
  const [, count, unit = ''] = typeof text === 'string' ? (/^(\d{1,6})(s|m|h|d|w)$/.exec(text) ?? []) : []
  const ms = count === undefined ? null : Number(count) * (UNITS.get(unit) ?? Number.NaN)
  return ms === null || Number.isNaN(ms) || ms > LONGEST ? null : ms
}

/** The other way round, in the largest unit that says it: no more than a minute more. @param ms from 0 to a hundred years */
export function periodText(ms: number): string {
  const whole = [...UNITS].findLast(([, unit]) => ms > 0 && ms % unit === 0) ?? ['s', 1_000]
  const [name, unit] = ms / whole[1] < 1_000_000 ? whole : ['m', 60_000]
  return `${Math.ceil(ms / unit)}${name}`
}

/** What is wrong with such a command, a sentence, and where; null for nothing, and for commands of the server's. */
export function retireProblem(
  node: JsonObject,
): { readonly message: string; readonly offset: number } | null {
  const [first] = node.fields
  if (first === undefined || !isOwnCommand(first.name)) return null
  const names = first.name === RETIRE ? ['index', 'hideFor'] : ['index']
  for (const { name, offset } of node.fields.slice(1))
    if (!names.includes(name)) return { message: `${first.name} has no "${name}".`, offset }
  for (const wanted of [first.name, ...names]) {
    const field = node.fields.find(({ name }) => name === wanted)
    const text = field?.value.kind === 'string' ? field.value.value : ''
    if (text === '')
      return { message: `${first.name} wants "${wanted}" as a text.`, offset: (field ?? node).offset }
    if (wanted === 'hideFor' && parsePeriod(text) === null)
      return { message: `"${text}" is no time such as 90m, 12h, 7d or 2w.`, offset: (field ?? node).offset }
    if (wanted === 'index' && text === '_id_')
      return { message: 'The index of _id is never hidden or dropped.', offset: (field ?? node).offset }
  }
  return null
}
