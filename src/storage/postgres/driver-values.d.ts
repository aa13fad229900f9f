/** How the driver puts values on the wire. */
declare module 'pg/lib/utils.js' {
  const utils: {
    /** As text, bytes or null; throws for what it cannot send. What it made it leaves as it is. */
    prepareValue(value: unknown): string | Uint8Array | null;
  };
  export default utils;
}
