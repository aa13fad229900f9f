/** Whether this replica can serve. */
export interface Readiness {
  /** From now on it is up to the stores. */
  begin(): void;
  /** Not ready any more, whatever the stores say. */
  end(): void;
  isReady(): Promise<boolean>;
}

const cacheMilliseconds = 1000;
const probeMilliseconds = 1500;

/**
 * Asks every store, together, and keeps the answer for a second: a load balancer that asks often costs the stores
 * nothing, and strangers cannot use the address against them.
 */
export function createReadiness(
  probes: readonly (() => Promise<unknown>)[],
  epochMilliseconds: () => number,
): Readiness {
  let serving = false;
  let asked: { readonly at: number; readonly answer: Promise<boolean> } | undefined;

  async function ask(): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined;
    const tooLate = new Promise<false>((resolve) => {
      timer = setTimeout(() => resolve(false), probeMilliseconds);
    });
    const all = Promise.all(probes.map((probe) => probe())).then(
      () => true,
      () => false,
    );
    try {
      return await Promise.race([all, tooLate]);
    } finally {
      clearTimeout(timer);
    }
  }

  return {
    begin() {
      serving = true;
    },
    end() {
      serving = false;
    },
    async isReady() {
      if (!serving) return false;
      const now = epochMilliseconds();
      // A clock that was set back must not keep an old answer alive.
      if (asked === undefined || Math.abs(now - asked.at) >= cacheMilliseconds) asked = { at: now, answer: ask() };
      return (await asked.answer) && serving;
    },
  };
}
