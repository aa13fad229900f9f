import jsQR from 'jsqr';
import type { Locator } from 'playwright-core';
import { PNG } from 'pngjs';

/** Reads the QR code in a picture of `element` as an authenticator's camera would; throws where none is readable. */
export async function readQrCode(element: Locator): Promise<string> {
  return decodeQrCode(await element.screenshot());
}

/** Decodes the QR code in a PNG picture. */
export function decodeQrCode(picture: Buffer): string {
  const { data, width, height } = PNG.sync.read(picture);
  // jsqr is CommonJS: its default import is the function at run time, whatever its types say
  const decode = jsQR as unknown as typeof jsQR.default;
  const code = decode(new Uint8ClampedArray(data), width, height);
  if (code === null) throw new Error(`no QR code is readable in this picture of ${width} by ${height} pixels`);
  return code.data;
}
