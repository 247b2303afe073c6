import { request } from "node:http";

export interface FetchOptions {
  readonly method: string;
  /** As `name: value`. */
  readonly headers: readonly string[];
  readonly body: string | undefined;
  readonly showHead: boolean;
}

/** Sends one request and prints the answer. Resolves to whether there was one below 400. */
export function fetchOnce(url: string, options: FetchOptions): Promise<boolean> {
  const headers = options.headers.map((header) => {
    const colon = header.indexOf(":");
    return [header.slice(0, colon).trim(), header.slice(colon + 1).trim()] as const;
  });
  return new Promise((resolve) => {
    const outgoing = request(
      url,
      { method: options.method, headers: Object.fromEntries(headers), timeout: 30_000 },
      (response) => {
        const { statusCode = 0 } = response;
        if (options.showHead) {
          console.log(`HTTP/${response.httpVersion} ${statusCode} ${response.statusMessage}`);
          for (let i = 0; i < response.rawHeaders.length; i += 2)
            console.log(`${response.rawHeaders[i]}: ${response.rawHeaders[i + 1]}`);
          console.log();
        }
        response.pipe(process.stdout, { end: false });
        response.on("end", () => resolve(statusCode < 400));
      },
    );
    outgoing.on("timeout", () => outgoing.destroy(new Error("no answer within 30 s")));
    outgoing.on("error", (error) => {
      console.error(`client: ${error.message}`);
      resolve(false);
    });
    outgoing.end(options.body);
  });
}
