import type { ConfirmQuestion } from '../app/types.js'
import { firstLine } from '../report/width.js'

/** `throws`, or `may throw` where there is nothing but code, of which nobody can tell. */
export function throwsData({ steps }: ConfirmQuestion): string {
  return steps.some(({ statements }) => statements.length > 0) ? 'throws data away' : 'may throw data away'
}

/** What a step does to the data, a line each. */
export function lossLines({ statements, codeSteps }: ConfirmQuestion['steps'][number]): readonly string[] {
  return [
    ...statements.map((statement) => firstLine(statement.trim())),
    ...codeSteps.map((name) => `code step: ${firstLine(name)}`),
  ]
}
