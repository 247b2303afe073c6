/** References of the images that a cluster needs, tagged by their content. */
export interface LabImages {
  readonly mesh: string;
  readonly apps: string;
}
