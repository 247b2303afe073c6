import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { fetchOnce, logIn } from "./client.ts";
import { serveEcho } from "./echo.ts";

const usage = `usage: tools echo                      an HTTP server that answers with what it got
       tools client [options] <url>    an HTTP client: -X METHOD -H 'name: value' -d DATA -i -k -n COUNT
                                       --login TOKEN-URL --as 'client_id=…&client_secret=…' sends a token of its own
                                       --connect HOST:PORT  --cacert FILE  --cert FILE --key FILE  --servername NAME
                                       --subject tells the subject of the server's certificate with --tally
                                       --tally prints how often there was which status, as JSON
       tools sleep                     nothing, until it is ended`;

const [command = "", ...args] = process.argv.slice(2);

switch (command) {
  case "echo":
    serveEcho();
    break;
  case "sleep":
    setInterval(() => {}, 1 << 30);
    for (const signal of ["SIGTERM", "SIGINT"]) process.on(signal, () => process.exit(0));
    break;
  case "client":
    process.exitCode = await client(args);
    break;
  default:
    console.error(usage);
    process.exitCode = 64;
}

async function client(argv: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: argv,
    allowPositionals: true,
    options: {
      request: { type: "string", short: "X", default: "GET" },
      header: { type: "string", short: "H", multiple: true, default: [] },
      data: { type: "string", short: "d" },
      include: { type: "boolean", short: "i", default: false },
      insecure: { type: "boolean", short: "k", default: false },
      count: { type: "string", short: "n", default: "1" },
      tally: { type: "boolean", default: false },
      connect: { type: "string" },
      cacert: { type: "string" },
      cert: { type: "string" },
      key: { type: "string" },
      servername: { type: "string" },
      subject: { type: "boolean", default: false },
      login: { type: "string" },
      as: { type: "string", default: "" },
    },
  });
  const [url] = positionals;
  const count = Number(values.count);
  if (url === undefined || !URL.canParse(url) || !Number.isInteger(count) || count < 1 || count > 10_000) {
    console.error(usage);
    return 64;
  }
  const headers = [...values.header];
  if (values.login !== undefined) {
    try {
      headers.push(`authorization: Bearer ${await logIn(values.login, values.as)}`);
    } catch (error) {
      console.error(`client: ${(error as Error).message}`);
      if (values.tally) console.log(JSON.stringify({ "no token": count }));
      return values.tally ? 0 : 1;
    }
  }
  const read = (name: "cacert" | "cert" | "key"): string | undefined =>
    values[name] === undefined ? undefined : readFileSync(values[name], "utf8");
  const { connect, servername } = values;
  const tls = {
    ...(values.cacert !== undefined && { ca: read("cacert") }),
    ...(values.cert !== undefined && { cert: read("cert"), key: read("key") }),
    ...(servername !== undefined && { servername }),
  };
  const outcomes: Record<string, number> = {};
  for (let i = 0; i < count; i++) {
    const outcome = await fetchOnce(url, {
      method: values.request,
      headers,
      body: values.data,
      showHead: values.include,
      silent: values.tally,
      insecure: values.insecure,
      ...(connect !== undefined && { connect }),
      tls,
      showSubject: values.subject,
    });
    outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
  }
  if (values.tally) console.log(JSON.stringify(outcomes));
  return values.tally || Object.keys(outcomes).every((outcome) => Number.parseInt(outcome, 10) < 400) ? 0 : 1;
}
