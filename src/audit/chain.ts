import { createHash } from 'node:crypto';
import type { SecretBox, SecretContext } from '../crypto/secret-box.ts';
import type { ChainedEvent, ChainHead, Seal } from './seal-store.ts';

export const hashBytes = 32;

/** What stands before the first seal. */
export const genesis = createHash('sha256').update('twofold audit 1').digest();

/** The hash of one event over all its fields; JSON keeps the fields apart whatever they hold. */
export function hashEvent(event: ChainedEvent): Buffer {
  const fields = [
    event.id,
    event.at,
    event.type,
    event.actor,
    event.target,
    event.result,
    event.reason,
    event.details,
    event.requestId,
    event.originSealed,
    event.personalSealed,
  ];
  return createHash('sha256').update(JSON.stringify(fields), 'utf8').digest();
}

/** The hash of one link: its number, month, events and what came before it. */
export function hashSeal(seal: Omit<Seal, 'hash' | 'hashSealed'>): Buffer {
  const head = JSON.stringify([seal.number, seal.month, seal.eventIds]);
  return createHash('sha256').update(seal.previousHash).update(head, 'utf8').update(seal.eventHashes).digest();
}

/** The seals for these events, after `last`; one for each month in them. */
export function makeSeals(last: Seal | undefined, events: readonly ChainedEvent[], secretBox: SecretBox): Seal[] {
  const months = Map.groupBy(events, ({ at }) => at.slice(0, 7));
  const seals: Seal[] = [];
  let previous = last;
  for (const [month, ofMonth] of months) {
    const open = {
      number: (previous?.number ?? 0) + 1,
      month,
      eventIds: ofMonth.map(({ id }) => id),
      eventHashes: Buffer.concat(ofMonth.map(hashEvent)),
      previousHash: previous?.hash ?? genesis,
    };
    const hash = hashSeal(open);
    previous = { ...open, hash, hashSealed: secretBox.seal(hash, sealContext(open.number)) };
    seals.push(previous);
  }
  return seals;
}

/** Binds a sealed hash to its place in the chain. */
export function sealContext(number: number): SecretContext {
  return { table: 'audit_seals', column: 'hash_sealed', owner: '', row: String(number) };
}

/** A seal as the end of the chain, to be written down. */
export function headOf({ number, hash }: Seal): ChainHead {
  return { number, hash: hash.toString('base64url') };
}
