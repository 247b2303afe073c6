import { DeltaDiscoveryRequest, DeltaDiscoveryResponse } from "#gen/xds/envoy/service/discovery/v3/discovery.ts";
import { type AdsStream, isWanted, refusal, type StreamOptions } from "./stream.ts";
import type { AnyTypeState } from "./type-state.ts";

const METHOD = "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources";

/** Opens a stream in the incremental protocol. Source: Envoy's xDS protocol, "Incremental xDS". */
export function openDeltaStream(options: StreamOptions): AdsStream {
  const call = options.client.makeBidiStreamRequest<DeltaDiscoveryRequest, DeltaDiscoveryResponse>(
    METHOD,
    (message) => Buffer.from(DeltaDiscoveryRequest.encode(message).finish()),
    (bytes) => DeltaDiscoveryResponse.decode(bytes),
    options.metadata,
  );
  const started = new Set<string>();
  let first = true;
  let ended = false;

  const send = (message: Partial<DeltaDiscoveryRequest> & { readonly typeUrl: string }): void => {
    if (ended) return;
    call.write(DeltaDiscoveryRequest.fromPartial({ ...(first ? { node: options.node } : {}), ...message }));
    first = false;
  };
  /** The first request of a type on this stream: what is wanted, and what is there already so that it is not sent again. */
  const start = (state: AnyTypeState): void => {
    started.add(state.typeUrl);
    send({
      typeUrl: state.typeUrl,
      resourceNamesSubscribe: [...(state.wanted ?? [])],
      initialResourceVersions: { ...state.versions() },
    });
  };
  const end = (error: Error | undefined): void => {
    if (ended) return;
    ended = true;
    options.onEnd(error);
  };
  const answer = async (response: DeltaDiscoveryResponse): Promise<void> => {
    const { typeUrl, nonce } = response;
    const state = options.states.get(typeUrl);
    if (state === undefined)
      return send({ typeUrl, responseNonce: nonce, errorDetail: refusal(`nobody asked for ${typeUrl}`) });
    const resources = response.resources.map(({ name, version, resource }) => ({ name, version, body: resource }));
    const problem = await state.acceptDelta(resources, response.removedResources, response.systemVersionInfo);
    send({ typeUrl, responseNonce: nonce, ...(problem === undefined ? {} : { errorDetail: refusal(problem) }) });
  };

  call.on("data", (response: DeltaDiscoveryResponse) => {
    options.onResponse();
    void answer(response);
  });
  call.on("error", (error: Error) => end(error));
  call.on("end", () => end(undefined));
  for (const state of options.states.values()) if (isWanted(state)) start(state);

  return {
    subscribe: (state, { added, removed }) => {
      if (!started.has(state.typeUrl)) {
        if (isWanted(state)) start(state);
      } else if (added.length > 0 || removed.length > 0) {
        send({ typeUrl: state.typeUrl, resourceNamesSubscribe: [...added], resourceNamesUnsubscribe: [...removed] });
      }
    },
    close: () => {
      ended = true;
      call.cancel();
    },
  };
}
