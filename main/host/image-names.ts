import { images } from "#api/names.ts";

/** A manifest in which the applications' image has the name that the cluster knows it by. Lines stay where they are. */
export const withImage = (yaml: string, appsImage: string): string =>
  appsImage === images.apps ? yaml : yaml.replaceAll(images.apps, appsImage);
