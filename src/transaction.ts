/**
 * Runs `work` in one database transaction and commits when it resolves; a thrown error rolls everything back.
 * Inside `work` only the given stores may be used: the embedded database has a single connection, so a query beside
 * the transaction would wait for ever.
 */
export type InTransaction<Stores> = <Result>(work: (stores: Stores) => Promise<Result>) => Promise<Result>;

/**
 * The same in one round trip, for work that asks for all its statements at once, none of which depends on the answer to
 * another: only a statement's fault undoes it. `recorded` are the people (their ids) under whose keys it records events.
 */
export type InOneTrip<Stores> = <Result>(
  recorded: readonly string[],
  work: (stores: Stores) => Promise<Result>,
) => Promise<Result>;

/**
 * Runs `work`, whose statements are asked for at once, in one round trip and without BEGIN: whether they stand or fall
 * together depends on what the connection knows. For reads, and for one statement that changes something beside them.
 */
export type AtOnce<Stores> = <Result>(work: (stores: Stores) => Promise<Result>) => Promise<Result>;
