import type { Head } from "../http1/head.ts";
import type { DownstreamConnection } from "../http1/streams.ts";

/** What a header value's %COMMANDS% may speak of. */
export interface FormatContext {
  readonly head: Head;
  readonly responseHead: Head | undefined;
  readonly connection: DownstreamConnection;
  readonly protocol: string;
  readonly routeName: string;
  readonly clusterName: string;
  readonly upstreamHost: string;
  readonly startTime: number;
}

export type Format = (context: FormatContext) => string | undefined;

const command = /%([A-Z_]+)(?:\(([^)]*)\))?(?::(\d+))?%|%%/g;

/**
 * Compiles a header value with Envoy's format commands, those that Istio's documentation uses. Throws for a command that it
 * does not know. A command without a value gives the empty string when there is text around it and no header when not.
 */
export function compileFormat(text: string): string | Format {
  if (!text.includes("%")) return clean(text);
  const parts: (string | Format)[] = [];
  let last = 0;
  for (const match of text.matchAll(command)) {
    if (match.index > last) parts.push(clean(text.slice(last, match.index)));
    last = match.index + match[0].length;
    parts.push(match[0] === "%%" ? "%" : limited(commandOf(match[1] ?? "", match[2] ?? ""), match[3]));
  }
  if (last < text.length) parts.push(clean(text.slice(last)));
  if (text.slice(last).includes("%")) throw new Error(`header value "${text}" holds a lone %`);
  const [only] = parts;
  if (parts.length === 1 && only !== undefined) return only;
  if (parts.every((part) => typeof part === "string")) return parts.join("");
  return (context) => parts.map((part) => (typeof part === "string" ? part : (part(context) ?? ""))).join("");
}

/** A configured value must not be able to start another line. */
function clean(text: string): string {
  return text.replace(/[\r\n\0]/g, "");
}

function limited(format: Format, length: string | undefined): Format {
  if (length === undefined) return format;
  return (context) => format(context)?.slice(0, Number(length));
}

const simple: Readonly<Record<string, Format>> = {
  DOWNSTREAM_REMOTE_ADDRESS: (context) => context.connection.remoteText,
  DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT: (context) => context.connection.remoteAddress,
  DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT: (context) => context.connection.remoteAddress,
  DOWNSTREAM_REMOTE_PORT: (context) => String(context.connection.remotePort),
  DOWNSTREAM_LOCAL_ADDRESS: (context) => context.connection.localText,
  DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT: (context) => context.connection.localAddress,
  DOWNSTREAM_LOCAL_PORT: (context) => String(context.connection.localPort),
  DOWNSTREAM_PEER_URI_SAN: (context) => context.connection.tls?.peerUri,
  DOWNSTREAM_LOCAL_URI_SAN: (context) => context.connection.tls?.localUri,
  DOWNSTREAM_PEER_SUBJECT: (context) => context.connection.tls?.peerSubject,
  REQUESTED_SERVER_NAME: (context) => context.connection.serverName,
  PROTOCOL: (context) => context.protocol,
  ROUTE_NAME: (context) => context.routeName,
  UPSTREAM_CLUSTER: (context) => context.clusterName,
  UPSTREAM_HOST: (context) => context.upstreamHost,
  START_TIME: (context) => new Date(context.startTime).toISOString(),
  RESPONSE_CODE: (context) => (context.responseHead === undefined ? undefined : String(context.responseHead.status)),
};

function commandOf(name: string, argument: string): Format {
  switch (name) {
    case "REQ":
      return headerCommand(argument, (context) => context.head);
    case "RESP":
      return headerCommand(argument, (context) => context.responseHead);
    case "ENVIRONMENT": {
      const value = clean(process.env[argument] ?? "-");
      return () => value;
    }
    case "HOSTNAME": {
      const value = clean(process.env.HOSTNAME ?? "-");
      return () => value;
    }
    default: {
      const format = simple[name];
      if (format === undefined) throw new Error(`header values cannot hold %${name}%`);
      return format;
    }
  }
}

/** %REQ(X?Y)%: header X, or Y where X is missing. */
function headerCommand(argument: string, source: (context: FormatContext) => Head | undefined): Format {
  const [first = "", second] = argument.toLowerCase().split("?");
  return (context) => {
    const head = source(context);
    return head?.get(first) ?? (second === undefined ? undefined : head?.get(second));
  };
}
