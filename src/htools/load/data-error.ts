/** A data source that can't be read or makes no sense; the message is the one Ganeti's tools give. */
export class DataError extends Error {
  override name = 'DataError';
}

/** Puts the name of the thing before the message of a data error. */
export function annotated<T>(owner: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof DataError) throw new DataError(`${owner}: ${error.message}`, { cause: error });
    throw error;
  }
}
