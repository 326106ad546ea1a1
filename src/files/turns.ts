/**
 * Lets others go on for a moment. Work on many files does so from time to time: meanwhile a connection is being made, and
 * the server must not wait for our next word until all are read.
 */
export const othersTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
