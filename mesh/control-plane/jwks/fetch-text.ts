/** Gets a small text; rejects with what a person needs to know. */
export type FetchText = (url: string, timeoutMs: number) => Promise<string>;

const MAX_BYTES = 1024 * 1024;

/** Over HTTP or HTTPS, with certificates verified; nothing that is slow, long or not 200. */
export const fetchText: FetchText = async (url, timeoutMs) => {
  if (!/^https?:\/\//.test(url)) throw new Error(`"${url}" is no address with http or https`);
  let response: Response;
  try {
    response = await fetch(url, { signal: AbortSignal.timeout(timeoutMs), headers: { accept: "application/json" } });
  } catch (error) {
    throw new Error(`${url} did not answer: ${reasonOf(error)}`, { cause: error });
  }
  if (response.status !== 200 || response.body === null) {
    await response.body?.cancel();
    throw new Error(`${url} answered ${response.status}`);
  }
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body) {
    size += chunk.length;
    if (size > MAX_BYTES) throw new Error(`${url} answered with more than ${MAX_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
};

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}
