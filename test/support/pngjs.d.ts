/** The part of pngjs that the tests use; the package comes without types. */
declare module 'pngjs' {
  export const PNG: {
    sync: { read(picture: Buffer): { data: Buffer; width: number; height: number } };
  };
}
