/**
 * Imports a module of the user's, of whichever kind it is. The build leaves this a file of its own: in compiled code
 * that was kept, an import does not know which module it is in.
 */
export function importModule(path: string): Promise<unknown> {
  return import(path)
}
