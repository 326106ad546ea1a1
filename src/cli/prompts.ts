import type { ConfirmQuestion } from '../app/types.js'
import { MigrateError } from '../core/errors.js'
import type { Io } from './io.js'
import { lossLines, throwsData } from './loss.js'
import { firstLine, truncate } from '../report/width.js'

/** Statements shown of each revision before the question. */
const SHOWN = 5

export async function askAboutLoss(question: ConfirmQuestion, io: Io, signal: AbortSignal): Promise<boolean> {
  io.err(`This ${throwsData(question)}:\n`)
  for (const step of question.steps) {
    io.err(`  ${step.revision}  ${firstLine(step.message)}\n`)
    const lines = lossLines(step)
    for (const line of lines.slice(0, SHOWN)) io.err(`    ${truncate(line, 90)}\n`)
    const rest = lines.length - SHOWN
    if (rest > 0) io.err(`    and ${rest} more\n`)
  }
  const { confirm } = await import('@clack/prompts')
  const answer = await confirm({
    message: 'Go on?',
    initialValue: false,
    output: process.stderr,
    signal,
  })
  return answer === true
}

/** @throws MigrateError MIG-CANCELLED when the question is not answered */
export async function askText(question: string, signal: AbortSignal): Promise<string> {
  const { isCancel, text } = await import('@clack/prompts')
  const answer = await text({
    message: question,
    output: process.stderr,
    signal,
    validate: (value) => ((value ?? '').trim() === '' ? 'Write a few words.' : undefined),
  })
  if (isCancel(answer))
    throw new MigrateError('MIG-CANCELLED', 'Cancelled.', { state: 'Nothing was changed.' })
  return answer
}
