/** Photos for a report: pictures as `data:` addresses, and why others are missing. */
export type Photos =
  | {
      readonly kind: "shown";
      readonly images: ReadonlyMap<string, string>;
      /** Why an image is not there, by its id. */
      readonly missing: ReadonlyMap<string, string>;
    }
  | { readonly kind: "left-out" };
