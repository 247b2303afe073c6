/** Fields whose values let somebody in. */
const secretFields =
  /^(?:authorization|proxy-authorization|cookie|set-cookie|x-api-key|x-auth-token|.*-token|.*-secret)$/i;
const secretParameters =
  /([?&](?:access_token|id_token|refresh_token|token|code|password|secret|api_key|key)=)[^&\s]+/gi;
const start =
  /^(?:(?:GET|HEAD|POST|PUT|DELETE|CONNECT|OPTIONS|TRACE|PATCH) \S+ HTTP\/1\.[01]|HTTP\/1\.[01] \d{3}[^\r\n]*)\r?\n/;
const longest = 200;

/** The lines of an HTTP/1 head at the beginning of a payload, secrets left out; undefined if there is none. */
export function httpHead(payload: Buffer): readonly string[] | undefined {
  const text = payload.toString("latin1");
  if (text.startsWith("PRI * HTTP/2.0")) return ["PRI * HTTP/2.0"];
  if (!start.test(text)) return undefined;
  const end = text.indexOf("\r\n\r\n");
  return (end < 0 ? text : text.slice(0, end))
    .split("\r\n")
    .map((line, index) => shorten(index === 0 ? line.replaceAll(secretParameters, "$1…") : field(line)));
}

function field(line: string): string {
  const colon = line.indexOf(":");
  return secretFields.test(line.slice(0, colon)) ? `${line.slice(0, colon)}: …` : printable(line);
}

const printable = (line: string): string => line.replaceAll(/[^\x20-\x7e]/g, ".");
const shorten = (line: string): string => (line.length > longest ? `${line.slice(0, longest)}…` : line);
