import { openApiDocument } from './openapi.ts';

/** The API's document, so that a change of the API is seen in review. */
export function generatedFiles(): Record<string, string> {
  return { 'config/admin-api.openapi.json': `${JSON.stringify(openApiDocument(), null, 2)}\n` };
}
