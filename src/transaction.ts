/**
 * Runs `work` in one database transaction and commits when it resolves; a thrown error rolls everything back.
 * Inside `work` only the given stores may be used: the embedded database has a single connection, so a query beside
 * the transaction would wait for ever.
 */
export type InTransaction<Stores> = <Result>(work: (stores: Stores) => Promise<Result>) => Promise<Result>;
