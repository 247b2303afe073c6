/** The filter that reads tokens: under its name policies and routes find the claims … */
export const TOKEN_FILTER = "envoy.filters.http.jwt_authn";
/** … by this key. */
export const PAYLOAD = "payload";
