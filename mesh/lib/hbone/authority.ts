import { isIP } from "node:net";

export interface Authority {
  readonly address: string;
  readonly port: number;
}

/** `10.244.0.7:8080` or `[::1]:80` of a CONNECT request; undefined for anything else, names among it. */
export function parseAuthority(text: string | undefined): Authority | undefined {
  const [, bracketed, bare, digits] = /^(?:\[([0-9a-fA-F:.]+)\]|([0-9.]+)):([0-9]{1,5})$/.exec(text ?? "") ?? [];
  const address = bracketed ?? bare ?? "";
  const port = Number(digits);
  const family = bracketed === undefined ? 4 : 6;
  if (isIP(address) !== family || port < 1 || port > 65_535) return undefined;
  return { address, port };
}

export const authorityOf = ({ address, port }: Authority): string =>
  address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
