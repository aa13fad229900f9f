/** How long another replica's change of a relying party may go unseen; shorter than many a request takes. */
const staleMilliseconds = 1000;
const mostKept = 1000;

interface Kept<Metadata> {
  readonly found: Promise<Metadata>;
  readonly until: number;
}

/**
 * What requests ask of a relying party again and again, its metadata and its live secrets, kept for a moment. No grant
 * is kept: each is read at every use, and ends with its relying party.
 */
export function createKnownClients<Metadata>(find: (clientId: string) => Promise<Metadata | undefined>) {
  const kept = new Map<string, Kept<Metadata | undefined>>();
  /** What is kept and not too old. Not by the service's clock: one that is set back must not make anything last. */
  const known = (clientId: string): Promise<Metadata | undefined> | undefined => {
    const there = kept.get(clientId);
    return there !== undefined && there.until > performance.now() ? there.found : undefined;
  };
  const findAnew = (clientId: string): Promise<Metadata | undefined> => {
    const until = performance.now() + staleMilliseconds;
    const found = find(clientId);
    if (kept.size >= mostKept) kept.clear();
    kept.set(clientId, { found, until });
    // Neither a fault nor a stranger's invention is worth keeping.
    const forget = (): void => {
      if (kept.get(clientId)?.found === found) kept.delete(clientId);
    };
    found.then((metadata) => metadata === undefined && forget(), forget);
    return found;
  };
  return {
    known,
    findAnew,
    find: (clientId: string) => known(clientId) ?? findAnew(clientId),
    /** To be called after a change made here was committed; look-ups under way are forgotten too. */
    forget(): void {
      kept.clear();
    },
  };
}
