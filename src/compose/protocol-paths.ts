/** What the endpoints take that are always there, beside the OPTIONS of a browser's preflight. */
export const methodsOf: Readonly<Record<string, readonly string[]>> = {
  '/auth': ['GET', 'POST'],
  '/device': ['GET', 'POST'],
  '/logout': ['GET', 'POST'],
  '/logout/confirm': ['POST'],
  '/token': ['POST'],
  '/par': ['POST'],
  '/introspect': ['POST'],
  '/revoke': ['POST'],
  '/device/auth': ['POST'],
  '/me': ['GET', 'POST'],
  '/jwks': ['GET', 'HEAD'],
  '/.well-known/openid-configuration': ['GET', 'HEAD'],
  '/.well-known/oauth-authorization-server': ['GET', 'HEAD'],
};

/** The engine's own addresses; everything else that no route of ours took is not there. */
export const protocolPath =
  /^\/(?:\.well-known\/[\w-]+|jwks|auth(?:\/[\w-]+)?|token|me|par|introspect|revoke|device(?:\/[\w-]+)?|logout(?:\/[\w-]+)?|register(?:\/[\w-]+)?|backchannel)$/;
