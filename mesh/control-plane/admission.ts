/** The part of admission.k8s.io/v1 that the webhooks speak. Source: "Dynamic Admission Control" in the Kubernetes documentation. */
export interface AdmissionRequest {
  readonly uid: string;
  readonly kind: { readonly group: string; readonly version: string; readonly kind: string };
  readonly operation: "CREATE" | "UPDATE" | "DELETE" | "CONNECT";
  readonly namespace?: string;
  readonly name?: string;
  readonly object?: unknown;
  readonly userInfo?: { readonly username?: string };
  readonly dryRun?: boolean;
}

export interface AdmissionResponse {
  readonly uid: string;
  readonly allowed: boolean;
  readonly status?: { readonly code: number; readonly message: string; readonly reason?: string };
  readonly warnings?: readonly string[];
  readonly patchType?: "JSONPatch";
  /** Base64 of the JSON patch. */
  readonly patch?: string;
}

/** A body that is no review of version 1. */
export class ReviewError extends Error {
  override readonly name = "ReviewError";
}

export function readReview(body: string): AdmissionRequest {
  let review: { readonly kind?: unknown; readonly request?: Partial<AdmissionRequest> } | null;
  try {
    review = JSON.parse(body);
  } catch {
    throw new ReviewError("the body is not JSON");
  }
  if (
    review?.kind !== "AdmissionReview" ||
    typeof review.request?.uid !== "string" ||
    review.request.kind === undefined
  ) {
    throw new ReviewError("the body is not an AdmissionReview of admission.k8s.io/v1");
  }
  return review.request as AdmissionRequest;
}

export const writeReview = (response: AdmissionResponse): string =>
  JSON.stringify({ apiVersion: "admission.k8s.io/v1", kind: "AdmissionReview", response });

export function allow(uid: string, patch: readonly object[] = []): AdmissionResponse {
  if (patch.length === 0) return { uid, allowed: true };
  return { uid, allowed: true, patchType: "JSONPatch", patch: Buffer.from(JSON.stringify(patch)).toString("base64") };
}

export const refuse = (
  uid: string,
  status: { readonly code: number; readonly message: string; readonly reason?: string },
): AdmissionResponse => ({
  uid,
  allowed: false,
  status,
});
