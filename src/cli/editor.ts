import { spawn } from 'node:child_process'
import { resolve } from 'node:path'
import { MigrateError } from '../core/errors.js'
import type { Context } from './context.js'

/**
 * Opens the file in the user's editor and waits until it is closed.
 *
 * @throws MigrateError MIG-EDITOR-FAILED when none is named, or it fails
 */
export async function openEditor(file: string, context: Context): Promise<void> {
  // One that is set to nothing names none.
  const named = [process.env['VISUAL'], process.env['EDITOR']].find((each) => each?.trim()) ?? ''
  if (named === '') {
    throw new MigrateError('MIG-EDITOR-FAILED', 'No editor is named.', {
      hint: `Set EDITOR, or open the file yourself: ${file}`,
    })
  }
  const path = resolve(context.cwd, file)
  // Through the shell, since EDITOR may carry arguments; the path is a parameter, never part of the script.
  const child =
    process.platform === 'win32'
      ? spawn(`${named} "${path}"`, { stdio: 'inherit', shell: true })
      : spawn('/bin/sh', ['-c', `${named} "$1"`, 'sh', path], { stdio: 'inherit' })
  const code = await new Promise<number | null>((settle) => {
    child.on('error', () => settle(null))
    child.on('close', (status) => settle(status))
  })
  if (code !== 0) {
    throw new MigrateError('MIG-EDITOR-FAILED', `The editor ${named} ended with ${code ?? 'an error'}.`, {
      hint: `Set EDITOR to another one, or open the file yourself: ${file}`,
    })
  }
}
