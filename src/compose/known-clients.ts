/** How long another replica's change of a relying party may go unseen; shorter than many a request takes. */
const staleMilliseconds = 1000;
const mostKept = 1000;

interface Kept<Metadata> {
  readonly found: Promise<Metadata>;
  readonly until: number;
}

/**
 * The metadata of relying parties, which the engine asks for several times a request, kept for a moment. Nothing that a
 * secret or a grant decides is kept: both are read at every use, and end with their relying party.
 */
export function createKnownClients<Metadata>(find: (clientId: string) => Promise<Metadata | undefined>) {
  const kept = new Map<string, Kept<Metadata | undefined>>();
  return {
    find(clientId: string): Promise<Metadata | undefined> {
      // Not by the service's clock: a clock that stands still or is set back must not make anything last.
      const now = performance.now();
      const known = kept.get(clientId);
      if (known !== undefined && known.until > now) return known.found;
      const found = find(clientId);
      if (kept.size >= mostKept) kept.clear();
      kept.set(clientId, { found, until: now + staleMilliseconds });
      // Neither a fault nor a stranger's invention is worth keeping.
      const forget = (): void => {
        if (kept.get(clientId)?.found === found) kept.delete(clientId);
      };
      found.then((metadata) => metadata === undefined && forget(), forget);
      return found;
    },
    /** To be called after a change made here was committed; look-ups under way are forgotten too. */
    forget(): void {
      kept.clear();
    },
  };
}
