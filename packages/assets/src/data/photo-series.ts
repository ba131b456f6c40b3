/**
 * The group of each photo of a folder: the folder inside its class that it lies in (`boots/anna/1.jpg`: `anna`), the same
 * one in every class; a photo that lies in none is a group of its own. So photos of one person or series can be kept together.
 * @param paths `class/…/file`
 * @returns undefined where no class has folders inside
 */
export function photoSeries(paths: readonly string[]): readonly string[] | undefined {
  const parts = paths.map((path) => path.split("/"));
  if (parts.every(({ length }) => length < 3)) return undefined;
  return parts.map((steps, index) => (steps.length < 3 ? `/${paths[index]}` : (steps[1] ?? "")));
}
