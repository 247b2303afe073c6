import type { Engine } from "./engine.ts";

/** An archive of several images, as `docker save` makes it. */
export function saveImages(
  { docker }: Engine,
  names: readonly string[],
  abortSignal: AbortSignal,
): Promise<NodeJS.ReadableStream> {
  return new Promise((resolve, reject) => {
    docker.modem.dial(
      {
        path: "/images/get?",
        method: "GET",
        options: { names: [...names] },
        isStream: true,
        statusCodes: { 200: true, 404: "no such image", 500: "server error" },
        abortSignal,
      },
      (error, stream) => (error === null ? resolve(stream as NodeJS.ReadableStream) : reject(error)),
    );
  });
}
